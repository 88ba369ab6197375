// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// How a process ended.
package enum ExitStatus: Hashable, Sendable {
    case exited(Int32)
    case signaled(Int32, coreDumped: Bool)

    init(_ ended: fp_exit) {
        self = ended.signaled ? .signaled(ended.code, coreDumped: ended.core_dumped) : .exited(ended.code)
    }

    package var isSuccess: Bool { self == .exited(0) }
}

extension ExitStatus: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let number, coreDumped: false): "signal \(Signal(rawValue: number))"
        case .signaled(let number, coreDumped: true): "signal \(Signal(rawValue: number)) (core dumped)"
        }
    }
}
