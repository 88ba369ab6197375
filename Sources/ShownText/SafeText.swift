// SPDX-License-Identifier: MIT

/// Text that came from outside, made fit to be shown: nothing in it is obeyed, and nothing in it is invisible.
///
/// Outputs of apps, names of files and users, headers: all of it may hold what a terminal takes for an order, what begins a
/// line of its own in a log, or what turns the direction of writing. One table (`hides`) decides for log, terminal, page, JSON
/// and reports. What it names is shown instead, as C and Swift write it:
///
///     \n \r \t     line feed, carriage return, tab, where they are not kept
///     \x1b         another ASCII control, or a byte that is no UTF-8
///     \u{202e}     another character
///
/// A backslash of the text itself stays one, except between quotes: the notation is for people, not for parsers.
package enum SafeText {
    /// What else stays as it is, or is escaped.
    struct Style {
        var keepsTabs = false
        var keepsLineFeeds = false
        /// `"` and `\` get a backslash in front of them.
        var escapesQuotes = false
    }

    // MARK: One line

    /// One line, whatever is in it.
    package static func line(_ text: some StringProtocol) -> String { shown(text, Style()) }

    /// One line between double quotes; quotes and backslashes in it are escaped.
    package static func quoted(_ text: some StringProtocol) -> String {
        "\"\(shown(text, Style(escapesQuotes: true)))\""
    }

    /// A path or another name within a sentence: as it is if it is one plain word, else between quotes, so that nobody
    /// takes a part of it for a part of the sentence.
    package static func name(_ name: some StringProtocol) -> String {
        let isPlain =
            !name.isEmpty
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", "+", "@", "%", "~", "=": true
                default: !scalar.isASCII && !hides(scalar) && !scalar.properties.isWhitespace
                }
            }
        return isPlain ? String(name) : quoted(name)
    }

    /// Appends one line of what an app printed; its tabs stay, and a carriage return at its end belongs to the line end.
    package static func appendOutputLine(_ line: some Sequence<UInt8>, to result: inout [UInt8]) {
        let style = Style(keepsTabs: true)
        let isDone: Void? = line.withContiguousStorageIfAvailable { append(withoutReturn($0), style, to: &result) }
        if isDone == nil { Array(line).withUnsafeBufferPointer { append(withoutReturn($0), style, to: &result) } }
    }

    private static func withoutReturn(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        line.last == UInt8(ascii: "\r") ? UnsafeBufferPointer(rebasing: line.dropLast()) : line
    }

    // MARK: Many lines

    /// Line by line, with four spaces for a tab.
    ///
    /// A carriage return before a line feed belongs to the line end; any other would let a line overwrite itself.
    package static func lines(_ text: some StringProtocol) -> [String] {
        guard !text.isEmpty else { return [] }
        return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { bytes in
            let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            return line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
                .map { self.line(String(decoding: $0, as: UTF8.self)) }
                .joined(separator: "    ")
        }
    }

    /// A whole text whose line feeds and tabs stay; colours and other orders for terminals are left out.
    package static func block(_ text: String) -> String {
        // Nearly all text needs nothing.
        guard text.unicodeScalars.contains(where: { $0 != "\n" && $0 != "\t" && hides($0) }) else { return text }
        return shown(TerminalSequences.removed(from: text), Style(keepsTabs: true, keepsLineFeeds: true))
    }

    // MARK: The table

    /// Whether a character is not shown as itself: controls, all that Unicode calls a format character or leaves without a
    /// look of its own (marks of direction, tags, fillers, the byte order mark), separators of lines, noncharacters.
    ///
    /// The two joiners and the variation selectors that emoji and several scripts need stay.
    package static func hides(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: return true
        case 0x20..<0x7F, 0xA0..<0xAD, 0xAE..<0x300: return false
        case 0x200C, 0x200D, 0xFE00...0xFE0F: return false
        default: break
        }
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint { return true }
        switch properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator, .control: return true
        default: return false
        }
    }

    // MARK: Bytes

    private static func shown(_ text: some StringProtocol, _ style: Style) -> String {
        var text = String(text)
        return text.withUTF8 { bytes in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            append(bytes, style, to: &result)
            return String(decoding: result, as: UTF8.self)
        }
    }

    private static func append(_ bytes: UnsafeBufferPointer<UInt8>, _ style: Style, to result: inout [UInt8]) {
        /// Everything before it has been appended.
        var clean = 0
        var index = 0
        func replace(_ length: Int, by escape: String) {
            result += bytes[clean..<index]
            result += escape.utf8
            clean = index + length
        }
        while index < bytes.count {
            let byte = bytes[index]
            var length = 1
            if byte < 0x80 {
                if let escape = escape(ofASCII: byte, style) { replace(1, by: escape) }
            } else if let (scalar, count) = UTF8Scalar.decode(bytes, at: index) {
                length = count
                if hides(scalar) { replace(count, by: "\\u{\(String(scalar.value, radix: 16))}") }
            } else {
                replace(1, by: hex(byte))
            }
            index += length
        }
        result += bytes[clean...]
    }

    private static func escape(ofASCII byte: UInt8, _ style: Style) -> String? {
        switch byte {
        case UInt8(ascii: "\""): style.escapesQuotes ? "\\\"" : nil
        case UInt8(ascii: "\\"): style.escapesQuotes ? "\\\\" : nil
        case 0x20..<0x7F: nil
        case UInt8(ascii: "\n"): style.keepsLineFeeds ? nil : "\\n"
        case UInt8(ascii: "\t"): style.keepsTabs ? nil : "\\t"
        case UInt8(ascii: "\r"): "\\r"
        default: hex(byte)
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
    }
}
