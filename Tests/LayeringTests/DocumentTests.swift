// SPDX-License-Identifier: MIT

import Testing
import TestSupport

@Suite struct DocumentTests {
    @Test(arguments: [("README.md", 200), ("CONTRIBUTING.md", 80)])
    func `a document keeps to its length`(_ document: String, _ limit: Int) throws {
        let lines = try Repository.text(document).split(separator: "\n", omittingEmptySubsequences: false).count - 1
        #expect(lines <= limit, "\(document) has \(lines) lines")
    }

    @Test func `links between documents lead somewhere`() throws {
        let documents =
            try ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
            + Repository.files(below: "docs", suffix: ".md")
        for document in documents {
            let folder = document.split(separator: "/").dropLast().map { "\($0)/" }.joined()
            for link in try Self.links(in: Repository.text(document)) where !link.contains("://") {
                let path = link.split(separator: "#", omittingEmptySubsequences: false)[0]
                guard !path.isEmpty else { continue }
                #expect(TestFile.exists("\(Repository.root)/\(folder)\(path)"), "\(document) links to \(link)")
            }
        }
    }

    @Test func `every supported or later setting of the catalog is in docs settings`() throws {
        let document = try Repository.text("docs/settings.md")
        var names: [String] = []
        for file in ["SettingCatalog+App.swift", "SettingCatalog+Front.swift"] {
            let lines = try SourceFile("Sources/AppSettings/\(file)").lines.map { $0.drop { $0 == " " } }
            for (line, next) in zip(lines, lines.dropFirst()) {
                let rows = [".init(\"", ".front(\"", ".daemon(\""]
                if let row = rows.first(where: { line.hasPrefix($0) }) {
                    names.append(String(line.dropFirst(row.count).prefix { $0 != "\"" }))
                } else if line == ".init(", next.hasPrefix("\"") {
                    names.append(String(next.dropFirst().prefix { $0 != "\"" }))
                }
            }
        }
        #expect(names.count > 60)
        for name in names {
            #expect(
                document.contains("`\(name)`") || document.contains("`\(name) "),
                "\(name) is not in docs/settings.md"
            )
        }
    }

    @Test func `each test that docs security names is there`() throws {
        let document = try Repository.text("docs/security.md")
        let section = try #require(document.pieces(between: "### What holds, and the tests that prove it").last)
        let table = try #require(section.pieces(between: "\n###").first)
        let names = table.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) && $0.element.hasSuffix("Tests") && !$0.element.contains("/") }.map(
                \.element
            )
        #expect(names.count > 25)
        let suites = Set(try SourceFile.all(below: "Tests").flatMap(\.lines).compactMap(Self.declaredStruct))
        for name in Set(names) { #expect(suites.contains(name), "there is no suite \(name)") }
    }

    @Test func `the walk-through of the README stands in one block that starts both programs`() throws {
        let block = try #require(try QuickStart.script())
        #expect(block.contains("flying-passenger --socket-file=/run/flying-passenger/daemon.sock"))
        #expect(block.contains("passenger_fly_with /run/flying-passenger/daemon.sock;"))
        #expect(block.contains("\npassenger-status\n"))
    }

    /// Targets of `[text](target)`.
    private static func declaredStruct(_ line: Substring) -> Substring? {
        guard line.utf8.last == UInt8(ascii: "{") else { return nil }
        let words = line.split(separator: " ")
        guard let position = words.firstIndex(of: "struct"), position + 1 < words.count else { return nil }
        return words[position + 1]
    }

    private static func links(in text: String) -> [String] {
        text.split(separator: "](").dropFirst().compactMap { piece in
            piece.firstIndex(of: ")").map { String(piece[..<$0]) }
        }
    }
}
