// SPDX-License-Identifier: MIT

/// What a program printed last about its own end.
package enum LastWords {
    /// The last line that is no part of a stack and not said by the interpreter about itself; with the place that the stack
    /// names first, if there is one.
    ///
    /// Nil: there is no output.
    package static func line(of output: String) -> String? {
        let lines = output.split(whereSeparator: \.isNewline)
        var place: Substring?
        var isInProperties = false
        for line in lines.reversed() {
            let text = line.drop { $0 == " " || $0 == "\t" }
            let isIndented = text.startIndex != line.startIndex
            switch true {
            case text.isEmpty, !isIndented && Self.isBanner(text): continue
            // Node shows the properties of an error behind its stack.
            case !isIndented && text.utf8.elementsEqual("}".utf8): isInProperties = true
            case isIndented && text.utf8.starts(with: "at ".utf8):
                isInProperties = false
                place = Self.place(in: text.dropFirst("at ".count))
            case isIndented && (isInProperties || text.utf8.starts(with: "from ".utf8)): continue
            default: return place.map { "\(line) at \($0)" } ?? String(line)
            }
        }
        return lines.last.map { String($0) }
    }

    private static func isBanner(_ text: Substring) -> Bool {
        ["Node.js v", "(Use `node --trace-"].contains { text.utf8.starts(with: $0.utf8) }
    }

    /// "/srv/app.js:2:79" of "Timeout._onTimeout (/srv/app.js:2:79)".
    private static func place(in frame: Substring) -> Substring {
        var frame = frame
        if frame.utf8.last == UInt8(ascii: "{") { frame = frame.dropLast() }
        guard let start = frame.lastIndex(of: "("), let end = frame[start...].firstIndex(of: ")") else {
            while frame.utf8.last == UInt8(ascii: " ") { frame.removeLast() }
            return frame
        }
        return frame[start..<end].dropFirst()
    }
}
