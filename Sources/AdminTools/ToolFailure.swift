// SPDX-License-Identifier: MIT

/// Why a tool ends without having done its work: a text for stderr and the exit status.
package struct ToolFailure: Error, Hashable, CustomStringConvertible {
    /// Stable: scripts rely on them.
    package enum Status: Int32, Sendable {
        /// Wrong usage, no instance, or several and none named.
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

    package var description: String { self.message }
}
