// SPDX-License-Identifier: MIT

package import Logging

/// One line of the log in the format of Ruby's Logger, without line feed at its end.
///
///     I, [2030-01-31T18:05:09.095339 #4700]  INFO -- : Welcome to Flying Passenger 1.2.0
package enum LogLine {
    /// `time` is local time as `YYYY-MM-DDTHH:MM:SS.ffffff`.
    package static func text(
        severity: Severity,
        time: String,
        pid: Int32,
        message: String,
        metadata: Logger.Metadata = [:]
    ) -> String {
        let word = severity.rawValue
        var line = "\(word.prefix(1)), [\(time) #\(pid)] "
        line += String(repeating: " ", count: max(0, 5 - word.utf8.count)) + word + " -- : "
        appendSingleLine(message, to: &line)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " "
            line += key
            line += "="
            line += quotedIfNeeded(text(of: value))
        }
        return line
    }

    /// A value as it stands behind `key=`: bare if it is one plain word, else in double quotes with escapes.
    static func quotedIfNeeded(_ value: String) -> String {
        guard value.isEmpty || value.unicodeScalars.contains(where: needsQuotes) else { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            default: appendVisible(scalar, to: &quoted)
            }
        }
        return quoted + "\""
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\"", "\\", "=": true
        default: isControl(scalar)
        }
    }

    private static func text(of value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let text): text
        case .stringConvertible(let some): some.description
        case .array(let values): "[" + values.map(self.text(of:)).joined(separator: ", ") + "]"
        case .dictionary(let pairs):
            "{"
                + pairs.sorted(by: { $0.key < $1.key }).map { "\($0.key): \(self.text(of: $0.value))" }
                .joined(separator: ", ") + "}"
        }
    }

    /// Control characters would let text from outside forge lines or drive a terminal.
    private static func appendSingleLine(_ text: String, to line: inout String) {
        guard text.unicodeScalars.contains(where: isControl) else {
            line += text
            return
        }
        for scalar in text.unicodeScalars { appendVisible(scalar, to: &line) }
    }

    private static func appendVisible(_ scalar: Unicode.Scalar, to line: inout String) {
        switch scalar {
        case "\n": line += "\\n"
        case "\r": line += "\\r"
        case "\t": line += "\\t"
        case _ where isControl(scalar):
            let digits = String(scalar.value, radix: 16)
            line += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
        default: line.unicodeScalars.append(scalar)
        }
    }

    /// C0 and C1 controls, DEL, and the Unicode line and paragraph separators.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }
}
