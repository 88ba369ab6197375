// SPDX-License-Identifier: MIT

/// The step of a launch that can fail, named as in `flying-passenger-exec`.
package enum LaunchStep: String, Hashable, Sendable, CaseIterable {
    // Before the helper runs.
    /// The plan could not be handed over: a zero byte in a text, or too long.
    case plan
    /// The helper itself could not be started.
    case helper
    /// The helper did not come to an end in time, for example because a file system hangs.
    case timeout

    // In the helper, in this order.
    case signals
    case session
    case descriptors
    case oomScore = "oom-score"
    case limits
    case umask
    /// A program that is opened before rights are dropped.
    case openProgram = "open-program"
    case groups
    case group
    case user
    /// The rights of root could be regained, or ids and groups are not those asked for.
    case proof
    case noNewPrivileges = "no-new-privileges"
    /// The subject is the first directory that the new user cannot enter.
    case enterDirectory = "enter-directory"
    case workingDirectory = "working-directory"
    /// Directory or startup file is not the one that was examined.
    case startupFile = "startup-file"
    case readStartupFile = "read-startup-file"
    /// The program exists, but not the interpreter in its first line, which is the subject.
    case interpreter
    case program
}

/// Why a process could not be launched; nothing is left of it.
package struct LaunchFailure: Error, Hashable, Sendable {
    package let step: LaunchStep
    /// `errno`, 0 when no system call failed.
    package let code: Int32
    /// Path, directory, user or number that the step was about.
    package let subject: String

    package init(step: LaunchStep, code: Int32, subject: String) {
        self.step = step
        self.code = code
        self.subject = subject
    }

    package var reason: String { SystemError.reason(forCode: code) }
}

extension LaunchFailure: CustomStringConvertible {
    package var description: String {
        let about = subject.isEmpty ? "" : " (\(subject))"
        return code == 0 ? "\(step.rawValue) failed\(about)" : "\(step.rawValue) failed\(about): \(reason)"
    }
}
