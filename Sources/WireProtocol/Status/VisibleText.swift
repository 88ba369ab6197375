// SPDX-License-Identifier: MIT

/// Text of others made harmless for terminals and logs: what would be obeyed is shown instead.
package enum VisibleText {
    /// One line: line ends and tabs are shown as well.
    package static func line(_ text: some StringProtocol) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if self.isHarmless(scalar) {
                shown.unicodeScalars.append(scalar)
            } else {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return shown
    }

    /// Line by line, with four spaces for a tab.
    ///
    /// A carriage return before a line feed belongs to the line end; any other would let a line overwrite itself.
    package static func lines(_ text: some StringProtocol) -> [String] {
        guard !text.isEmpty else { return [] }
        return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { bytes in
            let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            return self.withoutTabs(String(decoding: line, as: UTF8.self))
        }
    }

    private static func withoutTabs(_ line: String) -> String {
        line.utf8.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            .map { self.line(String(decoding: $0, as: UTF8.self)) }
            .joined(separator: "    ")
    }

    /// Neither controls, nor line separators, nor marks that turn the direction of writing.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: false
        default: true
        }
    }
}
