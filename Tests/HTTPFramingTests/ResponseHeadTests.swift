// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

struct ResponseHeadTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var status: Int
        var body: BodyLength
        var toHead = false
        var reusable = true
        var testDescription: String { self.text.debugDescription }
    }

    static let valid = [
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", status: 200, body: .bytes(3)),
        Case(text: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", status: 200, body: .none),
        Case(text: "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", status: 200, body: .bytes(1)),
        Case(text: "HTTP/1.1 404 Not\tFound \u{e4}\r\nTransfer-Encoding: chunked\r\n\r\n", status: 404, body: .chunked),
        Case(text: "HTTP/1.1 200 OK\r\n\r\n", status: 200, body: .untilClose, reusable: false),
        Case(text: "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", status: 200, body: .bytes(3), reusable: false),
        Case(
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n",
            status: 200,
            body: .bytes(3)
        ),
        Case(
            text: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
            status: 200,
            body: .bytes(3),
            reusable: false
        ),
        Case(
            text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
            status: 200,
            body: .chunked,
            reusable: false
        ),
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", status: 200, body: .none, toHead: true),
        Case(text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: .none),
        Case(text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", status: 304, body: .none),
        Case(text: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", status: 103, body: .none),
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", status: 200, body: .bytes(3)),
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", status: 200, body: .bytes(3)),
        Case(text: "HTTP/1.1 200 OK\r\nX_Odd: kept\r\nContent-Length: 0\r\n\r\n", status: 200, body: .none),
        // Chunks of an HTTP/1.0 app are read, but its stream is not used again (RFC 9112 §6.1).
        Case(
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            status: 200,
            body: .chunked,
            reusable: false
        ),
        // No body can follow; an app that announces one may send it all the same (RFC 9112 §6.3).
        Case(text: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status: 204, body: .none),
        Case(text: "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", status: 204, body: .none, reusable: false),
        Case(text: "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", status: 204, body: .none, reusable: false),
        Case(text: "HTTP/1.1 103 E\r\nContent-Length: 3\r\n\r\n", status: 103, body: .none, reusable: false),
        Case(text: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", status: 304, body: .none),
        Case(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", status: 200, body: .none, toHead: true),
        Case(text: "HTTP/1.1 200 OK\r\n\r\n", status: 200, body: .none, toHead: true),
        Case(text: "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", status: 999, body: .none),
    ]

    @Test(arguments: Self.valid)
    func `a valid head is read, however it is cut`(_ example: Case) {
        let bytes = Array(example.text.utf8)
        for cut in bytes.indices {
            var head = ResponseHead()
            if cut > 0 {
                #expect(head.advance(over: ByteBuffer(bytes: bytes[..<cut]), toHead: example.toHead) == .needMore)
            }
            #expect(head.advance(over: ByteBuffer(bytes: bytes + [65]), toHead: example.toHead) == .complete)
            #expect(head.status == example.status && head.body == example.body && head.byteCount == bytes.count)
            #expect(head.allowsReuse == example.reusable)
        }
    }

    @Test(arguments: [
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "Status: 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\u{0}K\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked,\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.1 200 O\u{1B}K\r\n\r\n", "ICY 200 OK\r\n\r\n", "<html>\r\n\r\n",
    ])
    func `a malformed head is refused, however it is cut`(_ text: String) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var head = ResponseHead()
            let first = head.advance(over: ByteBuffer(bytes: bytes[..<cut]), toHead: false)
            if case .failed = first { continue }
            let second = head.advance(over: ByteBuffer(bytes: bytes), toHead: false)
            guard case .failed = second else {
                Issue.record("cut at \(cut): \(second)")
                continue
            }
        }
    }

    @Test func `random bytes never trap`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            var head = ResponseHead()
            var bytes = Array(Self.valid.randomElement(using: &random)?.text.utf8 ?? "".utf8)
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            for end in stride(from: 0, through: bytes.count, by: 5) {
                if case .needMore = head.advance(over: ByteBuffer(bytes: bytes[..<end]), toHead: false) { continue }
                break
            }
        }
    }
}
