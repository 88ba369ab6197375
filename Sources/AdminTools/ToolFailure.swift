// SPDX-License-Identifier: MIT

import WireProtocol

/// Why a tool ends without having done its work: a text for stderr and the exit status.
package struct ToolFailure: Error, Hashable, CustomStringConvertible {
    /// Stable: scripts rely on them.
    package enum Status: Int32, Sendable {
        /// Wrong usage, no instance, several and none named, or what is named is not there or cannot do what is asked.
        case usage = 1
        /// Not permitted, or anything else that went wrong.
        case failed = 2
    }

    package let status: Status
    package let message: String

    package init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// What the daemon answers instead of doing it.
    init(_ error: AdminError) {
        switch error.kind {
        case .noSuchProcess, .refused: self.init(.usage, error.message)
        case .malformed, .unknownCommand, .notPermitted, .failed: self.init(.failed, error.message)
        }
    }

    package var description: String { self.message }
}
