// SPDX-License-Identifier: MIT

package import ApplicationPool
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

    /// A user wants the process with this PID to do its out-of-band work.
    ///
    /// nil: it will, as soon as it can be spared. `mayControl` is asked about its group, and the uid that it runs as.
    package func requestOutOfBandWork(
        of pid: Int32,
        for uid: UInt32,
        where mayControl: (GroupKey, UInt32) -> Bool
    ) -> WorkRefusal? {
        guard let process = self.processes.values.first(where: { $0.spawned.pid == pid }),
            mayControl(process.group.key, process.spawned.uid)
        else { return .unknownProcess }
        switch self.pool.outOfBandWorkRequested(of: Process.ID(process.spawned.id), at: self.now) {
        case .refused(let refusal): return refusal
        case .requested(let orders):
            var facts = self.metadata(of: process)
            facts[LogKeys.uid] = "\(uid)"
            self.logger.info("out-of-band work was asked for", metadata: facts)
            self.carryOut(orders)
            return nil
        }
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
