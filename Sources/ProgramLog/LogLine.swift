// SPDX-License-Identifier: MIT

package import Logging
import ShownText

/// One line of the log in the format of Ruby's Logger, without line feed at its end.
///
///     I, [2030-01-31T18:05:09.095339 #4700]  INFO -- : Welcome to Flying Passenger 1.2.0
package enum LogLine {
    /// Why something is so; what to do about it follows at once, and all other fields are in the order of their keys.
    package static let reasonKey = "reason"
    package static let remedyKey = "remedy"

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
        return line + body(message: message, metadata: metadata)
    }

    /// What follows the stamp and the severity.
    static func body(message: String, metadata: Logger.Metadata) -> String {
        var line = SafeText.line(message)
        for (key, value) in metadata.sorted(by: { place(of: $0.key) < place(of: $1.key) }) {
            line += " "
            line += key
            line += "="
            line += quotedIfNeeded(text(of: value))
        }
        return line
    }

    private static func place(of key: String) -> (String, Int) { key == remedyKey ? (reasonKey, 1) : (key, 0) }

    /// A value as it stands behind `key=`: bare if it is one plain word, else in double quotes with escapes.
    package static func quotedIfNeeded(_ value: String) -> String {
        value.isEmpty || value.unicodeScalars.contains(where: needsQuotes) ? SafeText.quoted(value) : value
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\"", "\\", "=": true
        default: SafeText.hides(scalar)
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
}
