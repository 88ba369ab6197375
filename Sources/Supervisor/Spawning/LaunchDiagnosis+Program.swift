// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import SpawnPlan

// MARK: Login shell and environment file

extension LaunchDiagnosis {
    func loginShellFailed(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        if failure.isOutOfResources {
            return SpawnFailure.Cause(
                .operatingSystem,
                .resources,
                "the login shell \(failure.subject) of \(self.identity.userName) could not be started: \(failure.reason)",
                step: .shell,
                remedies: SpawnFailure.Cause.remedies(forCode: failure.code)
            )
        }
        let shell = failure.subject
        let user = self.identity.userName
        let how =
            switch LoginShellEnd(failure.detail) {
            case .exited(let code): "ended with exit code \(code) instead of telling its environment"
            case .signaled(let signal): "ended with signal \(signal) instead of telling its environment"
            case .saidNothing: "ended without telling its environment"
            case .saidTooMuch: "has an environment of more than 128 KiB"
            case nil: "cannot be used: \(failure.reason)"
            }
        return SpawnFailure.Cause(
            .configuration,
            .loginShell,
            "the login shell \(shell) of \(user) \(how)",
            step: .shell,
            remedies: [
                Remedy(
                    "Look for exit, exec and errors in the profile files of \(user), for example with:",
                    shell: "su --login \(user) --shell \(shell) --command env"
                ),
                .withoutLoginShell,
            ]
        )
    }

    func environmentFileWrong(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        let path = self.absolute(failure.subject)
        let file = "the environment file \(SafeText.name(path))"
        let what: String
        let remedies: [Remedy]
        switch EnvironmentFileProblem(failure.detail) {
        case .notAFile:
            (what, remedies) = ("\(file) is no regular file", ["Correct passenger_env_file."])
        case .tooLong:
            (what, remedies) = ("\(file) is longer than 64 KiB", ["Correct passenger_env_file."])
        case .line(let number, let reason) where failure.code == 0:
            what = "\(file) is wrong in line \(number): \(reason)"
            remedies = ["Write each variable as NAME=VALUE or NAME=\"VALUE\" on a line of its own."]
        case .line, nil:
            let directory = "the directory \(SafeText.name(failure.detail)) cannot be entered: \(self.facts(failure))"
            let because = failure.directory == nil ? failure.reason : directory
            what = "\(file) cannot be read by \(self.user): \(because)"
            remedies =
                if failure.isNotFound {
                    ["Make it, or correct passenger_env_file."]
                } else if failure.directory != nil {
                    self.remediesToOpen(failure, failure.detail)
                } else {
                    [
                        Remedy(
                            "Make it readable for that user and nobody else:",
                            shell: "chown \(self.identity.userName) \(path)"
                        )
                    ]
                }
        }
        return SpawnFailure.Cause(.configuration, .environmentFile, what, step: .environmentFile, remedies: remedies)
    }
}

// MARK: Program

extension LaunchDiagnosis {
    func programOutOfReach(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        SpawnFailure.Cause(
            .fileSystem,
            .access,
            "\(SafeText.name(failure.detail)) cannot be executed by \(self.user): the directory "
                + "\(SafeText.name(failure.subject)) cannot be entered, "
                + self.facts(failure),
            step: .execute,
            remedies: self.remediesElsewhere(failure.subject) + self.remediesToOpen(failure)
        )
    }

    func scriptWithoutInterpreter(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        let script = SafeText.name(failure.detail.isEmpty ? self.program.interpreter : failure.detail)
        let missing = SafeText.name(failure.subject)
        return SpawnFailure.Cause(
            .operatingSystem,
            .interpreterMissing,
            "\(script) cannot be executed by \(self.user): its first line names \(missing): \(failure.reason)",
            step: .execute,
            remedies: ["Correct the first line of \(script), or install \(missing)."] + self.remediesToInstall
        )
    }

