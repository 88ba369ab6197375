// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Nothing in Sources cuts or tests paths by characters.
///
/// Paths and names from outside are bytes: for Swift a slash and an accent behind it, or a mark in front of it, are one
/// character, and two spellings of "café" are equal.
@Suite struct PathTextTests {
    /// What is written instead: `utf8.split`, `utf8.first`, `utf8.starts(with:)`, `pathComponents`, `isExactly`, `ExactText`.
    private static let forbidden = [
        #"split(separator: "/""#, #"split(separator: ":""#, #"firstIndex(of: "/")"#, #"lastIndex(of: "/")"#,
        #"hasPrefix("/"#, #"hasSuffix("/"#, #" + "/")"#, "components(separatedBy:", "caseInsensitiveCompare",
        "localizedCompare",
    ]

    @Test func `no path is cut or tested by characters`() throws {
        for file in try SourceFile.all(below: "Sources") {
            for (number, line) in zip(1..., file.lines) {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//") else { continue }
                let found = Self.forbidden.filter { code.contains($0) }
                #expect(found.isEmpty, "\(file.path):\(number): \(found.joined(separator: ", "))")
            }
        }
    }

    /// A dictionary or set of `String` finds the other spelling, too.
    @Test func `what is found by a path or by a name from outside is keyed by its bytes`() throws {
        for file in try SourceFile.all(below: "Sources") {
            for (number, line) in zip(1..., file.lines) {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//"), let name = Self.declaredName(code), Self.isOfNames(name) else { continue }
                let isKeyed = ["[String: ", "Set<String>"].contains { code.contains($0) }
                // Constants of our own hold no other spelling of themselves.
                let isConstant = code.contains("static let")
                #expect(!isKeyed || isConstant, "\(file.path):\(number) keys \(name) by String")
            }
        }
    }

    private static func declaredName(_ code: Substring) -> Substring? {
        let words = code.split(separator: " ")
        guard let position = words.firstIndex(where: { $0 == "let" || $0 == "var" }), position + 1 < words.count else {
            return nil
        }
        return words[position + 1].prefix { $0 != ":" && $0 != "=" }
    }

    private static func isOfNames(_ name: Substring) -> Bool {
        ["path", "file", "root", "director", "user", "group", "account"].contains { name.lowercased().contains($0) }
    }
}
