// SPDX-License-Identifier: MIT

import Testing
import TestSupport

@Suite struct StyleTests {
    private static let longestFile = 600

    @Test func `no file is longer than 600 lines`() throws {
        let swift = try SourceFile.all(below: "Sources") + SourceFile.all(below: "Tests")
        for file in swift {
            #expect(file.lines.count <= Self.longestFile + 1, "\(file.path) has \(file.lines.count) lines")
        }
        for path in try Repository.files(below: "Sources") where !path.hasSuffix(".swift") {
            let lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= Self.longestFile + 1, "\(path) has \(lines) lines")
        }
    }

    @Test func `every Swift and C file names its license first`() throws {
        for path in try Repository.files(below: "Sources") + Repository.files(below: "Tests")
        where path.hasSuffix(".swift") || path.hasSuffix(".c") || path.hasSuffix(".h") {
            let first = try Repository.text(path).prefix { $0 != "\n" }
            #expect(
                ["// SPDX-License-Identifier: MIT", "/* SPDX-License-Identifier: MIT */"].contains(first),
                "\(path)"
            )
        }
    }

    @Test func `nothing in Sources forces its luck`() throws {
        for file in try SourceFile.all(below: "Sources") {
            let lines = file.lines(with: ["try!", "as!"])
            #expect(lines.isEmpty, "\(file.path): \(lines)")
        }
    }

    @Test func `nothing is public and nothing is unchecked without a reason`() throws {
        for file in try SourceFile.all(below: "Sources") {
            let open = file.lines(with: ["public "])
            #expect(open.isEmpty, "\(file.path): \(open)")
            for number in file.lines(with: ["@unchecked Sendable", "nonisolated(unsafe)"]) {
                let above = number > 1 ? file.lines[number - 2] : ""
                #expect(above.contains("//"), "\(file.path):\(number) has no comment that says what guards it")
            }
        }
    }

    @Test func `programs are at most 40 lines`() throws {
        for row in LayeringTable.rows where row.kind == .program {
            for file in try SourceFile.all(below: "Sources/\(row.target)") {
                #expect(file.lines.count <= 41, "\(file.path)")
            }
        }
    }
}