    func notExecuted(_ failure: LaunchFailure) -> SpawnFailure.Cause {
        if failure.isOutOfResources || failure.isTooLong {
            let remedies =
                failure.isTooLong
                ? ["Make its environment smaller: passenger_env_var, passenger_env_file, profile files of the user."]
                : SpawnFailure.Cause.remedies(forCode: failure.code)
            return SpawnFailure.Cause(
                .operatingSystem,
                .resources,
                "\(SafeText.name(failure.subject)) could not be executed: \(failure.reason)",
                step: .execute,
                remedies: remedies
            )
        }
        let (what, remedies) = self.unsuitable(failure)
        return SpawnFailure.Cause(.operatingSystem, .interpreterMissing, what, step: .execute, remedies: remedies)
    }

    private func unsuitable(_ failure: LaunchFailure) -> (what: String, remedies: [Remedy]) {
        let path = failure.subject
        let shown = SafeText.name(path)
        if failure.isNotFound, !path.contains("/") { return self.notFoundOnPath(failure) }
        if failure.isDirectory { return ("\(shown) cannot be executed: it is a directory", self.remediesToInstall) }
        if failure.isNotFound, failure.detail == "no-loader" {
            return (
                "\(shown) cannot be executed: it exists, but the program loader that it needs does not",
                [Remedy("See for which system it was built, for example with:", shell: "file \(path)")]
                    + self.remediesToInstall
            )
        }
        if failure.isNotFound, !failure.detail.isEmpty {
            return (
                "\(shown) is a link to \(SafeText.name(failure.detail)), which does not exist", self.remediesToInstall
            )
        }
        if failure.isNotFound { return ("\(shown) does not exist", self.remediesToInstall) }
        if failure.isWrongFormat {
            return (
                "\(shown) cannot be executed: it is no program for this machine, nor a script that begins with #!",
                [Remedy("See what it is, for example with:", shell: "file \(path)")] + self.remediesToInstall
            )
        }
        if failure.detail == "noexec" {
            return (
                "\(shown) cannot be executed: its file system is mounted with noexec",
                [Remedy("See how it is mounted, for example with:", shell: "findmnt --target \(path)")]
                    + self.remediesToInstall
            )
        }
        let remedy = Remedy("Make it executable, for example:", shell: "chmod a+rx \(path)")
        return (
            "\(shown) cannot be executed by \(self.user): \(failure.reason)",
            (failure.isPermissionDenied ? [remedy] : []) + self.remediesToInstall
        )
    }

    private func notFoundOnPath(_ failure: LaunchFailure) -> (what: String, remedies: [Remedy]) {
        let path = self.searchPath.map { " (\($0))" } ?? ""
        let what = "\(SafeText.name(failure.subject)) was not found on the PATH of the application\(path)"
        guard failure.directory != nil else { return (what, self.remediesToInstall) }
        return (
            "\(what); a directory on the way, \(SafeText.name(failure.detail)), cannot be entered by \(self.user): \(self.facts(failure))",
            self.remediesToInstall + self.remediesToOpen(failure, failure.detail)
        )
    }

    private var remediesToInstall: [Remedy] {
        guard let setting = self.program.interpreterSetting else { return ["Correct passenger_app_start_command."] }
        return ["Install it, or set \(setting) to the full path of an interpreter that this user can execute."]
    }

    /// Opening somebody's home for an interpreter is seldom what one wants.
    private func remediesElsewhere(_ path: String) -> [Remedy] {
        let directory = SafeText.name(path)
        return switch self.program.interpreterSetting {
        case "passenger_python":
            [
                Remedy(
                    "Make a virtualenv that \(self.identity.userName) can enter, outside of \(directory):",
                    shell: "/usr/bin/python3 -m venv \(self.appRoot + "/venv")"
                ),
                Remedy(
                    "Install there what the application needs, with its pip, and name its interpreter in the front's "
                        + "configuration:",
                    configuration: "passenger_python \(self.appRoot + "/venv/bin/python");"
                ),
                Remedy(
                    "Or, if the application needs nothing but Python itself:",
                    configuration: "passenger_python /usr/bin/python3;"
                ),
            ]
        case "passenger_ruby": ["Set passenger_ruby to an interpreter outside of \(directory), such as /usr/bin/ruby."]
        case "passenger_nodejs":
            ["Set passenger_nodejs to an interpreter outside of \(directory), such as /usr/bin/node."]
        default: ["Correct passenger_app_start_command."]
        }
    }
}
