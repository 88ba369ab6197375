// SPDX-License-Identifier: MIT

package import NIOCore

/// The head of an HTTP/1.1 request, parsed in place: offsets into the bytes it came in, nothing copied (RFC 9112).
///
/// Fed with a buffer that starts at the first byte behind the previous request and grows until the head is complete:
///
///     requestLine ──CRLF──▶ fields ──empty line──▶ complete
///          └──────── rule broken ────┴──────────▶ failed
///
/// All offsets count from that first byte. `reset()` makes it ready for the next request and keeps its storage.
package struct RequestHead {
    package enum Progress: Equatable {
        case needMore
        case complete
        case failed(FramingError)
    }

    package enum Version: Sendable {
        case http10, http11
    }

    /// Methods that somebody decides upon; the text of any other is in the head.
    package enum Method: Sendable {
        case get, head, post, put, delete, options, trace, other

        /// Sending the request twice has the effect of sending it once (RFC 9110 §9.2.2).
        package var isIdempotent: Bool {
            switch self {
            case .get, .head, .put, .delete, .options, .trace: true
            case .post, .other: false
            }
        }
    }

    private enum Phase {
        case requestLine, fields
    }

    /// Of the whole head, request line and empty line included.
    package static let maxHeadBytes = 128 * 1024
    /// The longest registered method has 17; a longer one than this nobody knows (RFC 9112 §3).
    static let maxMethodBytes = 32

    private var phase = Phase.requestLine
    private var section = FieldSection()
    package private(set) var method = Method.other
    package private(set) var version = Version.http11
    /// The method as it was sent.
    package private(set) var methodName = 0..<0
    /// The request line without CR LF.
    package private(set) var requestLine = 0..<0
    /// The target as it was sent.
    package private(set) var target = 0..<0
    /// Path and query of the target, of an absolute one without scheme and authority; empty means `/`.
    package private(set) var pathAndQuery = 0..<0
    package private(set) var path = 0..<0
    /// Behind the question mark; nil without one.
    package private(set) var query: Range<Int>?
    /// The authority of an absolute target, else the `Host` field; nil in HTTP/1.0 requests that have neither.
    package private(set) var host: Range<Int>?
    package private(set) var body = BodyLength.none
    /// The client waits for `100 Continue` before it sends the body.
    package private(set) var expectsContinue = false
    /// An upgrade to a protocol that an app may speak is asked for.
    package private(set) var wantsUpgrade = false

    package init() {}

    package var fields: [HeaderField] { self.section.fields }
    package var connection: ConnectionOptions { self.section.connection }
    /// Names of fields that are hop-by-hop because a `Connection` field lists them.
    package var nominatedNames: [Range<Int>] { self.section.nominated }
    /// Bytes of the head once it is complete, leading empty lines included.
    package var byteCount: Int { self.section.position }
    /// Whether any byte of a request has been seen.
    package var hasBegun: Bool { self.section.position > 0 || self.section.searched > 0 }

    /// The client allows another request on this connection (RFC 9112 §9.3).
    package var allowsKeepAlive: Bool {
        switch self.version {
        case .http11: !self.connection.close
        case .http10: self.connection.keepAlive && !self.connection.close
        }
    }

    package func field(_ known: KnownHeader) -> HeaderField? {
        self.section.fields.first { $0.known == known }
    }

    /// All fields of a name, for those that are lists.
    package func fields(_ known: KnownHeader) -> [HeaderField] {
        self.section.fields.filter { $0.known == known }
    }

    package mutating func reset() {
        self.phase = .requestLine
        self.section.reset()
        self.query = nil
        self.host = nil
        self.body = .none
        self.expectsContinue = false
        self.wantsUpgrade = false
    }

    /// Continues over the readable bytes of `buffer`, which must begin where they began the last time.
    package mutating func advance(over buffer: ByteBuffer) -> Progress {
        buffer.withUnsafeReadableBytes { self.advance(over: $0) }
    }

    package mutating func advance(over bytes: UnsafeRawBufferPointer) -> Progress {
        if self.phase == .requestLine {
            switch self.parseRequestLine(bytes) {
            case .complete: self.phase = .fields
            case .needMore: return bytes.count > Self.maxHeadBytes ? .failed(.requestLineTooLong) : .needMore
            case .failed(let error): return .failed(error)
            }
        }
        switch self.section.advance(over: bytes) {
        case .needMore: return bytes.count > Self.maxHeadBytes ? .failed(.headTooLarge) : .needMore
        case .failed(let error): return .failed(error)
        case .complete:
            if self.section.position > Self.maxHeadBytes { return .failed(.headTooLarge) }
            return self.finish(bytes)
        }
    }

    // MARK: Request line

    private mutating func parseRequestLine(_ bytes: UnsafeRawBufferPointer) -> Progress {
        self.skipEmptyLines(bytes)
        let start = self.section.position
        guard start < bytes.count else { return .needMore }
        guard ByteClass.isToken(bytes[start]) else {
            let mayBeEmptyLine = bytes[start] == ByteClass.carriageReturn && start + 1 == bytes.count
            return mayBeEmptyLine ? .needMore : .failed(.malformedRequestLine)
        }
        guard self.section.mayHoldLine(bytes) else { return .needMore }
        let end = ByteClass.firstControl(in: bytes, from: start)
        guard end + 1 < bytes.count else {
            if end < bytes.count, bytes[end] != ByteClass.carriageReturn { return .failed(.malformedRequestLine) }
            self.section.searched = max(start, bytes.count - 1)
            return .needMore
        }
        guard bytes[end] == ByteClass.carriageReturn, bytes[end + 1] == ByteClass.lineFeed else {
            return .failed(.malformedRequestLine)
        }
        guard end <= Self.maxHeadBytes else { return .failed(.requestLineTooLong) }
        self.section.position = end + 2
        self.requestLine = start..<end
        return self.splitRequestLine(bytes)
    }

    /// Empty lines before a request are skipped (RFC 9112 §2.2).
    private mutating func skipEmptyLines(_ bytes: UnsafeRawBufferPointer) {
        var index = self.section.position
        while index + 1 < bytes.count, bytes[index] == ByteClass.carriageReturn, bytes[index + 1] == ByteClass.lineFeed
        {
            index += 2
        }
        self.section.position = index
    }

    private mutating func splitRequestLine(_ bytes: UnsafeRawBufferPointer) -> Progress {
        let line = self.requestLine
        var index = line.lowerBound
        while index < line.upperBound, ByteClass.isToken(bytes[index]) { index &+= 1 }
        guard index < line.upperBound, bytes[index] == ByteClass.space else { return .failed(.malformedRequestLine) }
        guard index - line.lowerBound <= Self.maxMethodBytes else { return .failed(.notImplemented) }
        self.methodName = line.lowerBound..<index
        self.method = Self.method(bytes, self.methodName)
        let targetStart = index + 1
        index = targetStart
        while index < line.upperBound, bytes[index] > ByteClass.space { index &+= 1 }
        guard index > targetStart, index < line.upperBound else { return .failed(.malformedRequestLine) }
        self.target = targetStart..<index
        let versionStart = index + 1
        guard versionStart + 8 == line.upperBound, ByteClass.matchesVersion(bytes, versionStart) else {
            return .failed(.malformedRequestLine)
        }
        switch (bytes[versionStart + 5], bytes[versionStart + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): self.version = .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): self.version = .http10
        default: return .failed(.unsupportedVersion)
        }
        return self.splitTarget(bytes)
    }

    /// Methods are case-sensitive (RFC 9110 §9.1).
    private static func method(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>) -> Method {
        func spells(_ text: StaticString) -> Bool {
            for offset in 0..<name.count where bytes[name.lowerBound &+ offset] != text.utf8Start[offset] {
                return false
            }
            return true
        }
        switch name.count {
        case 3: return spells("GET") ? .get : spells("PUT") ? .put : .other
        case 4: return spells("POST") ? .post : spells("HEAD") ? .head : .other
        case 5: return spells("TRACE") ? .trace : .other
        case 6: return spells("DELETE") ? .delete : .other
        case 7: return spells("OPTIONS") ? .options : .other
        default: return .other
        }
    }

    private mutating func splitTarget(_ bytes: UnsafeRawBufferPointer) -> Progress {
        var target = self.target
        for index in target where bytes[index] > 0x7E || bytes[index] == UInt8(ascii: "#") {
            return .failed(.invalidTarget)
        }
        let first = bytes[target.lowerBound]
        if first == UInt8(ascii: "*") {
            guard target.count == 1, self.method == .options else { return .failed(.invalidTarget) }
        } else if first != UInt8(ascii: "/") {
            if ByteClass.matches(bytes, self.methodName, "connect") { return .failed(.notImplemented) }
            guard let authority = Self.authority(bytes, target) else { return .failed(.invalidTarget) }
            guard HostSyntax.isValid(bytes, authority), !authority.isEmpty else { return .failed(.invalidHost) }
            self.host = authority
            target = authority.upperBound..<target.upperBound
        }
        self.pathAndQuery = target
        self.query = nil
        self.path = target
        for index in target where bytes[index] == UInt8(ascii: "?") {
            self.path = target.lowerBound..<index
            self.query = index + 1..<target.upperBound
            break
        }
        return .complete
    }

    /// The authority of an absolute `http` target (RFC 9112 §3.2.2).
    private static func authority(_ bytes: UnsafeRawBufferPointer, _ target: Range<Int>) -> Range<Int>? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let length = scheme.utf8CodeUnitCount
            guard target.count > length else { continue }
            let start = target.lowerBound + length
            guard ByteClass.matches(bytes, target.lowerBound..<start, scheme) else { continue }
            var end = start
            while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
            return start..<end
        }
        return nil
    }

    // MARK: The head as a whole

    private mutating func finish(_ bytes: UnsafeRawBufferPointer) -> Progress {
        if let error = self.checkHost(bytes) { return .failed(error) }
        switch BodyLength.ofRequest(
            self.section.contentLength,
            self.section.transferCoding,
            isVersion11: self.version == .http11
        ) {
        case .success(let body): self.body = body
        case .failure(let error): return .failed(error)
        }
        return self.finishExpectations(bytes)
    }

    private mutating func checkHost(_ bytes: UnsafeRawBufferPointer) -> FramingError? {
        var found: Range<Int>?
        for field in self.section.fields where field.known == .host {
            guard found == nil else { return .ambiguousHost }
            guard HostSyntax.isValid(bytes, field.value) else { return .invalidHost }
            found = field.value
        }
        if found == nil, self.version == .http11 { return .missingHost }
        if self.host == nil { self.host = found }
        return nil
    }

    private mutating func finishExpectations(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard self.connection.upgrade || self.body != .none else { return .complete }
        var upgrade = false
        var toHTTP2 = false
        for field in self.section.fields {
            if field.known == .upgrade {
                ByteClass.forEachElement(bytes, field.value) { element in
                    upgrade = true
                    // Offered among others, too: requests in such a tunnel would pass by everything that is decided here.
                    toHTTP2 = toHTTP2 || ByteClass.matches(bytes, element, "h2c")
                }
            }
            if field.known == .expect, self.body != .none, self.version == .http11 {
                self.expectsContinue = self.expectsContinue || ByteClass.matches(bytes, field.value, "100-continue")
            }
        }
        guard upgrade, !toHTTP2, self.connection.upgrade, self.version == .http11 else { return .complete }
        guard self.body == .none else { return .failed(.upgradeWithBody) }
        guard self.method != .head else { return .failed(.upgradeOnHead) }
        self.wantsUpgrade = true
        return .complete
    }
}

extension ByteClass {
    /// Whether `HTTP/D.D` stands at `start`.
    static func matchesVersion(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        let name: StaticString = "HTTP/"
        for offset in 0..<5 where bytes[start &+ offset] != name.utf8Start[offset] { return false }
        return Self.isDigit(bytes[start &+ 5]) && bytes[start &+ 6] == UInt8(ascii: ".")
            && Self.isDigit(bytes[start &+ 7])
    }
}
