// SPDX-License-Identifier: MIT

package import HTTPFraming
package import NIOCore

/// Writes a request as the session transport has it: a length, then NUL-separated CGI names and values (RFC 3875).
///
///     UInt32 big-endian: bytes of the block │ NAME NUL VALUE NUL NAME NUL VALUE NUL …       then the body
package enum SessionRequestEncoder {
    package static let serverSoftware: StaticString = "Flying Passenger/0.1.0"
    /// What the loaders' first read of a request takes at least (`READ_SIZE` there).
    package static let firstReadBytes = 16 * 1024

    /// Appends the request's head to `buffer`.
    ///
    /// `head` is complete, with its bytes in `bytes` from offset 0 on; `pathInfo` is the decoded path behind the base URI,
    /// without NUL (empty means `/`). `rawPathInfo` is what the client sent for it, behind the slash it begins with; nil
    /// if there is no difference.
    ///
    /// False, and nothing is written, if the head does not fit the estimate.
    package static func encode(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        pathInfo: UnsafeRawBufferPointer,
        rawPathInfo: Range<Int>? = nil,
        facts: RequestFacts,
        into buffer: inout ByteBuffer
    ) -> Bool {
        // Each field grows by "HTTP_" and shrinks by ": " and CR LF; host, path and query appear a second time, the path
        // once more if it has escapes.
        let bound = 2 * bytes.count + 8 * head.fields.count + pathInfo.count + facts.textBytes + 1024
        return buffer.writeHead(bound: bound) { writer in
            writer.write("\0\0\0\0")
            Self.writeRequest(head, bytes, pathInfo, facts, &writer)
            if let rawPathInfo {
                writer.write("FLYING_PASSENGER_RAW_PATH_INFO\0/")
                writer.write(bytes, rawPathInfo)
                writer.write(0)
            }
            Self.writeBody(facts, &writer)
            Self.writeConnection(head, bytes, facts, &writer)
            ForwardedFields.write(head, bytes, facts, .variable, &writer)
            SessionFields.write(head, bytes, facts, &writer)
            writer.overwrite(UInt32(truncatingIfNeeded: writer.count - 4), at: 0)
        }
    }

    private static func writeRequest(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ pathInfo: UnsafeRawBufferPointer,
        _ facts: RequestFacts,
        _ writer: inout HeadWriter
    ) {
        writer.write("REQUEST_METHOD\0")
        writer.write(bytes, head.methodName)
        writer.write("\0REQUEST_URI\0")
        // Of an absolute target without path: "/" and the query, as if it had been sent in origin form.
        if head.path.isEmpty { writer.write("/") }
        writer.write(bytes, head.pathAndQuery)
        writer.write("\0SCRIPT_NAME\0")
        writer.write(facts.scriptName)
        writer.write("\0PATH_INFO\0")
        if pathInfo.isEmpty { writer.write("/") } else { writer.write(pathInfo) }
        writer.write("\0QUERY_STRING\0")
        if let query = head.query { writer.write(bytes, query) }
        writer.write("\0SERVER_PROTOCOL\0")
        writer.write(head.version == .http11 ? "HTTP/1.1" : "HTTP/1.0")
        writer.write("\0DOCUMENT_ROOT\0")
        writer.write(facts.documentRoot)
        writer.write(0)
    }

    private static func writeBody(_ facts: RequestFacts, _ writer: inout HeadWriter) {
        guard facts.hasBody else { return }
        if let length = facts.contentLength {
            writer.write("CONTENT_LENGTH\0")
            writer.writeDecimal(length)
            writer.write(0)
        } else {
            // Says that a body comes, whatever its framing here is: without this, apps would read nothing.
            writer.write("HTTP_TRANSFER_ENCODING\0chunked\0")
            if facts.bodyFraming == .chunks { writer.write("FLYING_PASSENGER_BODY\0framed\0") }
        }
    }

    private static func writeConnection(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: RequestFacts,
        _ writer: inout HeadWriter
    ) {
        writer.write("SERVER_SOFTWARE\0")
        writer.write(Self.serverSoftware)
        writer.write("\0REMOTE_ADDR\0")
        writer.write(facts.origin.address)
        writer.write("\0REMOTE_PORT\0")
        writer.writeDecimal(facts.origin.port)
        writer.write("\0SERVER_NAME\0")
        Self.writeServerName(head.host, bytes, facts, &writer)
        writer.write(0)
        if facts.origin.isTLS { writer.write("HTTPS\0on\0") }
        if facts.arrival > 0, head.field(.requestStart) == nil, !facts.sets("x-request-start") {
            writer.write("HTTP_X_REQUEST_START\0t=")
            writer.writeDecimal(Int(truncatingIfNeeded: facts.arrival))
            writer.write(0)
        }
    }

    /// Name and port of `Host`; the port is the protocol's when `Host` has none, both are the listener's without `Host`.
    private static func writeServerName(
        _ host: Range<Int>?,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: RequestFacts,
        _ writer: inout HeadWriter
    ) {
        guard let host, !host.isEmpty else {
            writer.write(facts.localAddress)
            writer.write("\0SERVER_PORT\0")
            writer.writeDecimal(facts.localPort)
            return
        }
        var index = host.upperBound
        while index > host.lowerBound, ByteClass.isDigit(bytes[index - 1]) { index -= 1 }
        // Colons of an IPv6 address are before its bracket, and a name has none.
        let hasPort = index > host.lowerBound && bytes[index - 1] == UInt8(ascii: ":")
        let nameEnd = hasPort ? index - 1 : host.upperBound
        let port = hasPort ? index..<host.upperBound : 0..<0
        writer.write(bytes, host.lowerBound..<nameEnd)
        writer.write("\0SERVER_PORT\0")
        if port.isEmpty { writer.write(facts.origin.isTLS ? "443" : "80") } else { writer.write(bytes, port) }
    }
}
