// SPDX-License-Identifier: MIT

package import Logging

package typealias LogMetadata = Logger.Metadata

/// The log of a program: where it goes and how much is said.
///
/// Loggers are made from it and passed down.
package struct ProgramLog: Sendable {
    package let output: LogOutput
    package let scale: LogScale

    package init(output: LogOutput, scale: LogScale = .standard) {
        self.output = output
        self.scale = scale
    }

    package func logger(label: String) -> Logger {
        Self.make(label: label, output: self.output, scale: self.scale)
    }

    /// Logs at any `--log-level`: start, stop, and what ends the program.
    package func announce(_ text: String, severity: Severity = .info, metadata: LogMetadata = [:]) {
        self.output.write(severity: severity, message: text, metadata: metadata)
    }

    package static func make(label: String, output: LogOutput, scale: LogScale = .standard) -> Logger {
        Logger(label: label) { _ in ProgramLogHandler(output: output, logLevel: scale.threshold) }
    }
}
