// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
package import WireProtocol

extension PoolDriver: SessionPool {
    package func isAtRest(_ key: GroupKey) -> Bool { self.groups[key].map { self.pool.isAtRest($0.id) } ?? true }

    package func connectFailed(_ process: ProcessID, reason: String) {
        self.processUnreachable(process, reason: reason)
    }

    package func isEnding(_ process: ProcessID) -> Bool {
        guard let pid = self.processes[process]?.spawned.pid else { return true }
        return ProcInfo(pid: pid)?.isEnding ?? true
    }

    /// The request's own time limit, else that for answers which nobody waits for; a moment longer than what the pool does
    /// about it takes.
    package func drainLimit(of process: ProcessID) -> Duration {
        guard let settings = self.processes[process]?.group.settings else { return .zero }
        let limit = settings.maxRequestTime > .zero ? settings.maxRequestTime : settings.abandonedTimeout
        return limit + .seconds(1)
    }
}
