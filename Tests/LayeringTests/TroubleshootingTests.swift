// SPDX-License-Identifier: MIT

import Testing
import TestSupport

/// What docs/troubleshooting.md quotes is what the programs say: who looks for a message of the log there finds it.
struct TroubleshootingTests {
    @Test func `quoted texts are in the sources`() throws {
        let constants = Array(try Self.constants().utf8)
        let quotes = Self.quotes(in: try Repository.text("docs/troubleshooting.md"))
        #expect(quotes.count > 60, "only \(quotes.count) quotes were found")
        for quote in quotes {
            for part in quote.pieces(between: "…").map(Self.trimmed) where part.utf8.count > 3 {
                #expect(Self.occurs(Array(part.utf8), in: constants), "\"\(quote)\": nothing says \"\(part)\"")
            }
        }
    }

    /// All lines with strings, those that are put together from several lines in one piece.
    private static func constants() throws -> String {
        let suffixes = [".swift", ".c", ".h", ".rb", ".py", ".js"]
        let files = try Repository.files(below: "Sources").filter { name in suffixes.contains { name.hasSuffix($0) } }
        return try files.flatMap { try Repository.text($0).split(separator: "\n") }
            .filter { $0.utf8.contains(UInt8(ascii: "\"")) }
            .joined(separator: "\n")
            .replacing(#/"\s*\+\s*"/#, with: "")
            .replacing("\\\"", with: "\"")
    }

    /// Texts between quotes, outside of code.
    private static func quotes(in document: String) -> [Substring] {
        let prose = document.pieces(between: "```").enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
        let words = prose.joined().pieces(between: "`").enumerated().filter { $0.offset.isMultiple(of: 2) }
        let pieces = words.map(\.element).joined(separator: "`").pieces(between: "\"")
        return pieces.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
    }

    /// Faster by far than a search by characters.
    private static func occurs(_ part: [UInt8], in text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            part.withUnsafeBufferPointer { part in
                guard let first = part.first, text.count >= part.count else { return false }
                for start in 0...(text.count - part.count) where text[start] == first {
                    if text[start..<start + part.count].elementsEqual(part) { return true }
                }
                return false
            }
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
