// SPDX-License-Identifier: MIT

import HTTPFraming

/// The fields that tell an app where a request came from; the same for every type of app.
enum ForwardedFields {
    /// How a field is written.
    enum Style {
        /// `X-Forwarded-For: value CR LF`.
        case field
        /// `HTTP_X_FORWARDED_FOR NUL value NUL`.
        case variable
    }

    /// Whether a field of the request is not passed on as it is.
    @inline(__always)
    static func isReplaced(_ field: HeaderField, _ facts: borrowing RequestFacts, _ bytes: UnsafeRawBufferPointer)
        -> Bool
    {
        if !facts.setFields.isEmpty, facts.setFields.contains(where: { field.hasName($0.lowercasedName, bytes) }) {
            return true
        }
        return switch field.known {
        case .forwardedFor, .forwardedProto, .forwarded: true
        case .realIP, .forwardedOther: !facts.origin.keepsFields
        // `real_ip_header` with a name of its own: an app that reads it must not be told lies either.
        case .other:
            if let name = facts.untrustedField, !facts.origin.keepsFields { field.hasName(name, bytes) } else { false }
        default: false
        }
    }

    static func write(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: borrowing RequestFacts,
        _ style: Style,
        _ writer: inout HeadWriter
    ) {
        if !facts.setFields.isEmpty { Self.writeSet(facts, style, &writer) }
        let peer = facts.peerAddress
        let hasFor = facts.origin.keepsFields && head.field(.forwardedFor) != nil
        // A Unix socket has no address that could be added.
        if hasFor || peer != "unix:", !facts.sets("x-forwarded-for") {
            writer.write(style == .field ? "X-Forwarded-For: " : "HTTP_X_FORWARDED_FOR\0")
            let isAnyWritten = hasFor && Self.writeValues(.forwardedFor, head, bytes, &writer)
            if peer != "unix:" {
                if isAnyWritten { writer.write(", ") }
                writer.write(peer)
            }
            Self.writeEnd(style, &writer)
        }
        if !facts.sets("x-forwarded-proto") {
            writer.write(style == .field ? "X-Forwarded-Proto: " : "HTTP_X_FORWARDED_PROTO\0")
            writer.write(facts.origin.isTLS ? "https" : "http")
            Self.writeEnd(style, &writer)
        }
        guard facts.origin.keepsFields, head.field(.forwarded) != nil, !facts.sets("forwarded") else { return }
        writer.write(style == .field ? "Forwarded: " : "HTTP_FORWARDED\0")
        if Self.writeValues(.forwarded, head, bytes, &writer) { writer.write(", ") }
        Self.writeNode(peer, &writer)
        Self.writeEnd(style, &writer)
    }

    /// The fields of `passenger_set_header`.
    private static func writeSet(_ facts: borrowing RequestFacts, _ style: Style, _ writer: inout HeadWriter) {
        for field in facts.setFields where !field.value.isEmpty {
            switch style {
            case .field:
                writer.write(field.name)
                writer.write(": ")
            case .variable:
                if field.lowercasedName != "content-type" { writer.write("HTTP_") }
                for byte in field.name.utf8 {
                    writer.write(byte > 0x40 ? byte & 0xDF : byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte)
                }
                writer.write(0)
            }
            writer.write(field.value)
            Self.writeEnd(style, &writer)
        }
    }

    /// All values of a name as one list; false if there are none.
    private static func writeValues(
        _ known: KnownHeader,
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ writer: inout HeadWriter
    ) -> Bool {
        var isFirst = true
        for field in head.fields where field.known == known && !field.value.isEmpty {
            if !isFirst { writer.write(", ") }
            writer.write(bytes, field.value)
            isFirst = false
        }
        return !isFirst
    }

    /// The peer as an element of `Forwarded` (RFC 7239 §6).
    private static func writeNode(_ peer: String, _ writer: inout HeadWriter) {
        if peer == "unix:" { return writer.write("for=unknown") }
        let isIPv6 = peer.utf8.contains(UInt8(ascii: ":"))
        writer.write(isIPv6 ? "for=\"[" : "for=")
        writer.write(peer)
        if isIPv6 { writer.write("]\"") }
    }

    private static func writeEnd(_ style: Style, _ writer: inout HeadWriter) {
        switch style {
        case .field: writer.write("\r\n")
        case .variable: writer.write(0)
        }
    }
}
