// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

struct RequestHeadTests {
    @Test(arguments: Fixture.valid)
    func `a valid message gives its requests, however it is cut`(_ fixture: Fixture) {
        for pieces in Self.cuts(fixture.bytes) {
            let reader = RequestReader.read(pieces)
            #expect(reader.error == nil)
            let same = reader.requests == fixture.expected.requests
            #expect(same, "\(pieces.map(\.count)): \(reader.requests)")
            if !same { return }
        }
    }

    @Test(arguments: Fixture.invalid)
    func `an invalid message is refused with its status, however it is cut`(_ fixture: Fixture) {
        for pieces in Self.cuts(fixture.bytes) {
            let status = RequestReader.read(pieces).error?.status
            #expect(status == fixture.expected.status, "\(pieces.map(\.count))")
            if status != fixture.expected.status { return }
        }
    }

    /// Whole, byte by byte, and in two at every position; long ones in a few pieces only.
    static func cuts(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        guard bytes.count < 4096 else {
            let steps = stride(from: 0, to: bytes.count, by: 1400)
            return [[bytes[...]], steps.map { bytes[$0..<min($0 + 1400, bytes.count)] }]
        }
        var cuts = [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
        for cut in bytes.indices.dropFirst() { cuts.append([bytes[..<cut], bytes[cut...]]) }
        return cuts
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `random bytes and random changes of valid ones never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let noise = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = RequestReader.read([noise[...]])
            var bytes = Fixture.valid.randomElement(using: &random)?.bytes ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            _ = RequestReader.read([bytes[..<cut], bytes[cut...]])
        }
    }

    @Test(arguments: [("websocket", true), ("h2c", false), ("websocket, h2c", false), ("h2c , x", false), ("", false)])
    func `an upgrade is one if HTTP 2 is not among what is offered`(_ offer: String, _ isWanted: Bool) {
        var head = RequestHead()
        let text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: \(offer)\r\n\r\n"
        #expect(head.advance(over: ByteBuffer(string: text)) == .complete)
        #expect(head.wantsUpgrade == isWanted)
    }

    @Test(arguments: [(32, true), (33, false)])
    func `a head nominates few fields only`(_ count: Int, _ isAccepted: Bool) {
        let names = (0..<count).map { "X-\($0)" }
        let inOneField = "Connection: close, close, " + names.joined(separator: ",") + "\r\n"
        let inMany = names.map { "Connection: keep-alive, \($0)\r\n" }.joined()
        for lines in [inOneField, inMany] {
            var request = RequestHead()
            let asked = request.advance(over: ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"))
            var response = ResponseHead()
            let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(lines)\r\n")
            let answered = response.advance(over: answer, toHead: false)
            if isAccepted {
                #expect(asked == .complete && answered == .complete)
                #expect(request.nominatedNames.count == count && response.nominatedNames.count == count)
            } else {
                #expect(asked == .failed(.tooManyConnectionOptions))
                #expect(answered == .failed(.tooManyConnectionOptions))
            }
            request.reset()
            #expect(request.nominatedNames.isEmpty)
        }
        #expect(FramingError.tooManyConnectionOptions.status == 400)
    }

    @Test func `well-known fields are recognised in any case`() throws {
        var head = RequestHead()
        let text =
            "GET / HTTP/1.1\r\nHOST: a\r\nx-Forwarded-FOR: b\r\nif-none-match: c\r\n!~secret: d\r\nX-Other: e\r\n\r\n"
        #expect(head.advance(over: ByteBuffer(string: text)) == .complete)
        #expect(head.fields.map(\.known) == [.host, .forwardedFor, .ifNoneMatch, .internalName, .other])
        let other = try #require(head.fields.last)
        #expect(Array(text.utf8)[other.line].elementsEqual("X-Other: e\r\n".utf8))
    }

    @Test func `a reset head parses the next request as if it were new`() {
        var head = RequestHead()
        let first = "POST /?q HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"
        #expect(head.advance(over: ByteBuffer(string: first)) == .complete)
        head.reset()
        #expect(head.advance(over: ByteBuffer(string: "GET /a HTTP/1.1\r\nHost: x\r\n\r\n")) == .complete)
        #expect(head.body == .none && head.query == nil && head.method == .get && head.fields.count == 1)
        #expect(!head.connection.keepAlive)
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
