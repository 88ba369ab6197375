// SPDX-License-Identifier: MIT

/// The small pieces of status texts.
enum TextColumns {
    /// `text` with spaces behind it up to `width` columns.
    static func leftJustified(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `9s`, `2m 9s`, `3h 2m 9s`, `1d 3h 2m 9s`.
    static func duration(seconds total: Int) -> String {
        let total = max(0, total)
        let parts = [
            (total / 86_400, "d"), (total / 3_600 % 24, "h"), (total / 60 % 60, "m"), (total % 60, "s"),
        ]
        let first = parts.firstIndex { $0.0 > 0 } ?? parts.count - 1
        return parts[first...].map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }
}
