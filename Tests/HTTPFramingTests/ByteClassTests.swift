// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore
import Testing

struct ByteClassTests {
    @Test func `tokens are exactly those of RFC 9110`() {
        let expected = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(ByteClass.isToken(byte) == expected.contains(byte)) }
    }

    @Test func `the first of several bytes is found at every distance`() {
        for length in 0..<40 {
            for position in 0..<length {
                var bytes = [UInt8](repeating: 0x0B, count: length)
                bytes[position] = 0x0A
                if position + 1 < length { bytes[position + 1] = 0x0A }
                let found = bytes.withUnsafeBytes { ByteClass.firstIndex(of: 0x0A, in: $0, from: 0) }
                #expect(found == position)
            }
        }
    }

    @Test func `decimal numbers are digits only`() {
        for (text, value) in [("0", 0), ("42", 42), ("007", 7), ("999999999999999999", 999_999_999_999_999_999)] {
            #expect(Array(text.utf8).withUnsafeBytes { ByteClass.decimal($0, 0..<$0.count) } == value)
        }
        for text in ["", "-1", "+1", " 1", "1 ", "0x1", "1000000000000000000"] {
            #expect(Array(text.utf8).withUnsafeBytes { ByteClass.decimal($0, 0..<$0.count) } == nil)
        }
    }
}

struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func `dates are written and read`(_ seconds: Int, _ text: String) {
        var buffer = ByteBuffer()
        HTTPDate.write(seconds, into: &buffer)
        #expect(String(buffer: buffer) == text)
        #expect(buffer.withUnsafeReadableBytes { HTTPDate.parse($0) } == seconds)
    }

    @Test(arguments: [
        (Int.min, "Thu, 01 Jan 1970 00:00:00 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (10_413_792_000, "Mon, 01 Jan 2300 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"), (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func `a moment that cannot be written is written as the nearest one`(_ seconds: Int, _ text: String) {
        var buffer = ByteBuffer()
        HTTPDate.write(seconds, into: &buffer)
        #expect(String(buffer: buffer) == text)
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
    ])
    func `other texts are no dates`(_ text: String) {
        #expect(ByteBuffer(string: text).withUnsafeReadableBytes { HTTPDate.parse($0) } == nil)
    }
}

struct HeadWriterTests {
    @Test func `what does not fit is left out and reported`() {
        var buffer = ByteBuffer(string: "x")
        let fits = buffer.writeHead(bound: 4) { $0.write("1234") }
        #expect(fits && String(buffer: buffer) == "x1234")
        var small = ByteBufferAllocator().buffer(capacity: 4)
        let tooMuch = small.writeHead(bound: 4) { writer in
            for _ in 0..<5000 { writer.write("abcd") }
        }
        #expect(!tooMuch && small.readableBytes == 0)
    }

    @Test(arguments: [0, 9, 10, 4711, -1, -90, Int.max])
    func `numbers are written in full`(_ number: Int) {
        var buffer = ByteBuffer()
        let fits = buffer.writeHead(bound: 32) { $0.writeDecimal(number) }
        #expect(fits)
        #expect(String(buffer: buffer) == String(number))
    }
}
