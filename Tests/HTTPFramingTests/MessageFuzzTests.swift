// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import TestSupport
import Testing

/// Changed fixtures: whatever the bytes are, they mean the same whole as in pieces, and nothing traps.
struct MessageFuzzTests {
    static let corpus = (Fixture.valid + Fixture.invalid).map(\.bytes).filter { $0.count < 2048 }
    /// What readers of HTTP differ about, to be put anywhere.
    static let pieces: [[UInt8]] = [
        "\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "chunked", "chunked,", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\n", "Content-Length: 3, 3\r\n", "Host: [::1]\r\n", "0\r\n\r\n", "1;a=\"b\"\r\n",
        "GET / HTTP/1.1\r\n",
        "Connection: close, upgrade\r\n", "Upgrade: x\r\n", "Expect: 100-continue\r\n", "HTTP/1.0", "\u{0B}",
        "X_Y: 1\r\n", "%",
    ].map { Array($0.utf8) }

    static func change(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: place)
            case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2 where place < bytes.count: bytes.remove(at: place)
            case 3:
                let end = Int.random(in: place...bytes.count, using: &random)
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0...8, using: &random)))
            }
        }
    }

    @Test(arguments: Searching.seeds(6, of: 16))
    func `changed requests mean the same whole, byte by byte and in random pieces`(seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 100)
        for _ in 0..<250 {
            var bytes = Self.corpus.randomElement(using: &random) ?? []
            Self.change(&bytes, &random)
            // A line that came in part is looked at again when its end is there.
            bytes += Array("\r\n\r\n".utf8)
            let whole = RequestReader.read([bytes[...]])
            var cuts = [bytes.indices.map { bytes[$0...$0] }]
            var places = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            places = [0] + places + [bytes.count]
            cuts.append(zip(places, places.dropFirst()).map { bytes[$0..<$1] })
            for pieces in cuts {
                let reader = RequestReader.read(pieces)
                let isSame = reader.requests == whole.requests && reader.error == whole.error
                #expect(isSame, "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                if !isSame { return }
            }
        }
    }

    @Test(arguments: Searching.seeds(4, of: 8))
    func `changed chunked bodies decode the same whole as in pieces, and scanning agrees`(seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 200)
        for _ in 0..<400 {
            var bytes = Array("4;a=\"b\"\r\nwxyz\r\nA ; c\r\n0123456789\r\n0\r\nT: u\r\n\r\nrest".utf8)
            Self.change(&bytes, &random)
            var decoder = ChunkedDecoder()
            var input = ByteBuffer(bytes: bytes)
            var output = ByteBuffer()
            let outcome = decoder.decode(&input, into: &output)
            var scanner = ChunkedDecoder()
            let scanned = scanner.scan(ByteBuffer(bytes: bytes))
            #expect(scanned.outcome == outcome && scanned.payload == output.readableBytes)
            #expect(scanned.length == bytes.count - input.readableBytes)
            var slow = ChunkedDecoder()
            var slowOutput = ByteBuffer()
            var slowOutcome = ChunkedDecoder.Outcome.needMore
            for byte in bytes where slowOutcome == .needMore {
                var one = ByteBuffer(bytes: [byte])
                slowOutcome = slow.decode(&one, into: &slowOutput)
            }
            #expect(slowOutcome == outcome && slowOutput == output, "seed \(seed)")
        }
    }

    @Test(arguments: Searching.seeds(4, of: 8))
    func `changed heads of answers mean the same whole as in pieces`(seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 300)
        for _ in 0..<300 {
            var bytes = Array(ResponseHeadTests.valid.randomElement(using: &random)?.text.utf8 ?? "".utf8)
            Self.change(&bytes, &random)
            bytes += Array("\r\n\r\n".utf8)
            var whole = ResponseHead()
            let result = whole.advance(over: ByteBuffer(bytes: bytes), toHead: false)
            var head = ResponseHead()
            var last = ResponseHead.Progress.needMore
            for end in 0...bytes.count where last == .needMore {
                last = head.advance(over: ByteBuffer(bytes: bytes[..<end]), toHead: false)
            }
            let isSame = last == result && head.status == whole.status && head.fields == whole.fields
            #expect(isSame, "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            if result == .complete { #expect(head.body == whole.body && head.allowsReuse == whole.allowsReuse) }
        }
    }
}
