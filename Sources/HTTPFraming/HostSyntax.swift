// SPDX-License-Identifier: MIT

/// The syntax of `Host`: `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2 and §3.2.3).
///
/// Stricter than that where a reader downstream could take it for another host: no commas (two `Host` fields that somebody
/// joined), no port without a name, no addresses of future versions or with zones.
package enum HostSyntax {
    /// Whether `bytes[range]` is a host; an empty one is, for targets without authority.
    package static func isValid(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard let first = range.first else { return true }
        let nameEnd: Int?
        if bytes[first] == UInt8(ascii: "[") {
            nameEnd = Self.endOfLiteral(bytes, range)
        } else {
            nameEnd = Self.endOfName(bytes, range)
        }
        guard let nameEnd, nameEnd > range.lowerBound else { return false }
        guard nameEnd < range.upperBound else { return true }
        return bytes[nameEnd] == ByteClass.colon && Self.isPort(bytes, nameEnd + 1..<range.upperBound)
    }

    /// Behind the closing bracket of an IPv6 address; nil if it is none.
    private static func endOfLiteral(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard let close = range.first(where: { bytes[$0] == UInt8(ascii: "]") }) else { return nil }
        return AddressSyntax.isIPv6(bytes, range.lowerBound + 1..<close) ? close + 1 : nil
    }

    /// Behind a registered name or IPv4 address; nil if an escape in it is broken.
    private static func endOfName(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            if Self.isNameByte(bytes[index]) {
                index += 1
            } else if bytes[index] == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, ByteClass.hexValue(bytes[index + 1]) != nil,
                    ByteClass.hexValue(bytes[index + 2]) != nil
                else { return nil }
                index += 3
            } else {
                return index
            }
        }
        return index
    }

    /// Unreserved characters and those sub-delimiters that nobody splits at.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        if ByteClass.isPlainName(byte) { return true }
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "$"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: "="):
            return true
        default: return false
        }
    }

    /// May be empty, as in `a.example:`.
    private static func isPort(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        if range.isEmpty { return true }
        guard let port = ByteClass.decimal(bytes, range) else { return false }
        return port <= 65_535
    }
}

/// The syntax of numeric addresses (RFC 3986 §3.2.2).
package enum AddressSyntax {
    /// Four decimal numbers without leading zeros.
    package static func isIPv4(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var numbers = 0
        var start = range.lowerBound
        while true {
            var end = start
            while end < range.upperBound, ByteClass.isDigit(bytes[end]) { end += 1 }
            guard end - start <= 3, let number = ByteClass.decimal(bytes, start..<end), number <= 255,
                end - start == 1 || bytes[start] != UInt8(ascii: "0")
            else { return false }
            numbers += 1
            if end == range.upperBound { return numbers == 4 }
            guard numbers < 4, bytes[end] == UInt8(ascii: ".") else { return false }
            start = end + 1
        }
    }

    /// Eight groups of up to four hexadecimal digits, without brackets and zone.
    ///
    /// One `::` stands for one group of zeros or more, the last two groups may be an IPv4 address.
    package static func isIPv6(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var groups = 0
        var isShortened = false
        var index = range.lowerBound
        if range.count >= 2, bytes[index] == ByteClass.colon {
            guard bytes[index + 1] == ByteClass.colon else { return false }
            isShortened = true
            index += 2
            if index == range.upperBound { return true }
        }
        while true {
            let start = index
            while index < range.upperBound, ByteClass.hexValue(bytes[index]) != nil { index += 1 }
            if index < range.upperBound, bytes[index] == UInt8(ascii: ".") {
                guard Self.isIPv4(bytes, start..<range.upperBound) else { return false }
                return Self.isComplete(groups + 2, isShortened)
            }
            guard index > start, index - start <= 4 else { return false }
            groups += 1
            if index == range.upperBound { return Self.isComplete(groups, isShortened) }
            guard bytes[index] == ByteClass.colon else { return false }
            index += 1
            guard index < range.upperBound else { return false }
            guard bytes[index] == ByteClass.colon else { continue }
            guard !isShortened else { return false }
            isShortened = true
            index += 1
            if index == range.upperBound { return Self.isComplete(groups, isShortened) }
        }
    }

    private static func isComplete(_ groups: Int, _ isShortened: Bool) -> Bool {
        isShortened ? groups <= 7 : groups == 8
    }
}
