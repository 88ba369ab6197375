// SPDX-License-Identifier: MIT

/// One field line as offsets from the first byte of its head; no text is copied.
package struct HeaderField: Equatable, Sendable {
    package let nameStart: UInt32
    package let nameLength: UInt32
    package let valueStart: UInt32
    package let valueEnd: UInt32
    /// Behind the line's CR LF.
    package let lineEnd: UInt32
    package let known: KnownHeader

    package var name: Range<Int> { Int(self.nameStart)..<Int(self.nameStart &+ self.nameLength) }
    package var value: Range<Int> { Int(self.valueStart)..<Int(self.valueEnd) }
    package var line: Range<Int> { Int(self.nameStart)..<Int(self.lineEnd) }
}

/// Header names that somebody downstream of the parser looks at; all others are `other`.
package enum KnownHeader: UInt8, Sendable {
    case other, internalName
    /// Anything but letters, digits and dashes is in it: an app that maps names to variables would take it for another.
    case oddName
    case host, connection, contentLength, transferEncoding, contentType, upgrade, expect, keepAlive, te, trailer
    case proxyConnection, proxyAuthorization, proxyAuthenticate, proxy
    case userAgent, referer, accept, range, ifRange, ifModifiedSince, ifNoneMatch
    case forwardedFor, forwardedProto, forwarded, realIP
    /// Any other `X-Forwarded-…`.
    case forwardedOther
    case requestStart, cookie
    case date, server, status, poweredBy, outOfBandWork

    /// Headers that concern one connection only and are never forwarded (RFC 9110 §7.6.1).
    package var isHopByHop: Bool {
        switch self {
        case .connection, .transferEncoding, .upgrade, .keepAlive, .te, .trailer, .proxyConnection,
            .proxyAuthorization, .proxyAuthenticate:
            true
        case .other, .internalName, .oddName, .host, .contentLength, .contentType, .expect, .proxy, .userAgent,
            .referer, .accept, .range, .ifRange, .ifModifiedSince, .ifNoneMatch, .forwardedFor, .forwardedProto,
            .forwarded, .realIP, .forwardedOther, .requestStart, .cookie, .date, .server, .status, .poweredBy,
            .outOfBandWork:
            false
        }
    }
}

extension KnownHeader {
    /// It says where a request came from, if its peer is to be believed.
    package var isForwarded: Bool {
        switch self {
        case .forwardedFor, .forwardedProto, .forwarded, .realIP, .forwardedOther: true
        default: false
        }
    }

    /// Recognises a name; lengths are told apart first, so that most names cost one comparison at most.
    ///
    /// `isPlain`: it is made of letters, digits and dashes only.
    init(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>, isPlain: Bool) {
        if isPlain {
            self = Self.candidate(bytes, name)
        } else {
            let isInternal = bytes[name.lowerBound] == 0x21 && name.count > 1 && bytes[name.lowerBound &+ 1] == 0x7E
            self = isInternal ? .internalName : .oddName
        }
    }

    private static func candidate(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>) -> KnownHeader {
        let first = bytes[name.lowerBound]
        func pick(_ text: StaticString, _ header: KnownHeader) -> KnownHeader {
            ByteClass.matches(bytes, name, text) ? header : .other
        }
        switch (name.count, first | 0x20) {
        case (2, UInt8(ascii: "t")): return pick("te", .te)
        case (4, UInt8(ascii: "h")): return pick("host", .host)
        case (4, UInt8(ascii: "d")): return pick("date", .date)
        case (5, UInt8(ascii: "p")): return pick("proxy", .proxy)
        case (5, UInt8(ascii: "r")): return pick("range", .range)
        case (6, UInt8(ascii: "a")): return pick("accept", .accept)
        case (6, UInt8(ascii: "e")): return pick("expect", .expect)
        case (6, UInt8(ascii: "c")): return pick("cookie", .cookie)
        case (6, UInt8(ascii: "s")):
            return ByteClass.matches(bytes, name, "server") ? .server : pick("status", .status)
        case (7, UInt8(ascii: "r")): return pick("referer", .referer)
        case (7, UInt8(ascii: "t")): return pick("trailer", .trailer)
        case (7, UInt8(ascii: "u")): return pick("upgrade", .upgrade)
        case (8, UInt8(ascii: "i")): return pick("if-range", .ifRange)
        case (10, UInt8(ascii: "c")): return pick("connection", .connection)
        case (10, UInt8(ascii: "k")): return pick("keep-alive", .keepAlive)
        case (10, UInt8(ascii: "u")): return pick("user-agent", .userAgent)
        case (12, UInt8(ascii: "c")): return pick("content-type", .contentType)
        case (12, UInt8(ascii: "x")): return pick("x-powered-by", .poweredBy)
        case (13, UInt8(ascii: "i")): return pick("if-none-match", .ifNoneMatch)
        case (14, UInt8(ascii: "c")): return pick("content-length", .contentLength)
        case (9, UInt8(ascii: "f")): return pick("forwarded", .forwarded)
        case (9, UInt8(ascii: "x")): return pick("x-real-ip", .realIP)
        case (13..., UInt8(ascii: "x")): return Self.longCandidate(bytes, name)
        case (16, UInt8(ascii: "p")): return pick("proxy-connection", .proxyConnection)
        case (17, UInt8(ascii: "i")): return pick("if-modified-since", .ifModifiedSince)
        case (17, UInt8(ascii: "t")): return pick("transfer-encoding", .transferEncoding)
        case (18, UInt8(ascii: "p")): return pick("proxy-authenticate", .proxyAuthenticate)
        case (19, UInt8(ascii: "p")): return pick("proxy-authorization", .proxyAuthorization)
        default: return .other
        }
    }

    /// Of names that begin with an X.
    private static func longCandidate(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>) -> KnownHeader {
        guard !ByteClass.matches(bytes, name.lowerBound..<name.lowerBound &+ 12, "x-forwarded-") else {
            if ByteClass.matches(bytes, name, "x-forwarded-for") { return .forwardedFor }
            return ByteClass.matches(bytes, name, "x-forwarded-proto") ? .forwardedProto : .forwardedOther
        }
        if ByteClass.matches(bytes, name, "x-request-start") { return .requestStart }
        return ByteClass.matches(bytes, name, "x-passenger-request-oob-work") ? .outOfBandWork : .other
    }
}
