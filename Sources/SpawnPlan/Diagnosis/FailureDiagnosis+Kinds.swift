// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// What can be done about a kind of failure whatever the app says.
extension FailureDiagnosis {
    static func remedies(for kind: SpawnFailure.Kind, _ scene: DiagnosisScene) -> [Remedy] {
        switch kind {
        case .appRootMissing:
            [Remedy("Look how far the path is right:", shell: "namei -l \(scene.appRoot)")]
        case .startupFileMissing:
            [Remedy("See what is in the app root:", shell: "ls -la \(scene.appRoot)")]
        case .access:
            [
                Remedy(
                    "See who may pass on the way to it:",
                    shell: "namei -l \(scene.closedPath)"
                )
            ]
        case .interpreterMissing:
            [
                Remedy(
                    "See whether \(scene.userName) can execute it:",
                    shell: scene.asUser("\(scene.interpreter) --version")
                )
            ]
        case .resources: self.remediesForResources(scene)
        case .outOfMemory: MemoryTopic.remedies(scene)
        case .earlyExit: self.remediesForEarlyExit(scene)
        case .timeout: self.remediesForTimeout(scene)
        case .protocolViolation:
            [Remedy("Look for code that closes or writes to descriptors by number, such as a daemonizing library.")]
        case .internalError:
            [
                Remedy(
                    "Look at the daemon's log; if it does not tell how to go on, report this as a fault with these details."
                )
            ]
        case .quarantine:
            [
                Remedy(
                    "Report the crash of the core, with what the daemon's log says of it: no application should be able to cause one."
                ),
                Remedy("To try again at once, reload the front, or lift the quarantine as root with passenger-status."),
            ]
        case .preloaderFailed, .cannotFork:
            [
                Remedy(
                    "If it cannot do without what forking does not bear, let each process load the application itself:",
                    configuration: "passenger_spawn_method direct;"
                )
            ]
        case .missingGem, .missingModule, .syntaxError, .exception, .permissionDenied, .portTaken, .ownership, .noUser,
            .configuration, .limit, .loginShell, .environmentFile, .interpreterUnsupported, .frameworkUnsupported,
            .cancelled, .killed, .crash:
            []
        }
    }

    private static func remediesForResources(_ scene: DiagnosisScene) -> [Remedy] {
        [
            Remedy(
                "See how many processes \(scene.userName) has, and how many it may have:",
                shell: scene.asUser("sh -c 'ps -u $(id -u) --no-headers | wc -l; ulimit -u'")
            ),
            Remedy("See what the daemon may use:", shell: "cat /proc/$(pgrep -o flying-passenge)/limits; free -m"),
        ]
    }

    /// The program runs, and no server of it takes connections.
    private static func remediesForSilence(_ scene: DiagnosisScene) -> [Remedy] {
        switch (scene.type, scene.step) {
        case (.node, .app):
            [
                Remedy(
                    "No HTTP server of this process has listened: let it call listen() once it is loaded; the port does not "
                        + "matter."
                ),
                Remedy(
                    "If the startup file only exports the application, as Express's generator makes it, name the one that "
                        + "listens:",
                    configuration: "passenger_app_type node; passenger_startup_file bin/www;"
                ),
                Remedy(
                    "A server in another process (cluster, child_process, a process manager) is not seen: let this one listen, "
                        + "or run it as a program of its own:",
                    configuration: "passenger_app_start_command \"COMMAND\";"
                ),
            ]
        case (.generic, .listen):
            [
                Remedy(
                    "Nothing listens on the port in the environment variable PORT, nor takes connections from descriptor 3 "
                        + "(LISTEN_FDS): let the program do one of the two."
                )
            ]
        default: []
        }
    }

    /// By hand one sees what it waits for, or what it says.
    private static func remediesForEarlyExit(_ scene: DiagnosisScene) -> [Remedy] {
        guard let command = scene.settings.appStartCommand else { return [] }
        return [
            Remedy(
                "Run it by hand as its user and see how it ends:",
                shell: scene.inAppRoot("PORT=3000 sh -c \(command)")
            )
        ]
    }

    private static func remediesForTimeout(_ scene: DiagnosisScene) -> [Remedy] {
        remediesForSilence(scene) + [
            Remedy("See in the steps and the output how far it came, and whether what it waits for answers."),
            Remedy(
                "If it only needs longer, give it more time in the front's configuration:",
                configuration:
                    "passenger_start_timeout \(scene.settings.startTimeout.components.seconds * 3);"
            ),
        ]
    }
}
