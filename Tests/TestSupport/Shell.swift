// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Runs a program to its end.
package enum Shell {
    package struct Outcome: Sendable {
        package let status: ExitStatus
        /// Standard output and standard error, in the order of writing.
        package let output: String
        package let pid: Int32
    }

    /// Starts a program, waits for its end, and kills it when that takes too long.
    package static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        in directory: String = "/",
        as user: UserAccount? = nil,
        within limit: Duration = .seconds(120)
    ) throws -> Outcome {
        let place = try TestDirectory("fp-shell.")
        let program = try RunningProgram(
            arguments,
            log: place.file("output"),
            environment: environment,
            directory: directory,
            user: user
        )
        let status = try program.waitForExit(within: limit)
        return Outcome(status: status, output: program.output, pid: program.pid)
    }

    /// Runs a script of bash.
    package static func script(
        _ text: String,
        environment: [String: String] = [:],
        in directory: String = "/",
        within limit: Duration = .seconds(120)
    ) throws -> Outcome {
        try run(
            ["/bin/bash", "-c", text],
            environment: environment,
            in: directory,
            within: limit
        )
    }
}
