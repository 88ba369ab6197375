// SPDX-License-Identifier: MIT

package import HTTPFraming
package import NIOCore

/// Writes a request for an app that speaks HTTP/1.1 itself: the client's head, edited by runs.
///
/// The path stays whole, base URI included. Hop-by-hop and internal fields go; the client is named in `X-Forwarded-*`
/// (`ForwardedFields`).
package enum HTTPRequestEncoder {
    /// What the app is told about the connection.
    package enum Reuse: Sendable {
        /// It stays open: no `Connection` field.
        case keepAlive
        case close
        /// The client's `Upgrade` is passed on.
        case upgrade
    }

    /// Appends the request's head to `buffer`; the body follows as it is, or in chunks if its length is not known.
    ///
    /// False, and nothing is written, if the head does not fit the estimate.
    package static func encode(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        reuse: Reuse,
        facts: RequestFacts,
        into buffer: inout ByteBuffer
    ) -> Bool {
        let bound = bytes.count + facts.textBytes + 512
        return buffer.writeHead(bound: bound) { writer in
            writer.write(bytes, head.methodName)
            writer.write(" ")
            if head.path.isEmpty { writer.write("/") }
            writer.write(bytes, head.pathAndQuery)
            writer.write(" HTTP/1.1\r\n")
            Self.writeHost(head, bytes, facts, &writer)
            Self.writeFields(head, bytes, reuse, facts, &writer)
            ForwardedFields.write(head, bytes, facts, .field, &writer)
            Self.writeArrival(head, facts, &writer)
            switch reuse {
            case .keepAlive: break
            case .close: writer.write("Connection: close\r\n")
            case .upgrade: writer.write("Connection: Upgrade\r\n")
            }
            if facts.hasBody {
                if let length = facts.contentLength {
                    writer.write("Content-Length: ")
                    writer.writeDecimal(length)
                    writer.write("\r\n")
                } else {
                    writer.write("Transfer-Encoding: chunked\r\n")
                }
            } else if head.field(.contentLength) != nil {
                writer.write("Content-Length: 0\r\n")
            }
            writer.write("\r\n")
        }
    }

    /// The authority of an absolute target replaces `Host` (RFC 9112 §3.2.2); an HTTP/1.0 request may have none.
    private static func writeHost(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: RequestFacts,
        _ writer: inout HeadWriter
    ) {
        writer.write("Host: ")
        if let host = head.host {
            writer.write(bytes, host)
        } else {
            writer.write(facts.localAddress)
        }
        writer.write("\r\n")
    }

    /// Copies the lines that are kept, neighbours in one piece.
    private static func writeFields(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ reuse: Reuse,
        _ facts: borrowing RequestFacts,
        _ writer: inout HeadWriter
    ) {
        var run = 0..<0
        for field in head.fields where Self.isKept(field, head, bytes, reuse, facts) {
            if Int(field.nameStart) == run.upperBound {
                run = run.lowerBound..<Int(field.lineEnd)
            } else {
                writer.write(bytes, run)
                run = field.line
            }
        }
        writer.write(bytes, run)
    }

    private static func isKept(
        _ field: HeaderField,
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ reuse: Reuse,
        _ facts: borrowing RequestFacts
    ) -> Bool {
        switch field.known {
        case .internalName, .oddName, .proxy, .host, .contentLength, .expect: false
        case .upgrade: reuse == .upgrade
        default:
            !ForwardedFields.isReplaced(field, facts, bytes)
                && !HopByHop.isDropped(field, nominated: head.nominatedNames, head.connection, bytes)
        }
    }

    private static func writeArrival(
        _ head: borrowing RequestHead,
        _ facts: borrowing RequestFacts,
        _ writer: inout HeadWriter
    ) {
        guard facts.arrival > 0, head.field(.requestStart) == nil, !facts.sets("x-request-start") else { return }
        writer.write("X-Request-Start: t=")
        writer.writeDecimal(Int(truncatingIfNeeded: facts.arrival))
        writer.write("\r\n")
    }
}
