// SPDX-License-Identifier: MIT

/// Words of a command that an operator copies into a root shell.
package enum ShellWord {
    /// `word` as a shell takes it, whatever is in it.
    package static func quoted(_ word: String) -> String {
        if !word.isEmpty, word.utf8.allSatisfy(self.isPlain) { return word }
        let pieces = word.utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
        return "'" + pieces.map { String(decoding: $0, as: UTF8.self) }.joined(separator: #"'\''"#) + "'"
    }

    /// Whether an app may have it in a command at all: the name of a package, no option, nothing to be quoted.
    static func isPackageName(_ name: String) -> Bool {
        name.utf8.count <= 128 && !name.hasPrefix("-") && !name.hasPrefix("/") && !name.hasPrefix(".")
            && !name.hasSuffix(".gem")
            && !name.isEmpty && name.utf8.allSatisfy { self.isPlain($0) && $0 != UInt8(ascii: "=") }
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
