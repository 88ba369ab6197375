// SPDX-License-Identifier: MIT

package import NIOCore

/// The head of an app's response, parsed in place like a `RequestHead` (RFC 9112 §4).
///
/// A `Status` field of a loader's answer is no status line: apps answer in HTTP here. The reason may be missing.
package struct ResponseHead {
    package enum Progress: Equatable {
        case needMore
        case complete
        case failed(FramingError)
    }

    /// An app's head may be larger than a client's: cookies and policies are legitimate.
    package static let maxHeadBytes = 256 * 1024

    private var hasStatusLine = false
    private var section = FieldSection()
    package private(set) var status = 0
    package private(set) var isVersion11 = true
    /// "200 OK" in the status line.
    package private(set) var statusAndReason = 0..<0
    package private(set) var body = BodyLength.none

    package init() {}

    package var fields: [HeaderField] { self.section.fields }
    package var connection: ConnectionOptions { self.section.connection }
    /// Names of fields that are hop-by-hop because a `Connection` field lists them.
    package var nominatedNames: [Range<Int>] { self.section.nominated }
    /// Bytes of the head once it is complete.
    package var byteCount: Int { self.section.position }
    package var hasBegun: Bool { self.section.position > 0 || self.section.searched > 0 }
    /// 100 and 103; 101 ends HTTP on the stream and is not one of them.
    package var isInterim: Bool { self.status < 200 && self.status != 101 }

    /// The stream can carry another request behind this response's body (RFC 9112 §9.3).
    package var allowsReuse: Bool {
        guard self.body != .untilClose, !self.connection.close else { return false }
        if self.section.transferCoding != .absent {
            // The framing counts, but it is suspect (RFC 9112 §6.1): said twice, or in a version that does not know it.
            guard self.section.contentLength == .absent, self.isVersion11 else { return false }
        }
        if self.status < 200 || self.status == 204 {
            // The app may send what it announces, although there can be no body (RFC 9112 §6.3).
            switch self.section.contentLength {
            case .absent, .bytes(0): guard self.section.transferCoding == .absent else { return false }
            case .bytes, .failed: return false
            }
        }
        return self.isVersion11 || self.connection.keepAlive
    }

    package mutating func reset() {
        self.hasStatusLine = false
        self.section.reset()
        self.status = 0
        self.body = .none
    }

    /// Continues over the readable bytes of `buffer`, which must begin where they began the last time.
    package mutating func advance(over buffer: ByteBuffer, toHead: Bool) -> Progress {
        buffer.withUnsafeReadableBytes { self.advance(over: $0, toHead: toHead) }
    }

    package mutating func advance(over bytes: UnsafeRawBufferPointer, toHead: Bool) -> Progress {
        if !self.hasStatusLine {
            switch self.parseStatusLine(bytes) {
            case .complete: self.hasStatusLine = true
            case .needMore: return bytes.count > Self.maxHeadBytes ? .failed(.headTooLarge) : .needMore
            case .failed(let error): return .failed(error)
            }
        }
        switch self.section.advance(over: bytes) {
        case .needMore: return bytes.count > Self.maxHeadBytes ? .failed(.headTooLarge) : .needMore
        case .failed(let error): return .failed(error)
        case .complete: return self.finish(toHead: toHead)
        }
    }

    private mutating func parseStatusLine(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard let first = bytes.first else { return .needMore }
        guard first == UInt8(ascii: "H") else { return .failed(.malformedStatusLine) }
        guard self.section.mayHoldLine(bytes) else { return .needMore }
        var end = ByteClass.firstControl(in: bytes, from: 0)
        while end < bytes.count, bytes[end] == ByteClass.tab { end = ByteClass.firstControl(in: bytes, from: end + 1) }
        guard end + 1 < bytes.count else {
            if end < bytes.count, bytes[end] != ByteClass.carriageReturn { return .failed(.malformedStatusLine) }
            self.section.searched = max(0, bytes.count - 1)
            return .needMore
        }
        guard bytes[end] == ByteClass.carriageReturn, bytes[end + 1] == ByteClass.lineFeed, end >= 12,
            ByteClass.matchesVersion(bytes, 0), bytes[5] == UInt8(ascii: "1"), bytes[8] == ByteClass.space,
            let status = ByteClass.decimal(bytes, 9..<12), status >= 100,
            end == 12 || bytes[12] == ByteClass.space
        else { return .failed(.malformedStatusLine) }
        self.status = status
        self.isVersion11 = bytes[7] != UInt8(ascii: "0")
        self.statusAndReason = 9..<end
        self.section.position = end + 2
        return .complete
    }

    private mutating func finish(toHead: Bool) -> Progress {
        let length = BodyLength.ofResponse(
            self.section.contentLength,
            self.section.transferCoding,
            status: self.status,
            toHead: toHead
        )
        switch length {
        case .success(let body):
            self.body = body
            return .complete
        case .failure(let error): return .failed(error)
        }
    }
}
