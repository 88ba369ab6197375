// SPDX-License-Identifier: MIT

import ShownText

/// What is said about a start that took too long, by the step that it had come to.
package struct StartTimeout: Hashable, Sendable {
    package var limit: Duration
    package var appRoot: String
    package var userName: String
    /// Of the user; empty if none is asked.
    package var loginShell: String
    /// Absolute; empty if there is none.
    package var environmentFile: String
    /// As configured.
    package var interpreter: String

    package init(
        limit: Duration,
        appRoot: String,
        userName: String = "",
        loginShell: String = "",
        environmentFile: String = "",
        interpreter: String = ""
    ) {
        self.limit = limit
        self.appRoot = appRoot
        self.userName = userName
        self.loginShell = loginShell
        self.environmentFile = environmentFile
        self.interpreter = interpreter
    }

    package func kind(at step: Journey.Step) -> SpawnFailure.Kind {
        switch step {
        case .shell: .loginShell
        case .environmentFile: .environmentFile
        case .prepare, .start, .switchUser, .workingDirectory, .execute, .loader, .libraries, .app, .listen, .ready:
            .timeout
        }
    }

    package func summary(at step: Journey.Step) -> String {
        let within = "within \(limit.seconds) seconds (passenger_start_timeout)"
        return switch step {
        case .prepare:
            "the app root \(appRoot) could not be looked at \(within): its file system or the account database does not answer"
        case .start, .switchUser:
            "the process did not become \(userName) \(within): something stopped it, or the machine is overloaded"
        case .workingDirectory:
            "the app root \(appRoot) could not be entered \(within): its file system does not answer, or something stopped "
                + "the process"
        case .shell:
            "the login shell \(loginShell) of \(userName) did not say its environment \(within): something in its profile "
                + "files hangs"
        case .environmentFile:
            "the environment file \(environmentFile) could not be read \(within): its file system does not answer"
        case .execute:
            "\(interpreter) could not be executed \(within): the file system that holds it does not answer"
        case .loader, .libraries, .app, .listen, .ready: "the application was not ready \(within)"
        }
    }

    package func remedies(at step: Journey.Step) -> [String] {
        switch step {
        case .prepare, .workingDirectory:
            ["Look whether the file system hangs, for example with: timeout 5 ls -ld \(ShellWord.quoted(appRoot))"]
        case .start, .switchUser:
            ["Look for stopped processes (STAT T) of the user, for example with: ps -o pid,stat,args -u \(userName)"]
        case .shell:
            [
                "See it hang, for example with: su --login \(userName) --shell \(ShellWord.quoted(loginShell)) --command env",
                "Or do without the variables of login shells: passenger_load_shell_envvars off;",
            ]
        case .environmentFile:
            [
                "Look whether the file system hangs, for example with: timeout 5 ls -l \(ShellWord.quoted(environmentFile))"
            ]
        case .execute:
            [
                "Look whether the file system hangs, for example with: timeout 5 \(ShellWord.quoted(interpreter)) --version"
            ]
        case .loader, .libraries, .app, .listen, .ready: []
        }
    }
}
