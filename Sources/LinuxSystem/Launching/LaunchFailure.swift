// SPDX-License-Identifier: MIT

import Glibc

/// The step of a launch that can fail, named as in `flying-passenger-exec`.
package enum LaunchStep: String, Hashable, Sendable, CaseIterable {
    // Before the helper runs.
    /// The plan could not be handed over: a zero byte in a text, or too long.
    case plan
    /// The helper itself could not be started, or it ended without a word.
    case helper
    /// What the helper reports cannot be read.
    case report
    /// The helper did not come to an end in time, for example because a file system hangs.
    case timeout

    // In the helper, in this order.
    case signals
    case session
    /// The launcher did not let it go on.
    case gate
    /// The control group could not be entered.
    case controlGroup = "control-group"
    case descriptors
    case oomScore = "oom-score"
    case limits
    case umask
    /// A program that is opened before rights are dropped.
    case openProgram = "open-program"
    case keyring
    case groups
    case group
    case user
    /// The rights of root could be regained, or ids and groups are not those asked for.
    case proof
    case noNewPrivileges = "no-new-privileges"
    /// The subject is the first directory that the new user cannot enter, or that does not exist.
    case enterDirectory = "enter-directory"
    case workingDirectory = "working-directory"
    /// Directory or startup file is not the one that was examined.
    case startupFile = "startup-file"
    /// The detail is the directory that is in the way, or what a link leads to.
    case readStartupFile = "read-startup-file"
    /// The subject is the shell; the detail says how it ended (see `LoginShellEnd`).
    case loginShell = "login-shell"
    /// The subject is the file; the detail says what is wrong with it (see `EnvironmentFileProblem`).
    case environmentFile = "environment-file"
    /// The subject is the first directory that the new user cannot enter on the way to the program, or to the interpreter
    /// in its first line, which is the detail.
    case programDirectory = "program-directory"
    /// The program exists, but not the interpreter in its first line, which is the subject; the program is the detail.
    case interpreter
    /// The detail is where a link leads that leads nowhere, a directory of the search path that is closed, "noexec" (how
    /// the file system is mounted), or "no-loader" (the program is there, what the kernel needs to run it is not).
    case program
}

/// Why a process could not be launched; nothing is left of it.
package struct LaunchFailure: Error, Hashable, Sendable {
    package let step: LaunchStep
    /// `errno`, 0 when no system call failed.
    package let code: Int32
    /// Path, directory, user or number that the step was about.
    package let subject: String
    /// What else is known, by step; empty if nothing is.
    package let detail: String
    /// Of the directory that could not be entered.
    package let directory: DirectoryFacts?

    package struct DirectoryFacts: Hashable, Sendable {
        package let owner: UInt32
        /// Empty when no account has that number.
        package let ownerName: String
        package let group: UInt32
        /// Permission bits only.
        package let mode: UInt32

        package init(owner: UInt32, ownerName: String = "", group: UInt32, mode: UInt32) {
            self.owner = owner
            self.ownerName = ownerName
            self.group = group
            self.mode = mode
        }
    }

    package init(
        step: LaunchStep,
        code: Int32,
        subject: String,
        detail: String = "",
        directory: DirectoryFacts? = nil
    ) {
        self.step = step
        self.code = code
        self.subject = subject
        self.detail = detail
        self.directory = directory
    }

    package var reason: String { SystemError.reason(forCode: code) }

    package var isPermissionDenied: Bool { code == EACCES || code == EPERM }
    package var isNotFound: Bool { code == ENOENT || code == ENOTDIR }
    package var isOutOfResources: Bool { SystemError(call: "", code: code).isOutOfResources }
    /// A file that is no program for this machine.
    package var isWrongFormat: Bool { code == ENOEXEC || code == ELIBBAD }
    package var isDirectory: Bool { code == EISDIR }
    package var isTooLong: Bool { code == E2BIG }
}

/// How a login shell came to an end that gave no environment.
package enum LoginShellEnd: Hashable, Sendable {
    case exited(Int32)
    case signaled(Signal)
    /// It ended well, but did not get as far as telling its variables.
    case saidNothing
    case saidTooMuch

    /// Reads the detail of a failure.
    package init?(_ detail: String) {
        let words = detail.split(separator: " ")
        switch (words.first, words.count) {
        case ("nothing", 1): self = .saidNothing
        case ("too-much", 1): self = .saidTooMuch
        case ("exited", 2):
            guard let code = Int32(words[1]) else { return nil }
            self = .exited(code)
        case ("signaled", 2):
            guard let number = Int32(words[1]) else { return nil }
            self = .signaled(Signal(rawValue: number))
        default: return nil
        }
    }
}

/// What is wrong with an environment file that could be opened.
package enum EnvironmentFileProblem: Hashable, Sendable {
    case notAFile
    case tooLong
    case line(Int, reason: String)

    /// Reads the detail of a failure.
    package init?(_ detail: String) {
        if detail == "no-file" {
            self = .notAFile
        } else if detail == "too-long" {
            self = .tooLong
        } else {
            let parts = detail.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[0]) else { return nil }
            self = .line(number, reason: String(parts[1]))
        }
    }
}

extension LaunchFailure: CustomStringConvertible {
    package var description: String {
        let facts = [subject, detail].filter { !$0.isEmpty }
        let about = facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))"
        return code == 0 ? "\(step.rawValue) failed\(about)" : "\(step.rawValue) failed\(about): \(reason)"
    }
}
