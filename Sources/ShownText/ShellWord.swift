// SPDX-License-Identifier: MIT

/// One word of a command that somebody copies into a shell, perhaps root's.
package enum ShellWord {
    /// `word` as a shell takes it, whatever is in it, and as one can see it: bare, in `'…'`, or with `$'…'` where it holds what is
    /// not shown as itself (which needs bash, zsh or ksh).
    package static func quoted(_ word: String) -> String {
        if !word.isEmpty, word.utf8.allSatisfy(self.isPlain) { return word }
        if needsEscapes(word) { return escaped(word) }
        let pieces = word.utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
        return "'" + pieces.map { String(decoding: $0, as: UTF8.self) }.joined(separator: #"'\''"#) + "'"
    }

    /// Whether it can only be written with `$'…'`.
    static func needsEscapes(_ word: String) -> Bool { word.unicodeScalars.contains(where: SafeText.hides) }

    /// Whether quoting gives the word back; not where bytes were replaced that are no UTF-8: it would be another file.
    static func isFaithful(_ word: String) -> Bool {
        !word.unicodeScalars.contains { $0 == "\u{FFFD}" || $0 == "\0" }
    }

    /// Whether an app may have it in a command at all: the name of a package, no option, nothing to be quoted.
    package static func isPackageName(_ name: String) -> Bool {
        name.utf8.count <= 128 && !name.hasPrefix("-") && name.utf8.first != UInt8(ascii: "/") && !name.hasPrefix(".")
            && !name.hasSuffix(".gem")
            && !name.isEmpty && name.utf8.allSatisfy { self.isPlain($0) && $0 != UInt8(ascii: "=") }
    }

    private static func escaped(_ word: String) -> String {
        var result = "$'"
        for scalar in word.unicodeScalars {
            switch scalar {
            case "'", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where SafeText.hides(scalar):
                for byte in String(scalar).utf8 { result += "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16) }
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "@"),
            UInt8(ascii: "+"):
            true
        default: false
        }
    }
}
