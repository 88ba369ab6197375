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
            let isFailure = Command.exitCode(for: error) != .success
            let text = Command.fullMessage(for: error) + "\n"
            if isFailure { Terminal.writeError(text) } else { Terminal.write(text) }
            return isFailure ? ToolFailure.Status.usage.rawValue : 0
        }
        do throws(ToolFailure) {
            Terminal.write(try body(command))
            return 0
        } catch {
            Terminal.writeError(error.message + "\n")
            return error.status.rawValue
        }
    }
}
