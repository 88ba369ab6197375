// SPDX-License-Identifier: MIT

import Synchronization
import TestSupport

/// A Swift file of the checkout, read line by line.
struct SourceFile: Sendable {
    let path: String
    let lines: [Substring]

    init(_ path: String) throws {
        self.path = path
        self.lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder below `Sources` or `Tests` that the file belongs to.
    var target: String { String(path.split(separator: "/")[1]) }

    var name: String { String(path.split(separator: "/").last ?? "") }

    /// Modules that the file imports, whatever stands before the word `import`.
    var imports: Set<String> {
        var found: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count else { continue }
            let before = words[..<position]
            let isImport = before.allSatisfy { $0.hasPrefix("@") || ["package", "internal", "private"].contains($0) }
            guard isImport else { continue }
            // `import struct Module.Type` names a declaration: the module is what stands before the first dot.
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
            let subject = kinds.contains(words[position + 1]) ? words[position + 2] : words[position + 1]
            found.insert(String(subject.split(separator: ".")[0]))
        }
        return found
    }

    /// Line numbers of code lines (comments and texts between quotes left out) that hold one of the words.
    func lines(with words: [String]) -> [Int] {
        lines.indices.filter { index in
            let code = Self.code(of: lines[index])
            return words.contains { code.contains($0) }
        }.map { $0 + 1 }
    }

    /// The line without its comment and without what stands between quotes.
    static func code(of line: Substring) -> String {
        var code: [UInt8] = []
        var isQuoted = false
        var previous = UInt8(ascii: " ")
        for byte in line.utf8 {
            if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") { isQuoted.toggle() }
            if !isQuoted {
                if byte == UInt8(ascii: "/"), previous == byte {
                    return String(decoding: code.dropLast(), as: UTF8.self)
                }
                code.append(byte)
            }
            previous = byte
        }
        return String(decoding: code, as: UTF8.self)
    }

    static func all(below folder: String) throws -> [SourceFile] {
        try Self.read.withLock { read in
            if let files = read[folder] { return files }
            let files = try Repository.files(below: folder, suffix: ".swift").map { try SourceFile($0) }
            read[folder] = files
            return files
        }
    }

    /// Many tests look at the same files.
    private static let read = Mutex<[String: [SourceFile]]>([:])
}
