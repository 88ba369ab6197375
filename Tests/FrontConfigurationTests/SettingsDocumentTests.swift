// SPDX-License-Identifier: MIT

import AppSettings
import TestSupport
import Testing

@testable import FrontConfiguration

/// `docs/settings.md` and the tables of the code say the same, in both directions.
struct SettingsDocumentTests {
    /// A line of a table.
    private struct Row {
        let cells: [String]
        /// The first word of each text in backticks of the first cell.
        var names: [String] { SettingsDocumentTests.names(in: cells.first ?? "") }
    }

    private let lines: [Substring]

    init() throws {
        lines = try TestFile.text("\(Repository.root)/docs/settings.md").split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
    }

    private static func names(in text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }
            .compactMap { $0.element.split(separator: " ").first.map(String.init) }
    }

    /// The lines below a heading of the second level.
    private func section(_ title: String) -> [Substring] {
        lines.drop { $0 != "## \(title)" }.dropFirst().prefix { !$0.hasPrefix("## ") }.map { $0 }
    }

    private func rows(_ title: String) -> [Row] {
        section(title).filter { $0.hasPrefix("| ") }.map { line in
            Row(
                cells: line.dropFirst().split(separator: "|", omittingEmptySubsequences: false).map { cell in
                    String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
                }
            )
        }
    }

    // MARK: Directives of nginx

    @Test func `every directive of nginx stands in the table, with what it does here and why`() {
        var documented: [String: [String]] = [:]
        for row in rows("Directives of nginx").dropFirst() {
            for name in row.names {
                #expect(documented[name] == nil, "\(name) is documented twice")
                documented[name] = [row.cells[1], row.cells[2]]
            }
        }
        var known: [String: [String]] = ["include": ["work", ""]]
        for name in DirectiveTable.handled.keys where !name.hasPrefix("passenger_") { known[name] = ["work", ""] }
        for group in DirectiveTable.withoutEffect { for name in group.words { known[name] = ["warn", group.reason] } }
        for group in DirectiveTable.refused { for name in group.words { known[name] = ["fail", group.reason] } }
        for name in Set(documented.keys).union(known.keys).sorted() {
            #expect(documented[name] == known[name], "\(name)")
        }
    }

    @Test func `no word is in two groups`() {
        let words =
            Array(DirectiveTable.handled.keys) + DirectiveTable.withoutEffect.flatMap(\.words)
            + DirectiveTable.refused.flatMap(\.words)
        #expect(words.count == Set(words).count)
    }

    @Test func `what is accepted although its word fails is documented`() {
        let text = section("Directives of nginx").joined(separator: "\n")
        for (word, values) in DirectiveTable.harmlessArguments {
            #expect(DirectiveTable.refused.contains { $0.words.contains(word) }, "\(word)")
            for value in values { #expect(text.contains("`\(word) \(value)`")) }
        }
    }

    @Test func `a word that fails is an error wherever it stands, a word that warns is none`() throws {
        for word in DirectiveTable.refused.flatMap(\.words) {
            let found = errors("http { server { listen 81; \(word) x y; } }")
            #expect(found.count == 1 && found[0].contains("\"\(word)\" cannot be used: "), "\(found)")
        }
        for word in DirectiveTable.withoutEffect.flatMap(\.words) {
            let read = try configuration("http { server { listen 81; \(word) x { } } }")
            #expect(read.warnings.map(\.message).first?.hasPrefix("\"\(word)\" has no effect here, because ") == true)
        }
    }

    // MARK: Settings

    private enum Standing: String {
        case works
        case later
        case flag
        case ignored
    }

    private static func standing(of definition: SettingDefinition) -> Standing {
        switch (definition.flying, definition.rank) {
        case (.daemonFlag, _): .flag
        case (.ignored, _): .ignored
        case (.pushed, .later), (.frontOnly, .later): .later
        case (.pushed, .supported), (.frontOnly, .supported): .works
        }
    }

    /// What the document says of each name; a pattern such as `union_station_*` stands for all that it fits.
    private func documented() -> [String: Standing] {
        var found: [String: Standing] = [:]
        let parts = ["Applications", "How the front handles requests", "Once, at `http` level"]
        for part in parts {
            for name in rows(part).flatMap(\.names) { found[name] = .works }
            let paragraphs = section(part).split(separator: "").map { $0.joined(separator: " ") }
            for text in paragraphs where text.hasPrefix("Later: ") {
                let sentence = text.firstRange(of: ". ").map { text[..<$0.lowerBound] } ?? text[...]
                for name in Self.names(in: String(sentence)) { found[name] = .later }
            }
        }
        for name in rows("Flags of the daemon").flatMap(\.names) { found[name] = .flag }
        let ignored = section("Accepted and without meaning").joined(separator: " ")
        for name in Self.names(in: ignored) where name != "front-proxy" { found[name] = .ignored }
        return found
    }

    @Test func `every setting of Passenger is documented as what it is`() {
        let documented = documented()
        for definition in SettingCatalog.all {
            let standing = Self.standing(of: definition)
            let pattern = documented.first { name, value in
                value == standing && name.hasSuffix("*") && definition.name.hasPrefix(name.dropLast())
            }
            let names = pattern == nil ? [definition.name] + definition.aliases + definition.bareNames : []
            for name in names { #expect(documented[name] == standing, "\(name) \(standing.rawValue)") }
        }
    }

    @Test func `every documented name of a setting exists`() {
        for (name, standing) in documented() where !name.hasSuffix("*") {
            let definition = SettingCatalog.named(name) ?? SettingCatalog.bare(name)
            let isDirective = DirectiveTable.handled["passenger_\(name)"] != nil || DirectiveTable.handled[name] != nil
            #expect(definition.map { Self.standing(of: $0) } == standing || isDirective, "\(name)")
        }
    }
}

/// Names of settings that messages, remedies, documents and samples use are names that a configuration may have.
struct NamedSettingsTests {
    @Test func `every setting that a text names exists`() throws {
        let root = Repository.root
        let files =
            ["Sources", "docs", "examples", "scripts", "systemd"]
            .flatMap { folder in TestFile.tree("\(root)/\(folder)").map { "\(folder)/\($0)" } }
            + ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"]
        let endings = [".swift", ".md", ".rb", ".py", ".js", ".conf", ".default"]
        for file in files where endings.contains(where: file.hasSuffix) {
            let text = try TestFile.text("\(root)/\(file)")
            let pieces = text.pieces(between: "passenger_")
            for (before, piece) in zip(pieces, pieces.dropFirst()) where !Self.isInsideOfName(before) {
                let name = String(piece.prefix { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") })
                // And the beginning of all names of a kind.
                guard !Self.otherNames.contains(name), !name.isEmpty, !name.hasSuffix("_") else { continue }
                let isKnown = SettingCatalog.named(name) != nil || DirectiveTable.rule(for: "passenger_\(name)") != nil
                #expect(isKnown, "\(file): passenger_\(name)")
            }
        }
    }

    /// Startup files of Python applications, and what Capistrano's plugin calls its variable.
    private static let otherNames: Set<String> = ["wsgi", "asgi", "restart_with_touch"]

    /// Whether what follows a text is part of a path or of a longer name.
    private static func isInsideOfName(_ before: Substring) -> Bool {
        before.last.map { $0.isLetter || $0.isNumber || "_./-".contains($0) } ?? false
    }
}
