// SPDX-License-Identifier: MIT

import AppSettings
import Logging
package import WireProtocol

extension PoolDriver: SessionPool {
    /// The first report counts; the process is out of service when others arrive.
    package func connectFailed(_ process: ProcessID, reason: String) {
        guard let running = self.processes[process], self.detach(process) else { return }
        var facts = self.metadata(of: running)
        facts[LogKeys.reason] = "\(reason)"
        self.logger.error("process takes no connections and is replaced", metadata: facts)
    }

    /// The request's own time limit, else what a process that stops has for its requests.
    package func drainLimit(of process: ProcessID) -> Duration {
        guard let settings = self.processes[process]?.group.settings else { return .zero }
        return settings.maxRequestTime > .zero ? settings.maxRequestTime : settings.shutdownTimeout
    }
}
