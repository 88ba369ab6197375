// SPDX-License-Identifier: MIT

import ApplicationPool
import WireProtocol

extension AdminError {
    /// Why the process with this PID is not told to do its out-of-band work.
    init(_ refusal: WorkRefusal, pid: Int32) {
        let text =
            switch refusal {
            case .unknownProcess: "No application that you may control has a process \(pid)."
            case .leaving: "Process \(pid) is about to end."
            case .cannotBeTold:
                "Process \(pid) was started by passenger_app_start_command: it has no channel by which it could be told."
            case .alone:
                "Process \(pid) is the only one that its application may have, and another one has to serve meanwhile: raise "
                    + "passenger_max_instances, --max-instances-per-app or --max-pool-size, whichever forbids it."
            case .overdue:
                "Process \(pid) was told to begin before and has not said since that it is done; until then nothing more is "
                    + "asked of it."
            case .reforking: "Process \(pid) is becoming the next preloader of its application; try again in a moment."
            case .upgraded:
                "Process \(pid) has a WebSocket or the like open, which may last for ever; its work would have to wait for it."
            }
        self.init(kind: refusal == .unknownProcess ? .noSuchProcess : .refused, message: text)
    }
}
