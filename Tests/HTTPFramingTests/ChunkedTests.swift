// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

struct ChunkedTests {
    @Test func `what the encoder writes the decoder reads, however it is cut`() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<30 {
            var encoded = ByteBuffer()
            var payload: [UInt8] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let chunk = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                ChunkedEncoder.writeChunk(ByteBuffer(bytes: chunk), into: &encoded)
                payload += chunk
            }
            ChunkedEncoder.writeEnd(into: &encoded)
            let bytes = Array(encoded.readableBytesView)
            for cut in 0...bytes.count {
                var decoder = ChunkedDecoder()
                var output = ByteBuffer()
                var first = ByteBuffer(bytes: bytes[..<cut])
                let early = decoder.decode(&first, into: &output)
                #expect(early == (cut == bytes.count ? .finished : .needMore) && first.readableBytes == 0)
                var second = ByteBuffer(bytes: bytes[cut...] + [1, 2])
                #expect(decoder.decode(&second, into: &output) == .finished)
                #expect(second.readableBytes == 2)
                #expect(Array(output.readableBytesView) == payload)
            }
        }
    }

    @Test(arguments: [1, 15, 16, 17, 255, 256, 4095, 4096, 65_536, 1_048_577])
    func `a size is written without leading zeros`(_ size: Int) {
        var buffer = ByteBuffer()
        ChunkedEncoder.writeSize(size, into: &buffer)
        #expect(String(buffer: buffer) == String(size, radix: 16) + "\r\n")
    }

    @Test func `scanning tells how many bytes belong to the body`() {
        var decoder = ChunkedDecoder()
        let first = decoder.scan(ByteBuffer(string: "3\r\nab"))
        #expect(first.outcome == .needMore && first.length == 5 && first.payload == 2)
        let second = decoder.scan(ByteBuffer(string: "c\r\n0\r\n\r\nHTTP"))
        #expect(second.outcome == .finished && second.length == 8 && second.payload == 1)
    }

    @Test func `trailers and size lines have limits`() {
        var decoder = ChunkedDecoder()
        var output = ByteBuffer()
        var input = ByteBuffer(string: "0\r\n" + String(repeating: "A: b\r\n", count: 5000))
        #expect(decoder.decode(&input, into: &output) == .failed(.trailersTooLarge))
        var other = ChunkedDecoder()
        var line = ByteBuffer(string: "1;" + String(repeating: "a", count: 5000))
        #expect(other.decode(&line, into: &output) == .failed(.malformedChunk))
        var again = ByteBuffer(string: "0\r\n\r\n")
        #expect(other.decode(&again, into: &output) == .failed(.malformedChunk))
    }

    @Test(arguments: [
        (";a", true), (";a=b", true), (";a=\"b\"", true), (" ;a", true), ("\t ; a", true), (";a = b", true),
        (";a ;b", true),
        (";a;b;c=d", true), (";a=\"\"", true), (";a=\"\\\"\"", true), (";a=\";\"", true), (";a=\"b\" ;c", true),
        (";a=\"\t\"", true),
        ("", true), (" ", false), (";", false), ("; ", false), (";a ", false), (";a=", false), (";a= ", false),
        (";a=b ", false),
        (";a=\"", false), (";a=\"b\"c", false), (";a=\"b\" ", false), (";a=\"\\\"", false), (";a b", false),
        (";=b", false),
        (";a==b", false), (";a=b=c", false), (";;", false), (";a=b\"", false), (";a,b", false), (";(", false),
        ("=a", false),
        (";a=\"\u{1}\"", false), (";a=\"\\\u{1}\"", false), ("a", false), (";a=\u{1}", false),
    ])
    func `extensions of a chunk are what the grammar allows`(_ text: String, _ isValid: Bool) {
        var decoder = ChunkedDecoder()
        var output = ByteBuffer()
        var input = ByteBuffer(string: "1\(text)\r\nx\r\n0\r\n\r\n")
        #expect((decoder.decode(&input, into: &output) == .finished) == isValid)
    }

    @Test func `extensions of many chunks count together`() {
        let chunk = "1;a=\(String(repeating: "b", count: 100))\r\nx\r\n"
        var output = ByteBuffer()
        for (count, isFine) in [(100, true), (200, false)] {
            var decoder = ChunkedDecoder()
            var input = ByteBuffer(string: String(repeating: chunk, count: count) + "0\r\n\r\n")
            #expect((decoder.decode(&input, into: &output) == .finished) == isFine)
        }
    }
}
