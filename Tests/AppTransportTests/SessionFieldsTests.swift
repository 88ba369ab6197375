// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

@testable import AppTransport

struct SessionFieldsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var fields: String
        var name: String
        var value: String?
        var testDescription: String { self.fields.debugDescription }
    }

    @Test(arguments: [
        Case(fields: "Cookie: a=1|Cookie: b=2|cookie: c=3", name: "HTTP_COOKIE", value: "a=1; b=2; c=3"),
        Case(fields: "Accept: a|X: y|ACCEPT: b", name: "HTTP_ACCEPT", value: "a, b"),
        Case(fields: "X-One: 1|x-oNE: 2|X-Two: 3", name: "HTTP_X_ONE", value: "1, 2"),
        Case(fields: "X-One: |X-One: 2", name: "HTTP_X_ONE", value: ", 2"),
        Case(fields: "X-One: 1|X_One: evil", name: "HTTP_X_ONE", value: "1"),
        Case(fields: "Content-Type: a/b|Content-Type: c/d", name: "CONTENT_TYPE", value: "a/b, c/d"),
        Case(fields: "If-None-Match: \"a\"|If-None-Match: \"b\"", name: "HTTP_IF_NONE_MATCH", value: "\"a\", \"b\""),
        Case(fields: "Proxy: a|Proxy: b", name: "HTTP_PROXY", value: nil),
        Case(fields: "TE: a|TE: b", name: "HTTP_TE", value: nil),
        Case(fields: "Keep-Alive: a|Keep-Alive: b", name: "HTTP_KEEP_ALIVE", value: nil),
        Case(fields: "Connection: x-hop|X-Hop: a|x-hop: b", name: "HTTP_X_HOP", value: nil),
        Case(fields: "Expect: a|Expect: b", name: "HTTP_EXPECT", value: nil),
    ])
    func `fields of one name become one variable`(_ example: Case) throws {
        let lines = example.fields.split(separator: "|").joined(separator: "\r\n")
        let variables = try RequestEncoderTests.variables("GET /x HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n")
        #expect(variables[example.name] == example.value)
    }

    @Test func `any mixture of names gives each name once, with all its values in their order`() throws {
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            var lines = ""
            var expected: [String: String] = [:]
            for number in 0..<Int.random(in: 0...40, using: &random) {
                // Few letters and lengths, so that many names share their bit and are told apart all the same.
                let name = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    ["a", "B", "b", "-", "1"].randomElement(using: &random) ?? "a"
                }.joined()
                let variable =
                    "HTTP_"
                    + name.uppercased().split(separator: "-", omittingEmptySubsequences: false)
                    .joined(separator: "_")
                lines += "\(name): \(number)\r\n"
                expected[variable] = expected[variable].map { "\($0), \(number)" } ?? "\(number)"
            }
            let variables = try RequestEncoderTests.variables("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
            for (name, value) in expected { #expect(variables[name] == value, "\(lines)") }
        }
    }

    @Test func `names that are much alike are told apart with few comparisons`() {
        let names = (0..<1_000).map { $0 % 900 }
        var comparisons = 0
        let same = SameNames(count: names.count) { one, other in
            comparisons += 1
            return names[one] - names[other]
        }
        #expect(comparisons < 25_000)
        for index in names.indices {
            #expect(same.isFirst(index) == (index < 900))
            #expect(same.next(after: index) == (index < 100 ? index + 900 : nil))
        }
    }

    @Test func `many long names are joined like few`() throws {
        let lines = (0..<300).map { "X-\(String(repeating: "a", count: 100))-\($0 % 200): \($0)\r\n" }.joined()
        let variables = try RequestEncoderTests.variables(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\nX-HOP: 1\r\n\(lines)\r\n"
        )
        let prefix = "HTTP_X_\(String(repeating: "A", count: 100))_"
        #expect(variables[prefix + "7"] == "7, 207" && variables[prefix + "107"] == "107")
        #expect(variables["HTTP_X_HOP"] == nil)
    }
}

struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        // SplitMix64.
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
