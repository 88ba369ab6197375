// SPDX-License-Identifier: MIT

/// Text that an application wrote, as it can be shown to people.
///
/// An application may write to its log what a terminal takes for orders: colours, titles, cursor movements, keys to be
/// typed. Whoever looks at that text with curl must not have them carried out.
enum ShownText {
    /// Without terminal sequences; other control characters, and those that turn the direction of the text,
    /// become visible.
    static func cleaned(_ text: String) -> String {
        // Nearly all text needs nothing.
        guard text.unicodeScalars.contains(where: self.isSpecial) else { return text }
        var result = ""
        result.reserveCapacity(text.utf8.count)
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "\u{1B}" || scalar == "\u{9B}" {
                if self.skipSequence(scalar, in: &rest) { continue }
            }
            if scalar == "\r", rest.first == "\n" { continue }
            if self.isSpecial(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        // As in the log (`VisibleText`): marks, embeddings, overrides and isolates of the bidirectional algorithm; line separators; the BOM.
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    /// Drops the rest of a control sequence (ECMA-48 §5.4) or of a string for the terminal; false if it is neither.
    private static func skipSequence(
        _ first: Unicode.Scalar,
        in rest: inout Substring.UnicodeScalarView
    ) -> Bool {
        if first == "\u{9B}" { return self.skipParameters(in: &rest) }
        switch rest.first {
        case "[":
            var inner = rest.dropFirst()
            guard self.skipParameters(in: &inner) else { return false }
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
