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

    // MARK: Comparisons

    /// What ends the name of a thing that came from outside, or was made of such things.
    private static let endings = ["path", "root", "directory", "folder", "name"]
    /// Not texts, or texts that hold nothing but ASCII of our own making.
    private static let compared = [
        // Bytes.
        "$0.path != walked.path", "path == self.missedPath",
        // A running request that is told of twice; for show.
        "known.path == lasting.path",
        // Exact already.
        "names.removeAll { $0 == name }",
        // Groups of processes, values of an enumeration.
        "group.parent?.parent == self.root",
        // Tokens of HTTP are ASCII.
        "lowercasedName == name",
        // A step of a journey.
        "step.name == failedStep",
    ]

    /// `==` of `String` finds the other spelling of a name as well.
    @Test func `paths and names are compared by their bytes`() throws {
        for file in try SourceFile.all(below: "Sources") {
            for (number, line) in zip(1..., file.lines) {
                let code = SourceFile.code(of: line)
                guard Self.comparesNames(code) || Self.searchesNames(code) else { continue }
                #expect(
                    Self.compared.contains { line.contains($0) },
                    "\(file.path):\(number): write isExactly or ExactText: \(line)"
                )
            }
        }
    }

    @Test(
        arguments: [
            ("if app.root == other.root {", true), ("guard path != missing else { return }", true),
            ("x.first { $0.userName == name }", true), ("if what == self.appRoot {", true),
            ("paths.contains(path)", true), ("x.groupNames.firstIndex(of: name)", true),
            ("if path == nil {", false), ("if root == \"\" {", false), ("kind == .directory", false),
            ("if name == SettingName.appRoot {", false), ("name == Array(x)", false), ("if count == 3 {", false),
            ("file(at: path) == other", false), ("paths.contains(where: path.isExactly)", false),
            ("paths.contains { $0.isExactly(path) }", false), ("paths.contains(Array(x))", false),
            ("hasUser(name) == false", false), ("path.isEmpty != root.isEmpty", false),
        ]
    )
    func `a comparison of names is recognised as far as a look at its text can tell`(code: String, isOne: Bool) {
        #expect((Self.comparesNames(code) || Self.searchesNames(code)) == isOne)
    }

    private static func comparesNames(_ code: String) -> Bool {
        [" == ", " != "].contains { sign in
            let sides = code.split(separator: sign, omittingEmptySubsequences: false)
            return zip(sides, sides.dropFirst()).contains { left, right in
                let (left, right) = (Self.lastWord(left), Self.firstWord(right))
                return ![left, right].contains(where: Self.isOurs)
                    && [left, right].contains(where: Self.namesSomething)
            }
        }
    }

    private static func searchesNames(_ code: String) -> Bool {
        [".contains(", ".firstIndex(of: ", ".lastIndex(of: "].contains { call in
            let sides = code.split(separator: call, omittingEmptySubsequences: false)
            return zip(sides, sides.dropFirst()).contains { left, right in
                let (list, wanted) = (Self.lastWord(left), Self.firstWord(right))
                let one = list.hasSuffix("ies") ? list.dropLast(3) + "y" : list.dropLast()
                return list.hasSuffix("s") && Self.namesSomething(one) && !wanted.isEmpty && !Self.isOurs(wanted)
                    && !right.hasPrefix("where:")
            }
        }
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_$.?".contains(character)
    }

    /// The operand that ends there: names and dots; empty for calls and all that is put together.
    private static func lastWord(_ code: Substring) -> Substring {
        let start = code.lastIndex { !Self.isOfWord($0) }.map(code.index(after:)) ?? code.startIndex
        return code[start...]
    }

    private static func firstWord(_ code: Substring) -> Substring {
        let word = code.prefix(while: Self.isOfWord)
        return ["(", "["].contains(code.dropFirst(word.count).first) ? "" : word
    }

    /// A literal, a case of an enumeration, a constant of a type.
    private static func isOurs(_ word: Substring) -> Bool {
        guard let first = word.first else { return true }
        return first == "." || first.isNumber || first.isUppercase || ["nil", "true", "false"].contains(word)
    }

    private static func namesSomething(_ word: Substring) -> Bool {
        let last = word.split(separator: ".").last ?? ""
        return Self.endings.contains { last.lowercased().hasSuffix($0) }
    }
}
