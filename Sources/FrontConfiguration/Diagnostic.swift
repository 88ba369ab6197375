// SPDX-License-Identifier: MIT

/// Something to say about a place of the configuration.
package struct Diagnostic: Sendable, Hashable, Error, CustomStringConvertible {
    package enum Severity: String, Sendable, Hashable {
        case error
        case warning
    }

    package let file: String
    /// From 1; 0 if the file as a whole is meant.
    package let line: Int
    package let severity: Severity
    package let message: String

    package init(file: String, line: Int, severity: Severity, message: String) {
        self.file = file
        self.line = line
        self.severity = severity
        self.message = message
    }

    package var description: String {
        line > 0 ? "\(file):\(line): \(severity.rawValue): \(message)" : "\(file): \(severity.rawValue): \(message)"
    }
}

extension [Diagnostic] {
    /// For the last line: `11 errors and 2 warnings`; nil if there are none.
    package var counts: String? {
        let errors = self.count(where: { $0.severity == .error })
        let warnings = count - errors
        let parts = [(errors, "error"), (warnings, "warning")].filter { $0.0 > 0 }
            .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
        return parts.isEmpty ? nil : parts.joined(separator: " and ")
    }
}

/// A configuration that cannot be used.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// At least one is an error.
    package let diagnostics: [Diagnostic]

    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
