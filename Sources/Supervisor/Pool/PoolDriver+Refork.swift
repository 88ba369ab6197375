// SPDX-License-Identifier: MIT

import ApplicationPool
import Logging
import SpawnPlan
import WireProtocol

extension PoolDriver {
    /// A process that has served enough is to fork what the next ones of its group are forked from.
    func beginRefork(from id: ProcessID) {
        guard let process = self.processes[id] else { return }
        let request = SpawnRequest(
            key: process.group.key,
            settings: process.group.settings,
            authority: process.group.authority,
            processID: .random(),
            generation: self.pool.generation(of: process.group.id) ?? 0,
            work: process.group.work
        )
        self.logger.info("process is to fork the next preloader", metadata: self.metadata(of: process))
        var hasForked = false
        self.spawner.refork(request, from: id) { [weak self] in
            guard let self else { return }
            hasForked = true
            self.carryOut(self.pool.reforkForked(from: Process.ID(id), at: self.now))
        } completion: { [weak self] failure in
            self?.reforkEnded(from: id, of: process, failure, hasForked: hasForked)
        }
    }

    private func reforkEnded(
        from id: ProcessID,
        of process: RunningProcess,
        _ failure: SpawnFailure?,
        hasForked: Bool
    ) {
        var outcome = Refork.Outcome.succeeded
        if let failure {
            // One that says that it cannot is good for all else.
            let isLost = !hasForked && failure.kind == .preloaderFailed
            outcome = .failed(isWorkerLost: isLost)
            self.logFailedRefork(of: process, failure)
            if isLost { self.processes[id]?.isToEnd(ReasonToEnd(text: "nothing came of its refork")) }
        }
        self.carryOut(self.pool.reforkEnded(from: Process.ID(id), outcome, at: self.now))
    }

    private func logFailedRefork(of process: RunningProcess, _ failure: SpawnFailure) {
        var facts = self.metadata(of: process)
        facts[LogKeys.reason] = "\(failure.summary)"
        guard failure.category != .cancelled else {
            return self.logger.info("refork given up", metadata: facts)
        }
        self.logger.warning(
            "refork failed: the preloader stays as it is, and no process of this one is tried any more",
            metadata: facts
        )
    }
}
