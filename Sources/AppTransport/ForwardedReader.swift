// SPDX-License-Identifier: MIT

import HTTPFraming

/// Reads what a trusted peer says about a request's origin; what cannot be read says nothing.
struct ForwardedReader {
    struct Client: Equatable {
        var address: String
        var port: Int?
    }

    /// Trusted proxies that are passed over to find the client; nobody has more one behind the other.
    private static let maxProxies = 64
    /// RFC 7239 has four.
    private static let maxParameters = 32

    let fields: [HeaderField]
    let bytes: UnsafeRawBufferPointer

    /// The client by the rules; nil if no field names one.
    func client(_ rules: RealIPRules, isTrustedAddress: (String) -> Bool) -> Client? {
        var found: Client?
        for element in elements(rules.field).reversed().prefix(Self.maxProxies) {
            let address = rules.field == .forwarded ? forwardedValue("for", in: element) : element
            // Behind something unreadable nothing can be believed.
            guard let range = address, let client = client(range) else { return found }
            found = client
            guard rules.isRecursive, isTrustedAddress(client.address) else { return found }
        }
        return found
    }

    /// The scheme at the client's end; nil if no field tells.
    func isTLS(_ rules: RealIPRules) -> Bool? {
        let inForwarded = elements(.forwarded).last.flatMap { forwardedValue("proto", in: $0) }.flatMap(scheme)
        if rules.field == .forwarded, let inForwarded { return inForwarded }
        return list { $0.known == .forwardedProto }.last.flatMap(scheme) ?? inForwarded
    }

    private func elements(_ field: RealIPRules.Field) -> [Range<Int>] {
        switch field {
        case .usual:
            let all = list { $0.known == .forwardedFor }
            return all.isEmpty ? list { $0.known == .realIP } : all
        case .realIP: return list { $0.known == .realIP }
        case .forwardedFor: return list { $0.known == .forwardedFor }
        case .forwarded: return list { $0.known == .forwarded }
        case .other(let name): return list { $0.hasName(name, bytes) }
        }
    }

    /// The elements of all fields that `isMeant` picks, in their order.
    private func list(_ isMeant: (HeaderField) -> Bool) -> [Range<Int>] {
        var elements: [Range<Int>] = []
        for field in fields where isMeant(field) {
            ByteClass.forEachElement(bytes, field.value) { elements.append($0) }
        }
        return elements
    }

    private func scheme(_ range: Range<Int>) -> Bool? {
        if ByteClass.matches(bytes, range, "https") || ByteClass.matches(bytes, range, "wss") { return true }
        if ByteClass.matches(bytes, range, "http") || ByteClass.matches(bytes, range, "ws") { return false }
        return nil
    }

    /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
    private func client(_ range: Range<Int>) -> Client? {
        if AddressSyntax.isIPv4(bytes, range) || AddressSyntax.isIPv6(bytes, range) {
            return Client(address: text(range))
        }
        guard let first = range.first else { return nil }
        let addressEnd: Int
        let address: Range<Int>
        if bytes[first] == UInt8(ascii: "[") {
            guard let close = range.first(where: { bytes[$0] == UInt8(ascii: "]") }) else { return nil }
            address = first + 1..<close
            addressEnd = close + 1
            guard AddressSyntax.isIPv6(bytes, address) else { return nil }
        } else {
            guard let colon = range.first(where: { bytes[$0] == UInt8(ascii: ":") }) else { return nil }
            address = first..<colon
            addressEnd = colon
            guard AddressSyntax.isIPv4(bytes, address) else { return nil }
        }
        guard addressEnd < range.upperBound else { return Client(address: text(address)) }
        guard bytes[addressEnd] == UInt8(ascii: ":"),
            let port = ByteClass.decimal(bytes, addressEnd + 1..<range.upperBound), port <= 65_535
        else { return nil }
        return Client(address: text(address), port: port)
    }

    /// The value of a parameter of one element of `Forwarded`, without quotes (RFC 7239 §4).
    private func forwardedValue(_ name: StaticString, in element: Range<Int>) -> Range<Int>? {
        var start = element.lowerBound
        var parameters = 0
        while start < element.upperBound {
            parameters += 1
            guard parameters <= Self.maxParameters else { return nil }
            let end = (start..<element.upperBound).first { bytes[$0] == UInt8(ascii: ";") } ?? element.upperBound
            let pair = ByteClass.trimmed(bytes, start..<end)
            if let equals = pair.first(where: { bytes[$0] == UInt8(ascii: "=") }),
                ByteClass.matches(bytes, pair.lowerBound..<equals, name)
            {
                let value = equals + 1..<pair.upperBound
                let isQuoted =
                    value.count >= 2 && bytes[value.lowerBound] == UInt8(ascii: "\"")
                    && bytes[value.upperBound - 1] == UInt8(ascii: "\"")
                return isQuoted ? value.lowerBound + 1..<value.upperBound - 1 : value
            }
            start = end + 1
        }
        return nil
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }
}
