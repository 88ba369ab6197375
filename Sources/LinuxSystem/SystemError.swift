// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A system call that failed: which one, why, and on what.
package struct SystemError: Error, Hashable, Sendable {
    /// Name of the call, as in its manual page.
    package let call: String
    /// The value of `errno`.
    package let code: Int32
    /// Path, address, user or PID that the call was about.
    package let subject: String?

    package init(call: String, code: Int32, subject: String? = nil) {
        self.call = call
        self.code = code
        self.subject = subject
    }

    /// Symbolic name of the error number, such as `ENOENT`.
    package var name: String { Self.name(ofCode: code) }

    /// The text of the error number, such as `No such file or directory`.
    package var reason: String { Self.reason(forCode: code) }

    package static func name(ofCode code: Int32) -> String {
        guard let name = fp_error_name(code) else { return "E\(code)" }
        return String(cString: name)
    }

    package static func reason(forCode code: Int32) -> String {
        guard let text = fp_error_text(code) else { return "Error \(code)" }
        return String(cString: text)
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String {
        guard let subject else { return "\(call): \(reason) (\(name))" }
        return "\(call) \(subject): \(reason) (\(name))"
    }
}

// Tests for the codes that callers decide on.
extension SystemError {
    package var isNotFound: Bool { code == ENOENT }
    package var isNotDirectory: Bool { code == ENOTDIR }
    package var isAlreadyExists: Bool { code == EEXIST }
    package var isPermissionDenied: Bool { code == EACCES || code == EPERM }
    package var isWouldBlock: Bool { code == EAGAIN || code == EWOULDBLOCK }
    package var isInProgress: Bool { code == EINPROGRESS }
    package var isConnectionRefused: Bool { code == ECONNREFUSED }
    package var isConnectionReset: Bool { code == ECONNRESET }
    package var isBrokenPipe: Bool { code == EPIPE }
    package var isNotConnected: Bool { code == ENOTCONN }
    package var isAddressInUse: Bool { code == EADDRINUSE }
    package var isNoSuchProcess: Bool { code == ESRCH }
    package var isNoChild: Bool { code == ECHILD }
    package var isSymbolicLink: Bool { code == ELOOP }
    package var isTooManyDescriptors: Bool { code == EMFILE || code == ENFILE }
    package var isInvalidArgument: Bool { code == EINVAL }
    package var isMessageTooLong: Bool { code == EMSGSIZE }
    package var isTimedOut: Bool { code == ETIMEDOUT }
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    package var isNameTooLong: Bool { code == ENAMETOOLONG }
    /// The kernel has no such call, or a sandbox forbids it.
    package var isNotSupported: Bool { code == ENOSYS || code == EPERM }
    package var isDirectory: Bool { code == EISDIR }
    /// The kernel had no process, descriptor, memory or space left, or the user may have no more.
    package var isOutOfResources: Bool {
        [EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, ENOBUFS].contains(code)
    }
    /// A connection that went away before it could be accepted: the accept loop goes on.
    package var isTransientAcceptFailure: Bool {
        switch code {
        case ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENOPROTOOPT, EOPNOTSUPP: true
        default: false
        }
    }
}

/// Calls `body` again as long as a signal interrupts it, and turns -1 into the error that `errno` names.
@inline(__always)
func checked<Result: FixedWidthInteger & SignedInteger>(
    _ call: String,
    _ subject: @autoclosure () -> String? = nil,
    _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        let code = errno
        if result >= 0 { return result }
        if code != EINTR { throw SystemError(call: call, code: code, subject: subject()) }
    }
}
