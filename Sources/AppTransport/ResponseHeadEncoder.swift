// SPDX-License-Identifier: MIT

package import HTTPFraming
package import NIOCore

/// How the body of an answer is delimited on the client's connection.
package enum ClientFraming: Equatable, Sendable {
    case none
    /// As it comes, for a length that the head says.
    case bytes(Int)
    /// The app's chunks pass through with their framing.
    case chunksPassed
    /// The app's bytes are put into chunks.
    case chunksMade
    /// The app's chunks are unwrapped, and the end of the connection is the end.
    case unwrappedUntilClose
    case untilClose

    package var endsConnection: Bool { self == .untilClose || self == .unwrappedUntilClose }

    package init(_ body: BodyLength, clientVersion: RequestHead.Version) {
        switch (body, clientVersion) {
        case (.none, _): self = .none
        case (.bytes(let count), _): self = .bytes(count)
        case (.chunked, .http11): self = .chunksPassed
        case (.chunked, .http10): self = .unwrappedUntilClose
        case (.untilClose, .http11): self = .chunksMade
        case (.untilClose, .http10): self = .untilClose
        }
    }
}

/// Writes an app's response head for the client: its lines edited by runs, and what the front adds.
package enum ResponseHeadEncoder {
    package struct Options: Sendable {
        /// "Thu, 01 Jan 1970 00:00:00 GMT", used if the app sent none.
        package var date: ByteBuffer
        /// Whole lines that the front adds to every answer: `Server`, `X-Powered-By`.
        package var productLines: ByteBuffer
        /// Whole lines of `add_header`.
        package var addedLines: ByteBuffer?
        package var keepsAlive: Bool
        package var clientVersion: RequestHead.Version

        package init(
            date: ByteBuffer,
            productLines: ByteBuffer,
            addedLines: ByteBuffer? = nil,
            keepsAlive: Bool,
            clientVersion: RequestHead.Version
        ) {
            self.date = date
            self.productLines = productLines
            self.addedLines = addedLines
            self.keepsAlive = keepsAlive
            self.clientVersion = clientVersion
        }
    }

    /// Appends the head to `buffer`; `bytes` are those of `head` from offset 0 on.
    ///
    /// False, and nothing is written, if the head does not fit the estimate.
    package static func encode(
        _ head: borrowing ResponseHead,
        _ bytes: UnsafeRawBufferPointer,
        framing: ClientFraming,
        options: Options,
        into buffer: inout ByteBuffer
    ) -> Bool {
        let bound =
            head.byteCount + head.statusAndReason.count + options.productLines.readableBytes
            + (options.addedLines?.readableBytes ?? 0) + 256
        return buffer.writeHead(bound: bound) { writer in
            writer.write("HTTP/1.1 ")
            writer.write(bytes, head.statusAndReason)
            writer.write("\r\n")
            let hasDate = Self.writeFields(head, bytes, framing, &writer)
            if !hasDate {
                writer.write("Date: ")
                options.date.withUnsafeReadableBytes { writer.write($0) }
                writer.write("\r\n")
            }
            writer.write("Status: ")
            writer.write(bytes, head.statusAndReason)
            writer.write("\r\n")
            options.productLines.withUnsafeReadableBytes { writer.write($0) }
            options.addedLines?.withUnsafeReadableBytes { writer.write($0) }
            if framing == .chunksMade || framing == .chunksPassed { writer.write("Transfer-Encoding: chunked\r\n") }
            if !options.keepsAlive {
                writer.write("Connection: close\r\n")
            } else if options.clientVersion == .http10 {
                writer.write("Connection: keep-alive\r\n")
            }
            writer.write("\r\n")
        }
    }

    /// Appends an interim response (103 …) as it is, without its hop-by-hop fields (RFC 9110 §15.2).
    package static func encodeInterim(
        _ head: borrowing ResponseHead,
        _ bytes: UnsafeRawBufferPointer,
        into buffer: inout ByteBuffer
    ) -> Bool {
        buffer.writeHead(bound: head.byteCount + 16) { writer in
            writer.write("HTTP/1.1 ")
            writer.write(bytes, head.statusAndReason)
            writer.write("\r\n")
            _ = Self.writeFields(head, bytes, .none, &writer)
            writer.write("\r\n")
        }
    }

    /// Appends the 101 of an app and the fields that belong to it.
    package static func encodeSwitching(
        _ head: borrowing ResponseHead,
        _ bytes: UnsafeRawBufferPointer,
        into buffer: inout ByteBuffer
    ) -> Bool {
        buffer.writeHead(bound: head.byteCount + 64) { writer in
            writer.write("HTTP/1.1 ")
            writer.write(bytes, head.statusAndReason)
            writer.write("\r\n")
            for field in head.fields where field.known == .upgrade { writer.write(bytes, field.line) }
            _ = Self.writeFields(head, bytes, .none, &writer)
            writer.write("Connection: Upgrade\r\n\r\n")
        }
    }

    /// Copies the kept lines, neighbours in one piece; true if a `Date` was among them.
    private static func writeFields(
        _ head: borrowing ResponseHead,
        _ bytes: UnsafeRawBufferPointer,
        _ framing: ClientFraming,
        _ writer: inout HeadWriter
    ) -> Bool {
        let keepsLength = Self.keepsLength(head, framing)
        var hasDate = false
        var hasLength = false
        var run = 0..<0
        for field in head.fields {
            switch field.known {
            case .internalName, .outOfBandWork, .server, .status: continue
            case .contentLength:
                // Several equal ones are one.
                if !keepsLength || hasLength { continue }
                hasLength = true
            case .date:
                if hasDate { continue }
                hasDate = true
            default:
                if HopByHop.isDropped(field, nominated: head.nominatedNames, head.connection, bytes) { continue }
            }
            if Int(field.nameStart) == run.upperBound {
                run = run.lowerBound..<Int(field.lineEnd)
            } else {
                writer.write(bytes, run)
                run = field.line
            }
        }
        writer.write(bytes, run)
        return hasDate
    }

    /// `Content-Length` of answers without body says what `GET` would have: kept, but not where it is forbidden.
    private static func keepsLength(_ head: borrowing ResponseHead, _ framing: ClientFraming) -> Bool {
        switch framing {
        case .bytes: true
        case .none: head.status >= 200 && head.status != 204
        case .chunksPassed, .chunksMade, .untilClose, .unwrappedUntilClose: false
        }
    }
}

extension ResponseHead {
    /// The field by which the app leaves sending a file to a web server in front of it; nil if there is none.
    package func fileHandedOver(_ bytes: UnsafeRawBufferPointer) -> String? {
        for field in fields where field.known == .other {
            if ByteClass.matches(bytes, field.name, "x-accel-redirect") { return "X-Accel-Redirect" }
            if ByteClass.matches(bytes, field.name, "x-sendfile") { return "X-Sendfile" }
        }
        return nil
    }

    /// The app asks for out-of-band work, in either spelling.
    package func requestsOutOfBandWork(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.fields.contains { field in
            field.known == .outOfBandWork
                || (field.known == .internalName && ByteClass.matches(bytes, field.name, "!~request-oob-work"))
        }
    }
}
