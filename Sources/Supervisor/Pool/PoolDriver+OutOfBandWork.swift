// SPDX-License-Identifier: MIT

import ApplicationPool
import Logging
package import WireProtocol

extension PoolDriver {
    /// A process says that it has done its out-of-band work.
    ///
    /// One that was not told to, or that is on its way out, says it in vain.
    package func outOfBandWorkDone(_ id: ProcessID) {
        let now = self.now
        if let process = self.processes[id], let began = process.worksOutOfBandSince {
            self.logger.debug("out-of-band work done", metadata: self.metadata(of: process, workingSince: began, now))
            self.processes[id]?.worksOutOfBandSince = nil
        }
        if let orders = self.pool.outOfBandWorkDone(by: Process.ID(id), at: now) { self.carryOut(orders) }
    }

    func beginOutOfBandWork(_ id: ProcessID) {
        guard let process = self.processes[id] else { return }
        self.processes[id]?.worksOutOfBandSince = self.now
        self.logger.debug("out-of-band work begins", metadata: self.metadata(of: process))
        process.spawned.process.beginOutOfBandWork()
    }

    func outOfBandWorkOverdue(_ id: ProcessID, isReplaced: Bool) {
        guard let process = self.processes[id], let began = process.worksOutOfBandSince else { return }
        self.logger.warning(
            isReplaced
                ? "process is replaced, because its out-of-band work takes longer than --oobw-timeout"
                : "process serves again, although its out-of-band work takes longer than --oobw-timeout",
            metadata: self.metadata(of: process, workingSince: began, self.now)
        )
        if isReplaced {
            self.processes[id]?.isToEnd(ReasonToEnd(text: "out-of-band work took longer than --oobw-timeout"))
        }
    }

    private func metadata(of process: RunningProcess, workingSince began: Instant, _ now: Instant) -> Logger.Metadata {
        var facts = self.metadata(of: process)
        facts[LogKeys.outOfBandWork] = "\(now.since(began).roundedForLog)"
        return facts
    }
}
