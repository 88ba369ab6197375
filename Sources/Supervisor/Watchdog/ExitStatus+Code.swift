// SPDX-License-Identifier: MIT

import LinuxSystem

extension ExitStatus {
    /// nil when a signal ended the process.
    var code: Int32? {
        switch self {
        case .exited(let code): code
        case .signaled: nil
        }
    }

    /// A core that is told to stop before it handles signals dies of the request, as it should.
    var codeWhileStopping: Int32? {
        self == .signaled(Signal.terminate.rawValue, coreDumped: false) ? 0 : self.code
    }
}
