// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import PathSafety
import ShownText
import SpawnPlan

/// Says what is to be said about a launch that failed: what the helper met, and what to type.
struct LaunchDiagnosis: Hashable, Sendable {
    let appRoot: String
    let program: LoaderProgram
    let identity: RunningIdentity
    /// Names of all groups of the user, or numbers where there is none.
    let groupNames: [String]
    /// `PATH` of the process, as far as it is known.
    var searchPath: String?

    /// "joe (uid 1000, groups joe, www-data)".
    var user: String {
        "\(self.identity.userName) (uid \(self.identity.uid), groups \(self.groupNames.joined(separator: ", ")))"
    }

    func cause(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        switch failure.step {
        case .timeout, .plan, .helper, .report, .signals, .session, .gate, .controlGroup, .descriptors, .oomScore,
            .openProgram:
            self.notStarted(failure, .start, "the process could not be started")
        case .limits, .umask, .keyring, .noNewPrivileges:
            self.notStarted(failure, .switchUser, "the process could not be set up")
        case .groups, .group, .user, .proof:
            self.notStarted(failure, .switchUser, "the process could not become \(self.user)")
        case .enterDirectory, .workingDirectory: self.appRootClosed(failure)
        case .startupFile:
            SpawnFailure.Cause(
                .fileSystem,
                .ownership,
                "the app root or its startup file changed while the process was started: \(failure.description)",
                step: .workingDirectory,
                remedies: [
                    "Try again; if it happens every time, somebody else is changing \(SafeText.name(self.appRoot))."
                ]
            )
        case .readStartupFile: self.startupFileUnreadable(failure)
        case .loginShell: self.loginShellFailed(failure)
        case .environmentFile: self.environmentFileWrong(failure)
        case .programDirectory: self.programOutOfReach(failure)
        case .interpreter: self.scriptWithoutInterpreter(failure)
        case .program: self.notExecuted(failure)
        }
    }

    private func notStarted(_ failure: LaunchFailure, _ step: Journey.Step, _ what: String) -> SpawnFailure.Cause {
        let isFull = failure.isOutOfResources
        let isSetup = step == .start && !isFull
        return SpawnFailure.Cause(
            isSetup ? .internal : .operatingSystem,
            isFull ? .resources : .internalError,
            "\(what): \(failure.description)",
            step: step,
            remedies: isFull ? SpawnFailure.Cause.remedies(forCode: failure.code) : []
        )
    }
}

// MARK: Directories

extension LaunchDiagnosis {
    private func appRootClosed(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        let place = failure.subject
        if failure.isNotFound {
            return SpawnFailure.Cause(
                .fileSystem,
                .appRootMissing,
                "the app root \(SafeText.name(self.appRoot)) cannot be entered: \(SafeText.name(place)): \(failure.reason)",
                step: .workingDirectory,
                remedies: ["Correct passenger_app_root, or root of the server."]
            )
        }
        let shown = SafeText.name(place)
        let what = place.isExactly(self.appRoot) ? "the app root \(shown)" : "the directory \(shown)"
        let purpose =
            place.isExactly(self.appRoot) ? "" : "; it is on the way to the app root \(SafeText.name(self.appRoot))"
        return SpawnFailure.Cause(
            .fileSystem,
            failure.isPermissionDenied ? .access : .internalError,
            "\(what) cannot be entered by \(self.user): \(self.facts(failure))\(purpose)",
            step: .workingDirectory,
            remedies: self.remediesToOpen(failure) + [self.remedyOtherUser]
        )
    }

    private func startupFileUnreadable(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        let path = self.absolute(failure.subject)
        let because: String
        let remedies: [Remedy]
        if failure.directory != nil {
            because = "the directory \(SafeText.name(failure.detail)) cannot be entered: \(self.facts(failure))"
            remedies = self.remediesToOpen(failure, failure.detail)
        } else if failure.detail.isEmpty || failure.detail.isExactly(path) {
            because = failure.reason
            remedies = [Remedy("Make it readable, for example:", shell: "chmod o+r \(path)")]
        } else {
            because = "it is a link to \(SafeText.name(failure.detail)): \(failure.reason)"
            // Its maker may want to read by it what is none of their business: nobody is told to open that up unseen.
            remedies = [
                failure.isNotFound
                    ? "Correct the link."
                    : Remedy(
                        "Correct the link. Only if \(self.identity.userName) is meant to read what it leads to:",
                        shell: "chmod o+r \(failure.detail)"
                    )
            ]
        }
        return SpawnFailure.Cause(
            .fileSystem,
            failure.isNotFound ? .startupFileMissing : .access,
            "the startup file \(SafeText.name(path)) cannot be read by \(self.user): \(because)",
            step: .workingDirectory,
            remedies: remedies + [self.remedyOtherUser]
        )
    }

    /// "owner root, mode 0700", or the reason of the kernel.
    func facts(_ failure: LaunchFailure) -> String {
        guard let directory = failure.directory else { return failure.reason }
        let owner =
            switch directory.owner {
            case 0: "root"
            case self.identity.uid: self.identity.userName
            default: directory.ownerName.isEmpty ? "uid \(directory.owner)" : directory.ownerName
            }
        return "its owner is \(owner) and its mode 0\(String(directory.mode, radix: 8))"
    }

    /// The least that lets the user enter it.
    func remediesToOpen(_ failure: LaunchFailure, _ path: String? = nil) -> [Remedy] {
        let path = path ?? failure.subject
        if SharedPlace.isSystem(path) { return [SharedPlace.remedy(path)] }
        guard let directory = failure.directory else {
            return [Remedy("Make it accessible, for example:", shell: "chmod o+x \(path)")]
        }
        let (bit, mode): (UInt32, ShellLine) =
            if directory.owner == self.identity.uid {
                (0o100, "u+x")
            } else if self.identity.groups.contains(directory.group) {
                (0o010, "g+x")
            } else {
                (0o001, "o+x")
            }
        if directory.mode & bit != 0 {
            return [
                Remedy(
                    "Its mode would let the user in: look for an access list, AppArmor or SELinux:",
                    shell: "getfacl \(path)"
                )
            ]
        }
        let everybody = Remedy("Let the user enter it, for example:", shell: "chmod \(mode) \(path)")
        guard bit == 0o001 else { return [everybody] }
        return [
            everybody,
            Remedy("Or only this user:", shell: "setfacl -m \("u:\(self.identity.userName):x") \(path)"),
        ]
    }

    var remedyOtherUser: Remedy {
        "Or let the app run as another user (passenger_user); now it \(self.identity.reason)."
    }

    func absolute(_ path: String) -> String { path.utf8.first == UInt8(ascii: "/") ? path : "\(self.appRoot)/\(path)" }
}
