// SPDX-License-Identifier: MIT

import AppTransport
import NIOCore
import Testing

struct BaseURITests {
    struct Case: Sendable, CustomTestStringConvertible {
        var base: String
        var path: String
        /// What is left behind the base URI; nil: the path is not below it.
        var rest: String?
        var testDescription: String { "\(self.base) in \(self.path)" }
    }

    static let cases = [
        Case(base: "", path: "/a%2Fb", rest: "/a%2Fb"),
        Case(base: "/app", path: "/app", rest: ""),
        Case(base: "/app", path: "/app/", rest: "/"),
        Case(base: "/app", path: "/app/a%2Fb", rest: "/a%2Fb"),
        Case(base: "/app", path: "/app%2Fa%2fb", rest: "%2Fa%2fb"),
        Case(base: "/app", path: "%2Fapp/x", rest: nil),
        Case(base: "/app", path: "/%61pp/a%2Fb", rest: "/a%2Fb"),
        Case(base: "/app", path: "/%61%70%70", rest: ""),
        Case(base: "/my app", path: "/my%20app/a%2Fb", rest: "/a%2Fb"),
        Case(base: "/\u{e9}", path: "/%C3%A9/x", rest: "/x"),
        Case(base: "/app", path: "//app/x", rest: "/x"),
        Case(base: "/app", path: "/.//./app//x", rest: "//x"),
        Case(base: "/app", path: "/%2E/app/x", rest: "/x"),
        Case(base: "/app", path: "/x/../app/y", rest: "/y"),
        Case(base: "/app", path: "/../app/y", rest: "/y"),
        Case(base: "/app", path: "/app/../app/y", rest: "/y"),
        Case(base: "/app", path: "/app/x/../y", rest: "/x/../y"),
        Case(base: "/app", path: "/app/x/../../app/y", rest: "/y"),
        Case(base: "/app", path: "/app/..", rest: nil),
        Case(base: "/app", path: "/app/../x", rest: nil),
        Case(base: "/app", path: "/app/%2e%2E/app", rest: ""),
        Case(base: "/app", path: "/apple/x", rest: nil),
        Case(base: "/app", path: "/ap", rest: nil),
        Case(base: "/app", path: "/x/app", rest: nil),
        Case(base: "/app", path: "/app%zz/x", rest: nil),
        Case(base: "/app", path: "*", rest: nil),
        Case(base: "/app", path: "", rest: nil),
        Case(base: "/a/b", path: "/a/b/c", rest: "/c"),
        Case(base: "/a/b", path: "/a%2Fb/c", rest: "/c"),
        Case(base: "/a/b", path: "/a/x/../b/c", rest: "/c"),
        Case(base: "/a/b", path: "/a/b/../b/c", rest: "/c"),
        Case(base: "/a/b", path: "/a/b/../../a/b", rest: ""),
        Case(base: "/a/b", path: "/a/c/b", rest: nil),
        Case(base: "/a/a", path: "/a/a/a/../..", rest: nil),
        Case(base: "/a/a", path: "/a/a/../a/a", rest: "/a"),
        Case(base: "/100%", path: "/100%/x", rest: "/x"),
        Case(base: "/100%", path: "/100%25/x", rest: "/x"),
    ]

    @Test(arguments: Self.cases)
    func `what follows the base URI is found however the client spelled it`(_ example: Case) {
        let rest = Self.end(example.base, example.path).map {
            String(decoding: Array(example.path.utf8)[$0...], as: UTF8.self)
        }
        #expect(rest == example.rest)
    }

    static func end(_ base: String, _ path: String) -> Int? {
        ByteBuffer(string: base).withUnsafeReadableBytes { base in
            ByteBuffer(string: path).withUnsafeReadableBytes { BaseURI.end(of: base, in: $0) }
        }
    }

    static func normal(_ path: some Sequence<UInt8>) -> String {
        var decoded = ByteBuffer()
        _ = ByteBuffer(bytes: path).withUnsafeReadableBytes { PercentDecoding.decode($0, into: &decoded) }
        var normal = ByteBuffer()
        decoded.withUnsafeReadableBytes { PathSegments.normalize($0, into: &normal) }
        return String(buffer: normal)
    }

    @Test func `base URI and rest are together what the whole path means`() {
        var random = SeededRandom(seed: 5)
        let parts = ["/", "/", "/", "%2F", "a", "a", "%61", "b", "%62", ".", "..", "%2e", "%2f"]
        for base in ["/a", "/a/b", "/b/a", "/ab"] {
            var found = 0
            for _ in 0..<5000 {
                let count = Int.random(in: 0...12, using: &random)
                let path = "/" + (0..<count).map { _ in parts.randomElement(using: &random) ?? "/" }.joined()
                let whole = Self.normal(path.utf8)
                let isBelow = whole == base || whole.hasPrefix(base + "/")
                let end = Self.end(base, path)
                #expect((end != nil) == isBelow, "\(base) in \(path)")
                guard let end else { continue }
                found += 1
                let bytes = Array(path.utf8)
                #expect(Self.normal(bytes[..<end]) == base || Self.normal(bytes[..<end]) == base + "/")
                let rest = Self.normal(bytes[end...])
                #expect(rest == "/" ? whole == base || whole == base + "/" : whole == base + rest, "\(base) in \(path)")
            }
            #expect(found > 50)
        }
    }
}
