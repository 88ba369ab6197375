// SPDX-License-Identifier: MIT

/// A place in a configuration file.
package struct SourceLocation: Sendable, Hashable {
    package let file: String
    package let line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package func error(_ message: String) -> Diagnostic {
        Diagnostic(file: file, line: line, severity: .error, message: message)
    }

    package func warning(_ message: String) -> Diagnostic {
        Diagnostic(file: file, line: line, severity: .warning, message: message)
    }
}

/// One directive with what stands behind it: `name arguments ;` or `name arguments { block }`.
struct Directive: Sendable, Equatable {
    let name: String
    let arguments: [String]
    let block: [Directive]?
    let location: SourceLocation

    init(_ name: String, _ arguments: [String], block: [Directive]? = nil, location: SourceLocation) {
        self.name = name
        self.arguments = arguments
        self.block = block
        self.location = location
    }
}
