// SPDX-License-Identifier: MIT

package import ArgumentParser
import LinuxSystem

/// What all tools do before and after their own work: arguments, output, exit status.
package enum ToolMain {
    package static func exit(_ main: ([String]) -> Int32) -> Never {
        SignalMask.ignoreBrokenPipes()
        let arguments = CurrentProcess.arguments
        guard !arguments.isEmpty else {
            Terminal.writeError("Cannot read the command line; is /proc mounted?\n")
            CurrentProcess.exit(ToolFailure.Status.usage.rawValue)
        }
        CurrentProcess.exit(main(Array(arguments.dropFirst())))
    }

    /// Parses, runs `body`, prints what it returns; usage errors exit 1 instead of the parser's 64.
    package static func run<Command: ParsableCommand>(
        _ type: Command.Type,
        arguments: [String],
        _ body: (Command) throws(ToolFailure) -> String
    ) -> Int32 {
        let command: Command
        do {
            command = try Command.parse(arguments)
        } catch {
            return self.show(error, of: type)
        }
        return self.carryOut { () throws(ToolFailure) in try body(command) }
    }

    /// The same for a tool with subcommands; without one it shows what there is.
    package static func runSubcommand<Command: ParsableCommand>(of type: Command.Type, arguments: [String]) -> Int32 {
        let subcommand: any Subcommand
        do {
            var command = try Command.parseAsRoot(arguments)
            guard let ours = command as? any Subcommand else {
                // The tool itself, or the parser's own `help`: both show help.
                try command.run()
                return 0
            }
            subcommand = ours
        } catch {
            return self.show(error, of: type)
        }
        return self.carryOut { () throws(ToolFailure) in try subcommand.carryOut() }
    }

    private static func carryOut(_ body: () throws(ToolFailure) -> String) -> Int32 {
        do throws(ToolFailure) {
            Terminal.write(try body())
            return 0
        } catch {
            Terminal.writeError(error.message + "\n")
            return error.status.rawValue
        }
    }

    /// What the parser has to say: help and version on standard output, mistakes on standard error.
    private static func show<Command: ParsableCommand>(_ error: any Error, of type: Command.Type) -> Int32 {
        let isFailure = type.exitCode(for: error) != .success
        let text = type.fullMessage(for: error) + "\n"
        if isFailure { Terminal.writeError(text) } else { Terminal.write(text) }
        return isFailure ? ToolFailure.Status.usage.rawValue : 0
    }
}
