// SPDX-License-Identifier: MIT

import ArgumentParser
import FrontConfiguration
import LinuxSystem

/// What `front-proxy` does, from its arguments to its exit code: 0 fine, 1 usage or start, 2 ended by force.
package enum FrontProgram {
    /// Call it first in `main`: no other thread may exist yet.
    package static func main() -> Never {
        SignalMask.blockAll()
        let arguments = CurrentProcess.arguments
        guard !arguments.isEmpty else {
            StandardStreams.writeError("front-proxy: cannot read the command line; is /proc mounted?\n")
            CurrentProcess.exit(1)
        }
        if arguments.dropFirst().first == WorkerProgram.flag { WorkerProgram.run(Array(arguments.dropFirst(2))) }
        CurrentProcess.exit(run(Array(arguments.dropFirst())))
    }

    static func run(_ arguments: [String]) -> Int32 {
        let command: FrontProxyCommand
        do {
            command = try FrontProxyCommand.read(arguments)
        } catch {
            // Help and version come here as well, with exit code 0.
            let isSuccess = FrontProxyCommand.exitCode(for: error) == .success
            let text = FrontProxyCommand.fullMessage(for: error) + "\n"
            if isSuccess { StandardStreams.writeOutput(text) } else { StandardStreams.writeError(text) }
            return isSuccess ? 0 : 1
        }
        do {
            let options = try command.options(in: CurrentProcess.workingDirectory())
            guard command.testConfig || command.dumpConfig else { return MasterProgram.run(options) }
            let configuration = try MasterProgram.load(options, [])
            show(configuration, dump: command.dumpConfig)
            guard command.testConfig else { return 0 }
            let report = try MasterStart.check(
                options,
                configuration.model,
                judgesOwners: !command.leaveOutOwners
            )
            for finding in report.findings { StandardStreams.writeError("\(finding)\n") }
            guard !report.findings.contains(where: { $0.severity == .error }) else {
                StandardStreams.writeError(refusal(configuration.warnings + report.findings))
                return 1
            }
            if !command.dumpConfig { StandardStreams.writeOutput(verdict(report, configuration.model)) }
            return 0
        } catch {
            StandardStreams.writeError(describe(error))
            if let error = error as? ConfigurationError { StandardStreams.writeError(refusal(error.diagnostics)) }
            return 1
        }
    }

    /// The last line of what cannot be used.
    static func refusal(_ diagnostics: [Diagnostic]) -> String {
        "\(diagnostics.counts ?? "Errors"): the configuration cannot be used, and nothing was changed.\n"
    }

    /// The last line of what can be used.
    static func verdict(_ report: ConfigurationCheck.Report, _ model: FrontModel) -> String {
        let (count, all) = (report.appsThatWillNotStart.count, model.apps.count)
        guard count > 0 else { return "The configuration can be used.\n" }
        return "The configuration can be used; \(count) of \(all) application\(all == 1 ? "" : "s") will not start.\n"
    }

    private static func show(_ configuration: LoadedConfiguration, dump: Bool) {
        for warning in configuration.warnings { StandardStreams.writeError("\(warning)\n") }
        if dump { StandardStreams.writeOutput(configuration.model.dump) }
    }

    /// One line per problem of a configuration, else one line.
    static func describe(_ error: any Error) -> String {
        if let error = error as? ConfigurationError { return "\(error)\n" }
        return "front-proxy: \(error)\n"
    }
}
