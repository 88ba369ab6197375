// SPDX-License-Identifier: MIT

package import ShownText

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

    package func cause(
        at step: Journey.Step,
        _ time: StartContext.ProcessorTime? = nil
    ) -> SpawnFailure.Cause {
        guard let time, step.isOfProgram else {
            return SpawnFailure.Cause(.timeout, kind(at: step), summary(at: step), remedies: remedies(at: step))
        }
        let had = "\(summary(at: step)); it had \(time.used.roundedSeconds) s of a processor"
        guard time.isStarved(within: limit) else {
            return SpawnFailure.Cause(.timeout, kind(at: step), had, remedies: remedies(at: step))
        }
        return SpawnFailure.Cause(
            .timeout,
            kind(at: step),
            "\(had) and waited \(time.waited.roundedSeconds) s for one: the machine is overloaded",
            remedies: [Remedy("See what keeps the processors busy:", shell: "top -b -n 1 | head -n 20")]
        )
    }

    private func kind(at step: Journey.Step) -> SpawnFailure.Kind {
        switch step {
        case .shell: .loginShell
        case .environmentFile: .environmentFile
        case .prepare, .start, .switchUser, .workingDirectory, .execute, .fork, .afterFork, .loader, .libraries, .app,
            .listen, .ready:
            .timeout
        }
    }

    private func summary(at step: Journey.Step) -> String {
        let within = "within \(limit.seconds) seconds (passenger_start_timeout)"
        return switch step {
        case .prepare:
            "the app root \(SafeText.name(appRoot)) could not be looked at \(within): its file system or the account database does not answer"
        case .start, .switchUser:
            "the process did not become \(userName) \(within): something stopped it, or the machine is overloaded"
        case .workingDirectory:
            "the app root \(SafeText.name(appRoot)) could not be entered \(within): its file system does not answer, or something stopped "
                + "the process"
        case .shell:
            "the login shell \(loginShell) of \(userName) did not say its environment \(within): something in its profile "
                + "files hangs"
        case .environmentFile:
            "the environment file \(SafeText.name(environmentFile)) could not be read \(within): its file system does not answer"
        case .execute:
            "\(SafeText.name(interpreter)) could not be executed \(within): the file system that holds it does not answer"
        case .fork: "the preloader did not fork a process \(within)"
        case .afterFork: "what the application does after a fork was not done \(within)"
        case .loader, .libraries, .app, .listen, .ready: "the application was not ready \(within)"
        }
    }

    package func remedies(at step: Journey.Step) -> [Remedy] {
        switch step {
        case .prepare, .workingDirectory:
            [Remedy(Self.looking, shell: "timeout 5 ls -ld \(appRoot)")]
        case .start, .switchUser:
            [
                Remedy(
                    "Look for stopped processes (STAT T) of the user, for example with:",
                    shell: "ps -o pid,stat,args -u \(userName)"
                )
            ]
        case .shell:
            [
                Remedy(
                    "See it hang, for example with:",
                    shell: "su --login \(userName) --shell \(loginShell) --command env"
                ),
                .withoutLoginShell,
            ]
        case .environmentFile:
            [Remedy(Self.looking, shell: "timeout 5 ls -l \(environmentFile)")]
        case .execute:
            [Remedy(Self.looking, shell: "timeout 5 \(interpreter) --version")]
        case .fork, .afterFork, .loader, .libraries, .app, .listen, .ready: []
        }
    }

    private static let looking = "Look whether the file system hangs, for example with:"
}

extension Duration {
    /// To a tenth.
    fileprivate var roundedSeconds: String {
        let tenths = (self + .milliseconds(50)) / .milliseconds(100)
        return "\(Int(tenths) / 10).\(Int(tenths) % 10)"
    }
}

extension Remedy {
    /// For login shells that do not do what they should.
    package static let withoutLoginShell = Remedy(
        "Or do without the variables of login shells:",
        configuration: "passenger_load_shell_envvars off;"
    )
}
