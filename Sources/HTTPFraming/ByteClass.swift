// SPDX-License-Identifier: MIT

/// Byte tests and searches of the head parsers: no lookup outside the registers, eight bytes at a time where possible.
package enum ByteClass {
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3A
    static let comma: UInt8 = 0x2C

    // The 256-entry table of token characters (RFC 9110 §5.6.2), one bit each; the upper half is empty.
    private static let tokensBelow64: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokensBelow128: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    package static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return (Self.tokensBelow64 &>> UInt64(byte)) & 1 == 1 }
        return byte < 128 && (Self.tokensBelow128 &>> UInt64(byte &- 64)) & 1 == 1
    }

    // Letters, digits and the dash, likewise.
    private static let plainBelow64: UInt64 = 0x03FF_2000_0000_0000
    private static let plainBelow128: UInt64 = 0x07FF_FFFE_07FF_FFFE

    /// Whether a header name with this byte means the same to all who read it, CGI variables included.
    @inline(__always)
    package static func isPlainName(_ byte: UInt8) -> Bool {
        if byte < 64 { return (Self.plainBelow64 &>> UInt64(byte)) & 1 == 1 }
        return byte < 128 && (Self.plainBelow128 &>> UInt64(byte &- 64)) & 1 == 1
    }

    @inline(__always)
    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// Whether it may be in a field's value: visible, a blank, or above ASCII.
    @inline(__always)
    static func isText(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == Self.tab }

    /// The value of a hexadecimal digit, else nil.
    @inline(__always)
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let lower = byte | 0x20
        return lower &- 0x61 < 6 ? lower &- 0x61 &+ 10 : nil
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// Index of the first byte below 0x20 or equal to 0x7F in `from ..< bytes.count`, else `bytes.count`.
    ///
    /// Finds the end of a field line and validates it in the same pass: what is left may only be tab or CR LF.
    @inline(__always)
    static func firstControl(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        let end = bytes.count
        while index &+ 8 <= end {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let delete = word ^ (Self.ones &* 0x7F)
            let found = ((word &- Self.ones &* 0x20) & ~word | (delete &- Self.ones) & ~delete) & Self.tops
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < end {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x7F { return index }
            index &+= 1
        }
        return end
    }

    /// Index of the first `byte` in `from ..< bytes.count`, else nil.
    package static func firstIndex(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        let end = bytes.count
        let pattern = Self.ones &* UInt64(byte)
        while index &+ 8 <= end {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ pattern
            let found = (word &- Self.ones) & ~word & Self.tops
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < end {
            if bytes[index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// Whether `bytes[range]` spells `text` without regard to case; `text` is lower-case letters, digits and dashes.
    @inline(__always)
    package static func matches(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let expected = text.utf8Start
        for offset in 0..<range.count where bytes[range.lowerBound &+ offset] | 0x20 != expected[offset] | 0x20 {
            return false
        }
        return true
    }

    /// Whether two names are the same without regard to case.
    package static func isSameName(_ bytes: UnsafeRawBufferPointer, _ one: Range<Int>, _ other: Range<Int>) -> Bool {
        let count = one.count
        guard count == other.count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            let word = bytes.loadUnaligned(fromByteOffset: one.lowerBound &+ offset, as: UInt64.self)
            let otherWord = bytes.loadUnaligned(fromByteOffset: other.lowerBound &+ offset, as: UInt64.self)
            if (word ^ otherWord) & ~(Self.ones &* 0x20) != 0 { return false }
            offset &+= 8
        }
        while offset < count {
            if (bytes[one.lowerBound &+ offset] ^ bytes[other.lowerBound &+ offset]) & 0xDF != 0 { return false }
            offset &+= 1
        }
        return true
    }

    /// A decimal number of digits only, at most 18 of them; nil for anything else.
    package static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 18 else { return nil }
        var value = 0
        for index in range {
            guard Self.isDigit(bytes[index]) else { return nil }
            value = value &* 10 &+ Int(bytes[index] &- 0x30)
        }
        return value
    }

    /// `range` without spaces and tabs at either end.
    @inline(__always)
    package static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, bytes[lower] == Self.space || bytes[lower] == Self.tab { lower &+= 1 }
        while upper > lower, bytes[upper &- 1] == Self.space || bytes[upper &- 1] == Self.tab { upper &-= 1 }
        return lower..<upper
    }

    /// Calls `body` with each element of a comma-separated list (RFC 9110 §5.6.1), trimmed; empty ones only if asked for.
    package static func forEachElement(
        _ bytes: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        emptyOnes: Bool = false,
        _ body: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        for index in range where bytes[index] == Self.comma {
            let element = Self.trimmed(bytes, start..<index)
            if emptyOnes || !element.isEmpty { body(element) }
            start = index + 1
        }
        let element = Self.trimmed(bytes, start..<range.upperBound)
        if emptyOnes || !element.isEmpty { body(element) }
    }
}
