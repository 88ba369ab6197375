// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore
import Testing

struct ResponseTests {
    /// Head and body as the client gets them.
    static func relay(
        _ app: String,
        version: RequestHead.Version = .http11,
        keepsAlive: Bool = true,
        toHead: Bool = false,
        ending: Bool = false
    ) throws -> String {
        var head = ResponseHead()
        var bytes = ByteBuffer(string: app)
        #expect(head.advance(over: bytes, toHead: toHead) == .complete)
        let framing = ClientFraming(head.body, clientVersion: version)
        let options = ResponseHeadEncoder.Options(
            date: ByteBuffer(string: "DATE"),
            productLines: ByteBuffer(string: "Server: S\r\n"),
            keepsAlive: keepsAlive,
            clientVersion: version
        )
        var output = ByteBuffer()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encode(head, raw, framing: framing, options: options, into: &output)
        }
        try #require(isEncoded)
        bytes.moveReaderIndex(forwardBy: head.byteCount)
        var relay = BodyRelay(head.body, framing: framing)
        // Byte by byte gives the same payload as at once; the framing of made chunks differs, so at once here.
        let piece = relay.advance(bytes)
        output.writeImmutableBuffer(piece.output)
        if ending, let end = relay.inputEnded() { output.writeImmutableBuffer(end) }
        return String(buffer: output)
    }

    @Test func `a head is edited by runs`() throws {
        let text = try Self.relay(
            "HTTP/1.1 200 Fine\r\nX-A: 1\r\nServer: app\r\nX-B: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 3\r\n"
                + "Status: 200\r\nKeep-Alive: t\r\nContent-Length: 2\r\nX-Passenger-Request-OOB-Work: 1\r\n!~I: 1\r\n"
                + "Set-Cookie: a\r\nSet-Cookie: b\r\n\r\nok"
        )
        #expect(
            text == "HTTP/1.1 200 Fine\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                + "Date: DATE\r\nStatus: 200 Fine\r\nServer: S\r\n\r\nok"
        )
    }

    @Test func `an app's date is kept`() throws {
        let text = try Self.relay("HTTP/1.1 204 No Content\r\nDate: theirs\r\nContent-Length: 0\r\n\r\n")
        #expect(text.contains("Date: theirs") && !text.contains("DATE") && !text.contains("Content-Length"))
    }

    @Test func `framing follows what the client understands`() throws {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        let open = "HTTP/1.1 200 OK\r\n\r\nok"
        #expect(try Self.relay(chunked).hasSuffix("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
        #expect(try Self.relay(chunked, version: .http10, keepsAlive: false).hasSuffix("Connection: close\r\n\r\nok"))
        #expect(try Self.relay(open, ending: true).hasSuffix("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
        #expect(try Self.relay(open, version: .http10, keepsAlive: false, ending: true).hasSuffix("close\r\n\r\nok"))
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        #expect(try Self.relay(sized, version: .http10).hasSuffix("Connection: keep-alive\r\n\r\nok"))
        #expect(
            try Self.relay("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", toHead: true).contains("Content-Length: 2")
        )
    }

    @Test(arguments: ["chunksPassed", "unwrapped", "bytes"])
    func `a body is relayed whole, however it comes`(_ kind: String) {
        let isChunked = kind != "bytes"
        let input = Array((isChunked ? "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n" : "abc0123456789").utf8)
        let framing: ClientFraming =
            kind == "chunksPassed" ? .chunksPassed : isChunked ? .unwrappedUntilClose : .bytes(13)
        let expected = kind == "chunksPassed" ? String(decoding: input, as: UTF8.self) : "abc0123456789"
        for cut in 0...input.count {
            var relay = BodyRelay(isChunked ? .chunked : .bytes(13), framing: framing)
            let first = relay.advance(ByteBuffer(bytes: input[..<cut]))
            let second = relay.advance(ByteBuffer(bytes: input[cut...] + [88]))
            #expect(String(buffer: first.output) + String(buffer: second.output) == expected)
            #expect(first.payload + second.payload == 13)
            #expect(second.progress == .complete && second.hasExcess && relay.isComplete)
        }
    }

    @Test func `a body that breaks off is not complete`() {
        var sized = BodyRelay(.bytes(3), framing: .bytes(3))
        #expect(sized.advance(ByteBuffer(string: "ab")).progress == .more)
        #expect(sized.inputEnded() == nil)
        var broken = BodyRelay(.chunked, framing: .chunksPassed)
        #expect(broken.advance(ByteBuffer(string: "x")).progress == .failed(.malformedChunk))
        #expect(broken.inputEnded() == nil)
    }

    @Test(arguments: ["X-Passenger-Request-OOB-Work: true", "!~Request-OOB-Work: true"])
    func `out-of-band work is asked for in either spelling`(_ field: String) {
        var head = ResponseHead()
        let bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\n\(field)\r\n\r\n")
        #expect(head.advance(over: bytes, toHead: false) == .complete)
        #expect(bytes.withUnsafeReadableBytes { head.requestsOutOfBandWork($0) })
    }
}
