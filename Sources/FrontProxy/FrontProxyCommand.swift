// SPDX-License-Identifier: MIT

import AppSettings
package import ArgumentParser
import FrontConfiguration
import LinuxSystem
import ProgramLog
import WireProtocol

/// The command line of `front-proxy`.
package struct FrontProxyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "front-proxy",
        abstract: "Web server for apps of a Flying Passenger daemon; may be restarted without any app noticing.",
        usage: """
            front-proxy --fly-with=PATH --config=FILE [options]
            front-proxy --fly-with=PATH --listen=ADDR --app-root=DIR [--set NAME=VALUE]… [options]
            """,
        discussion: """
            The configuration uses the grammar and the directives of nginx, with Passenger's options. Started as root, a \
            master binds the addresses and a worker without privileges serves; sockets passed on by systemd \
            (LISTEN_FDS) are used where their address fits.
            Signals: TERM, INT or QUIT finish running requests and stop, a second one hurries, a third ends at once; HUP \
            reads the configuration again (one with errors is refused, the old one stays); USR1 opens the logs anew.
            """,
        version: Product.nameAndVersion
    )

    @Option(help: .init("Socket of the daemon; wins over passenger_fly_with of the configuration.", valueName: "path"))
    package var flyWith: String?

    @Option(help: .init("Configuration file. May be repeated.", valueName: "file"))
    package var config: [String] = []

    @Option(
        help: .init(
            "With --app-root: address to listen on, HOST:PORT, :PORT, [v6]:PORT or unix:/path. May be repeated.",
            valueName: "addr"
        )
    )
    package var listen: [String] = []

    @Option(help: .init("Serve the one app in this directory, without a configuration file.", valueName: "dir"))
    package var appRoot: String?

    @Option(
        help: .init(
            "With --app-root: a setting by its name in the configuration, without passenger_ in front "
                + "(--set app_env=development --set env_var=NAME=VALUE). May be repeated.",
            valueName: "name=value"
        )
    )
    package var set: [String] = []

    @Option(
        help: .init(
            "User of the worker (default: the directive user, else the first of \(FrontAccounts.listing) that exists).",
            valueName: "user"
        )
    )
    package var user: String?

    @Option(help: .init("Event loops of the worker (default: worker_processes, else one per core).", valueName: "n"))
    package var threads: Int?

    @Option(help: .init("Write the PID of the master to this file, and hold a lock on it.", valueName: "path"))
    package var pidFile: String?

    @Option(help: .init("Log to this file instead of error_log or stderr; USR1 opens it anew.", valueName: "path"))
    package var logFile: String?

    @Option(
        help: .init(
            "How much is logged, 0 to 7; wins over the level of error_log. \(LogScale.explanation)",
            valueName: "level"
        )
    )
    package var logLevel: Int?

    @Option(
        help: .init("How long running requests may take after a signal to stop, such as 60 or 5m.", valueName: "time")
    )
    package var shutdownTimeout = "60"

    @Flag(
        help:
            "Run in the background; needs a log file. Returns once connections are accepted, or fails with the reason."
    )
    package var daemonize = false

    @Flag(help: "Let master and worker leave core dumps, and be traced by others of their user; for debugging.")
    package var coreDumps = false

    @Flag(help: "Let the daemon copy the bytes between front and apps instead of taking the sockets of apps.")
    package var noHandover = false

    @Flag(
        name: [.customShort("t"), .long],
        help: .init(
            "Check the configuration and what it names on this machine, print what is wrong with file and line, and exit "
                + "(0: it can be used)."
        )
    )
    package var testConfig = false

    /// For a daemon that has judged them with its own flags.
    @Flag(help: .hidden)
    package var leaveOutOwners = false

    @Flag(
        name: [.customShort("T"), .long],
        help: "Print the configuration as it is understood, hosts first, then each app with its settings, and exit."
    )
    package var dumpConfig = false

    package init() {}

    /// Reads the command line; an unknown flag is named before anything that is missing, which `validate` could not do.
    static func read(_ arguments: [String]) throws -> FrontProxyCommand {
        let command = try parse(arguments)
        try command.check()
        return command
    }

    private func check() throws {
        guard !config.isEmpty || appRoot != nil else {
            throw ValidationError("Give --config=FILE, or --listen=ADDR with --app-root=DIR.")
        }
        guard config.isEmpty || appRoot == nil else { throw ValidationError("Give --config or --app-root, not both.") }
        guard appRoot != nil || (listen.isEmpty && set.isEmpty) else {
            throw ValidationError("--listen and --set belong to --app-root; with --config the file says it.")
        }
        guard logLevel.map({ LogScale($0) != nil }) ?? true else {
            throw ValidationError("--log-level must be from 0 to 7.")
        }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024.") }
        if let problem = Self.problem(withTime: shutdownTimeout) {
            throw ValidationError("--shutdown-timeout '\(shutdownTimeout)' \(problem).")
        }
    }

    private static func problem(withTime text: String) -> String? {
        do throws(ValueError) {
            _ = try ValueParsers.duration(text)
            return nil
        } catch {
            return error.reason
        }
    }
}

extension FrontProxyCommand {
    /// What the flags mean; relative paths begin at `directory`.
    func options(in directory: String) throws -> MasterOptions {
        func absolute(_ path: String) -> String { path.utf8.first == UInt8(ascii: "/") ? path : "\(directory)/\(path)" }
        let source: ConfigurationSource =
            if let appRoot {
                .commandLine(
                    CommandLineApp(directory: directory, listens: listen, appRoot: appRoot, settings: set)
                )
            } else {
                .files(config.map(absolute))
            }
        return MasterOptions(
            source: source,
            flyWith: flyWith.map(absolute),
            user: user,
            threads: threads,
            pidFile: pidFile.map(absolute),
            logFile: logFile.map(absolute),
            logScale: logLevel.flatMap { LogScale($0) },
            isDaemon: daemonize,
            keepsCoreDumps: coreDumps,
            takesAppSockets: !noHandover,
            shutdownTimeout: try ValueParsers.duration(shutdownTimeout)
        )
    }
}
