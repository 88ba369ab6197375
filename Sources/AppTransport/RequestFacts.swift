// SPDX-License-Identifier: MIT

/// How a request body of unknown length is delimited on a stream of the session transport.
package enum BodyFraming: Sendable {
    /// It ends with the stream: one that broke off looks complete (loaders before framed bodies).
    case untilEnd
    /// Chunk coding (RFC 9112 §7.1) without extensions and trailers; announced by `FLYING_PASSENGER_BODY`.
    case chunks
}

/// A field that the configuration gives to the app instead of the client's of that name; an empty value leaves it out.
package struct SetField: Sendable {
    /// Letters, digits and dashes.
    let name: String
    let lowercasedName: String
    let value: String

    package init(name: String, value: String) {
        self.name = name
        lowercasedName = name.lowercased()
        self.value = value
    }
}

/// What an app is told about a request beyond what the client's head says.
package struct RequestFacts: Sendable {
    /// Who the client is, and what it speaks.
    package var origin: ClientOrigin
    /// Numeric address of the peer, which is the client or a proxy; "unix:" for a Unix socket.
    package var peerAddress: String
    /// The field of `real_ip_header` if it is none of the usual ones; lower case.
    package var untrustedField: String?
    package var setFields: [SetField] = []
    /// Of the listener, for requests whose `Host` has none.
    package var localAddress: String
    package var localPort: Int
    /// The base URI without trailing slash; empty at the root.
    package var scriptName: String
    package var documentRoot: String
    /// When the head was complete, in microseconds since 1970; 0 leaves `X-Request-Start` out.
    package var arrival: UInt64
    /// Body bytes that follow; nil when they are not known beforehand (`request_buffering off` with a chunked body).
    package var contentLength: Int?
    /// A body follows, even if it is empty.
    package var hasBody: Bool
    /// Of a body without `contentLength`; session transport only.
    package var bodyFraming: BodyFraming

    package init(
        origin: ClientOrigin,
        peerAddress: String,
        untrustedField: String? = nil,
        localAddress: String,
        localPort: Int,
        scriptName: String = "",
        documentRoot: String = "",
        arrival: UInt64 = 0,
        contentLength: Int? = 0,
        hasBody: Bool = false,
        bodyFraming: BodyFraming = .untilEnd
    ) {
        self.origin = origin
        self.peerAddress = peerAddress
        self.untrustedField = untrustedField
        self.localAddress = localAddress
        self.localPort = localPort
        self.scriptName = scriptName
        self.documentRoot = documentRoot
        self.arrival = arrival
        self.contentLength = contentLength
        self.hasBody = hasBody
        self.bodyFraming = bodyFraming
    }

    /// `name` is lower case.
    func sets(_ name: String) -> Bool { setFields.contains { $0.lowercasedName == name } }

    /// Bytes of its texts, for sizing the encoded head.
    var textBytes: Int {
        setFields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 } + self.origin.address.utf8.count + 2
            * self.peerAddress.utf8.count + self.localAddress.utf8.count
            + self.scriptName.utf8.count
            + self.documentRoot.utf8.count
    }
}
