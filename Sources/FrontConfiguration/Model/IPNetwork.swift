// SPDX-License-Identifier: MIT

package import AppSettings

/// Addresses that share their first bits, or all peers on Unix sockets.
package struct IPNetwork: Sendable, Hashable {
    /// 4 or 16 bytes; none for Unix sockets.
    private let address: [UInt8]
    private let prefixBits: Int

    /// All peers on Unix sockets, as nginx spells it.
    package static let unixSockets = "unix:"

    /// `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32`, `::1` or `unix:`; a name is an error, as are bits behind the prefix.
    package init(parsing text: String) throws(ValueError) {
        if text == Self.unixSockets {
            address = []
            prefixBits = 0
            return
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard let first = parts.first, let bytes = Self.bytes(of: first) else {
            throw ValueError("is neither an IP address, a network such as 10.0.0.0/8, nor \"unix:\"")
        }
        var bits = bytes.count * 8
        if parts.count == 2 {
            guard let number = Int(parts[1]), (0...bits).contains(number), parts[1].utf8.allSatisfy({ $0 != 0x2B })
            else {
                throw ValueError("has no prefix length from 0 to \(bits) behind the slash")
            }
            bits = number
        }
        address = bytes
        prefixBits = bits
        guard Self.isZero(bytes, behind: bits) else { throw ValueError("has bits behind its prefix that are not zero") }
    }

    /// What a client counts as: its address, of IPv6 the network of 64 bits, because every client there has all of one.
    ///
    /// What is no address counts with the peers on Unix sockets.
    package init(ofClient text: String) {
        var bytes = Self.bytes(of: text[...]) ?? []
        if bytes.count == 16 { bytes[8...] = ArraySlice(repeating: 0, count: 8) }
        address = bytes
        prefixBits = min(64, bytes.count * 8)
    }

    /// Whether a numeric address (or `unix:`) is one of them; what is no address is in no network.
    package func contains(_ text: String) -> Bool {
        if address.isEmpty { return text == Self.unixSockets }
        guard let other = Self.bytes(of: text[...]), other.count == address.count else { return false }
        let whole = prefixBits / 8
        guard address[..<whole] == other[..<whole] else { return false }
        let rest = prefixBits % 8
        return rest == 0 || (address[whole] ^ other[whole]) >> UInt8(8 - rest) == 0
    }

    private static func isZero(_ bytes: [UInt8], behind bits: Int) -> Bool {
        for bit in bits..<bytes.count * 8 where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { return false }
        return true
    }

    /// The bytes of a numeric address, those of IPv4 in IPv6 as IPv4; nil if it is none.
    private static func bytes(of text: Substring) -> [UInt8]? {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return ipv4(text) }
        guard let bytes = ipv6(text) else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes[12...]) : bytes
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.utf8.count <= 3 ? UInt8(part) : nil
        }
        return numbers.count == 4 ? numbers : nil
    }

    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard let gap = text.range(ofGap: "::") else {
            let bytes = groups(text)
            return bytes?.count == 16 ? bytes : nil
        }
        guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups between colons, the last of which may be an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        for (number, part) in parts.enumerated() {
            if part.contains("."), number == parts.count - 1, let tail = ipv4(part) {
                bytes += tail
                continue
            }
            guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit), let group = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
        }
        return bytes
    }
}

extension Substring {
    /// The first place of a text of two characters.
    fileprivate func range(ofGap gap: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex, let end = self.index(index, offsetBy: 2, limitedBy: endIndex) {
            if self[index..<end] == gap { return index..<end }
            formIndex(after: &index)
        }
        return nil
    }
}
