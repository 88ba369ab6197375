// SPDX-License-Identifier: MIT

import Testing
import TestSupport

@Suite struct ImportTests {
    @Test func `every folder of Sources has a row in the table`() throws {
        let folders = Set(TestFile.names(in: "\(Repository.root)/Sources"))
        let rows = Set(LayeringTable.rows.map(\.target)).union(LayeringTable.withoutSwift)
        #expect(folders == rows)
    }

    @Test(arguments: LayeringTable.rows.map(\.target))
    func `a target imports only what its row allows`(_ target: String) throws {
        let row = try #require(LayeringTable.rows.first { $0.target == target })
        for file in try SourceFile.all(below: "Sources/\(target)") {
            var allowed = row.targets.union(row.modules)
            if file.name.hasSuffix("+JSON.swift") { allowed.insert("FoundationEssentials") }
            let unwanted = file.imports.subtracting(allowed)
            #expect(unwanted.isEmpty, "\(file.path) imports \(unwanted.sorted().joined(separator: ", "))")
        }
    }

    @Test(arguments: LayeringTable.rows.map(\.target))
    func `the manifest gives a target no dependency that its row forbids`(_ target: String) throws {
        let row = try #require(LayeringTable.rows.first { $0.target == target })
        let own = Set(LayeringTable.rows.map(\.target)).union(LayeringTable.withoutSwift)
        let named = try Self.dependencies(of: target).intersection(own)
        let forbidden = named.subtracting(row.targets)
        #expect(forbidden.isEmpty, "\(target) may not depend on \(forbidden.sorted().joined(separator: ", "))")
    }

    @Test func `the daemon knows no HTTP and the front knows no pool`() throws {
        for file in try SourceFile.all(below: "Sources/Supervisor") {
            #expect(file.imports.isDisjoint(with: ["HTTPFraming", "AppTransport"]), "\(file.path)")
        }
        for file in try SourceFile.all(below: "Sources/FrontProxy") {
            #expect(file.imports.isDisjoint(with: ["ApplicationPool", "SpawnPlan", "Supervisor"]), "\(file.path)")
        }
    }

    @Test func `only LinuxSystem imports Glibc and the C targets, tests included`() throws {
        for file in try SourceFile.all(below: "Sources") + SourceFile.all(below: "Tests")
        where file.target != "LinuxSystem" && file.target != "LinuxSystemTests" {
            #expect(
                file.imports.isDisjoint(with: ["Glibc", "CFlyingPassenger", "CIdentity", "CSystemd"]),
                "\(file.path)"
            )
        }
    }

    /// Words between quotes of the manifest's entry of a target.
    private static func dependencies(of target: String) throws -> Set<String> {
        let manifest = try Repository.text("Package.swift")
        for opening in ["library(\"", "library(\n            \"", "program(\"", "program(\n            \""] {
            let pieces = manifest.split(
                separator: "\(opening)\(target)\"",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            guard pieces.count == 2 else { continue }
            // An entry ends where the next begins; none of them holds another call.
            let entry = Self.entry(pieces[1])
            return Set(
                entry.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
                    .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            )
        }
        Issue.record("\(target) is not in Package.swift")
        return []
    }

    private static func entry(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }
}
