// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import ShownText
import SpawnPlan

/// Why a spawn did not get as far as a running program; becomes a `SpawnFailure`.
struct SpawnProblem: Error {
    let category: SpawnFailure.Category
    let kind: SpawnFailure.Kind
    /// Nil: the one that was under way.
    var step: Journey.Step?
    let summary: String
    let remedies: [Remedy]

    init(
        _ category: SpawnFailure.Category,
        _ kind: SpawnFailure.Kind,
        _ summary: String,
        step: Journey.Step? = nil,
        remedies: [Remedy] = []
    ) {
        self.category = category
        self.kind = kind
        self.step = step
        self.summary = summary
        self.remedies = remedies
    }

    init(_ problem: AppTypeDetection.Problem, appRoot: String) {
        let kind: SpawnFailure.Kind =
            switch problem {
            case .noAppRoot, .appRootIsNoDirectory: .appRootMissing
            case .noStartupFile, .startupFileMissing, .startupFileIsNoFile: .startupFileMissing
            case .startupFileOutside: .configuration
            case .meteorProject: .frameworkUnsupported
            }
        self.init(
            problem.category,
            kind,
            problem.summary(appRoot: appRoot),
            remedies: problem.remedies(appRoot: appRoot)
        )
    }

    init(_ error: SystemError, doing what: String) {
        let isFull = error.isOutOfResources
        self.init(
            .operatingSystem,
            isFull ? .resources : .internalError,
            "\(what): \(error.description)",
            remedies: isFull ? Self.remedies(forCode: error.code) : []
        )
    }

    /// What to look at when the kernel had none left.
    static func remedies(forCode code: Int32) -> [Remedy] {
        let name = SystemError.name(ofCode: code)
        return switch name {
        case "EMFILE":
            ["Let the daemon have more open files: LimitNOFILE= in its unit, or ulimit -n before it is started."]
        case "ENFILE": [Remedy("Let the machine have more open files; now it may have:", shell: "sysctl fs.file-max")]
        case "EAGAIN":
            [
                Remedy(
                    "Look for a limit on processes: ulimit -u of the user, kernel.pid_max, and TasksMax= of the daemon's unit:",
                    shell: "systemctl show flying-passenger -p TasksMax -p TasksCurrent; sysctl kernel.pid_max"
                )
            ]
        case "ENOSPC", "EDQUOT":
            [Remedy("Make room on the file system that holds the instance directory, see:", shell: "df -h /run")]
        default: [Remedy("Look at the memory of the machine, for example with:", shell: "free -m")]
        }
    }
}
