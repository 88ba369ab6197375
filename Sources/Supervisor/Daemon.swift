// SPDX-License-Identifier: MIT

import ArgumentParser
import LinuxSystem
import ProgramLog
import ShownText

/// The program `flying-passenger`: a watchdog, or behind the hidden `--core` the core that it starts.
package enum Daemon {
    static let coreFlag = "--core"

    /// Runs the program and returns its exit status.
    ///
    /// `arguments` begin with the name of the program. Nothing may have started a thread before.
    package static func main(_ arguments: [String]) -> Int32 {
        SignalMask.blockAll()
        SignalMask.ignoreBrokenPipes()
        guard !arguments.isEmpty else {
            // A daemon that took this for "no flags" would run with all defaults.
            StandardError.write("flying-passenger: Cannot read the command line; is /proc mounted?\n")
            return 1
        }
        if arguments.count > 2, arguments[1] == self.coreFlag {
            return Core.main(directory: arguments[2], arguments: Array(arguments.dropFirst(3)))
        }
        return self.startWatchdog(Array(arguments.dropFirst()))
    }

    package static func exit(_ code: Int32) -> Never { CurrentProcess.exit(code) }

    private static func startWatchdog(_ arguments: [String]) -> Int32 {
        let options: DaemonOptions
        do {
            let command = try DaemonCommand.parse(arguments)
            guard !command.checkApps else { return AppsCheck.run(command.options) }
            options = command.options
        } catch {
            return self.explain(error, arguments: arguments)
        }
        options.process.applyCoreDumps()
        var background: Daemonize?
        do {
            if options.process.daemonize { background = try Daemonize.start() }
            let output = try self.openLog(options)
            let watchdog = try Watchdog(
                options: options,
                arguments: arguments,
                log: ProgramLog(output: output, scale: options.process.logLevel),
                background: background.take()
            )
            return watchdog.run()
        } catch {
            let text = "flying-passenger: Cannot start: \(error)"
            if let background = background.take() {
                background.failed(text)
            } else {
                StandardError.write(text + "\n")
            }
            return 1
        }
    }

    private static func openLog(_ options: DaemonOptions) throws -> LogOutput {
        do throws(SinkProblem) {
            return try LogOutput.open(
                path: options.process.logFile,
                takesStandardStreams: options.process.daemonize,
                prefixesAppLines: !options.pool.disableLogPrefix
            )
        } catch {
            guard let path = options.process.logFile else { throw error }
            let remedies = error.remedies.map(\.description)
            throw StartProblem(
                (["--log-file: cannot open \(path): \(error.reason)."] + remedies).joined(separator: "\n  ")
            )
        }
    }

    /// Help and version go to standard output; wrong usage exits 1 instead of the parser's 64.
    private static func explain(_ error: any Error, arguments: [String]) -> Int32 {
        guard DaemonCommand.exitCode(for: error) != .success else {
            StandardError.writeOutput(DaemonCommand.fullMessage(for: error) + "\n")
            return 0
        }
        // Without any argument the parser appends the whole help, and the reason scrolls away.
        let text =
            arguments.isEmpty
            ? """
            Error: --socket-file=PATH is missing: where shall the daemon listen for fronts?
            Usage: flying-passenger --socket-file=\(SocketDirectory.standardSocket) [options]
              See 'flying-passenger --help' for more information.
            """
            : DaemonCommand.fullMessage(for: error)
        StandardError.write(text + "\n")
        return 1
    }
}
