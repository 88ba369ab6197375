// SPDX-License-Identifier: MIT

/// Orders for terminals in what an app printed: colours, titles, cursor movements, keys to be typed.
enum TerminalSequences {
    /// The text without whole sequences, and without carriage returns at ends of lines; what only begins like a sequence
    /// stays.
    static func removed(from text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "\u{1B}" || scalar == "\u{9B}", skip(scalar, in: &rest) { continue }
            if scalar == "\r", rest.first == "\n" { continue }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    /// Drops the rest of a control sequence (ECMA-48 §5.4) or of a string for the terminal; false if it is neither.
    private static func skip(_ first: Unicode.Scalar, in rest: inout Substring.UnicodeScalarView) -> Bool {
        if first == "\u{9B}" { return skipParameters(in: &rest) }
        switch rest.first {
        case "[":
            var inner = rest.dropFirst()
            guard skipParameters(in: &inner) else { return false }
            rest = inner
            return true
        case "]", "P", "X", "^", "_":
            // Ends with BEL or ESC \; one that does not end is no sequence.
            let limited = rest.prefix(4096)
            guard let end = limited.firstIndex(where: { $0 == "\u{07}" || $0 == "\u{1B}" }) else { return false }
            let isShort = rest[end] == "\u{07}"
            rest = rest[rest.index(after: end)...]
            if !isShort, rest.first == "\\" { rest.removeFirst() }
            return true
        case "(", ")", "=", ">", "7", "8", "c":
            let takesOneMore = rest.first == "(" || rest.first == ")"
            rest.removeFirst()
            if takesOneMore, !rest.isEmpty { rest.removeFirst() }
            return true
        default: return false
        }
    }

    /// Parameters, then intermediate bytes, then the final byte; false if that is not what follows.
    private static func skipParameters(in rest: inout Substring.UnicodeScalarView) -> Bool {
        let limited = rest.prefix(64)
        guard let end = limited.firstIndex(where: { !(0x20...0x3F).contains($0.value) }),
            (0x40...0x7E).contains(rest[end].value)
        else { return false }
        rest = rest[rest.index(after: end)...]
        return true
    }
}
