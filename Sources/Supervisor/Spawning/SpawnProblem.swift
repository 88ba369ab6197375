// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan

/// Why a spawn did not get as far as a running program; becomes a `SpawnFailure`.
struct SpawnProblem: Error {
    let category: SpawnFailure.Category
    /// Nil: the one that was under way.
    var step: Journey.Step?
    let summary: String
    let remedies: [String]

    init(_ category: SpawnFailure.Category, _ summary: String, step: Journey.Step? = nil, remedies: [String] = []) {
        self.category = category
        self.step = step
        self.summary = summary
        self.remedies = remedies
    }

    init(_ problem: AppTypeDetection.Problem, appRoot: String) {
        self.init(problem.category, problem.summary(appRoot: appRoot), remedies: problem.remedies)
    }

    init(_ error: SystemError, doing what: String) {
        self.init(.operatingSystem, "\(what): \(error.description)")
    }

    init(_ failure: LaunchFailure, program: LoaderProgram, identity: RunningIdentity, settings: AppSettings) {
        let user =
            "\(identity.userName) (uid \(identity.uid), groups \(identity.groups.map(String.init).joined(separator: ", ")))"
        let remedyForUser = "or let it run as another user; now it \(identity.reason)."
        switch failure.step {
        case .timeout:
            self.init(
                .timeout,
                "the process did not start: a file system on the way to \(settings.appRoot) does not answer",
                step: .workingDirectory,
                remedies: ["Look whether it hangs, for example with: ls \(settings.appRoot)"]
            )
        case .plan, .helper, .signals, .session, .descriptors, .oomScore, .openProgram:
            self.init(.internal, "the process could not be started: \(failure.description)", step: .start)
        case .limits, .umask, .noNewPrivileges:
            self.init(.operatingSystem, "the process could not be set up: \(failure.description)", step: .start)
        case .groups, .group, .user, .proof:
            self.init(
                .operatingSystem,
                "the process could not become \(user): \(failure.description)",
                step: .switchUser
            )
        case .enterDirectory:
            self.init(
                .fileSystem,
                "the directory \(failure.subject) cannot be entered by \(user): \(failure.reason)",
                step: .workingDirectory,
                remedies: ["Make it accessible, for example: chmod o+x \(failure.subject)", remedyForUser]
            )
        case .workingDirectory:
            self.init(
                .fileSystem,
                "the app root \(settings.appRoot) cannot be entered by \(user): \(failure.description)",
                step: .workingDirectory,
                remedies: ["Make it accessible to that user", remedyForUser]
            )
        case .startupFile:
            self.init(
                .fileSystem,
                "the app root or its startup file changed while the process was started: \(failure.description)",
                step: .workingDirectory,
                remedies: ["Try again; if it happens every time, somebody else is changing \(settings.appRoot)."]
            )
        case .readStartupFile:
            let path =
                failure.subject.hasPrefix("/") ? failure.subject : "\(settings.appRoot)/\(failure.subject)"
            self.init(
                .fileSystem,
                "the startup file \(path) cannot be read by \(user): \(failure.reason)",
                step: .workingDirectory,
                remedies: ["Make it readable, for example: chmod o+r \(path)", remedyForUser]
            )
        case .interpreter, .program:
            self.init(
                .operatingSystem,
                "\(program.interpreter) cannot be executed by \(user): \(Self.cause(failure))",
                step: .execute,
                remedies: Self.remedies(program, settings)
            )
        }
    }

    private static func cause(_ failure: LaunchFailure) -> String {
        guard failure.step == .interpreter else { return failure.reason }
        return "its first line names \(failure.subject): \(failure.reason)"
    }

    private static func remedies(_ program: LoaderProgram, _ settings: AppSettings) -> [String] {
        guard let setting = program.interpreterSetting else { return ["Correct passenger_app_start_command."] }
        return ["Install it, or set \(setting) to the full path of an interpreter that this user can execute."]
    }
}
