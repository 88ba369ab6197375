// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore
import Testing

struct RequestEncoderTests {
    static let facts = RequestFacts(
        origin: ClientOrigin(of: PeerFacts(address: "192.0.2.7", port: 4711)),
        peerAddress: "192.0.2.7",
        localAddress: "192.0.2.1",
        localPort: 8080,
        scriptName: "/sub",
        documentRoot: "/app/public",
        arrival: 1_700_000_000_000_000
    )

    /// The variables of the session transport's block.
    static func variables(
        _ text: String,
        pathInfo: String = "/x",
        rawPathInfo: Range<Int>? = nil,
        facts: RequestFacts = Self.facts
    ) throws -> [String: String] {
        var head = RequestHead()
        let bytes = ByteBuffer(string: text)
        #expect(head.advance(over: bytes) == .complete)
        var output = ByteBuffer()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ByteBuffer(string: pathInfo).withUnsafeReadableBytes { path in
                SessionRequestEncoder.encode(
                    head,
                    raw,
                    pathInfo: path,
                    rawPathInfo: rawPathInfo,
                    facts: facts,
                    into: &output
                )
            }
        }
        try #require(isEncoded)
        let length = output.readInteger(as: UInt32.self) ?? 0
        #expect(Int(length) == output.readableBytes)
        let parts = String(buffer: output).split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        try #require(parts.count % 2 == 1 && parts.last == "")
        var variables: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            #expect(variables[parts[index]] == nil, "\(parts[index]) twice")
            variables[parts[index]] = parts[index + 1]
        }
        return variables
    }

    @Test func `the CGI variables are complete`() throws {
        let variables = try Self.variables(
            "GET /sub/x%20y?a=1 HTTP/1.1\r\nHost: a.example:81\r\nAccept: */*\r\nX-Some-Thing9: v\r\n"
                + "Content-Type: text/plain\r\nCookie: c\r\nConnection: keep-alive\r\n\r\n",
            pathInfo: "/x y"
        )
        #expect(
            variables == [
                "REQUEST_METHOD": "GET", "REQUEST_URI": "/sub/x%20y?a=1", "SCRIPT_NAME": "/sub", "PATH_INFO": "/x y",
                "QUERY_STRING": "a=1", "SERVER_PROTOCOL": "HTTP/1.1", "DOCUMENT_ROOT": "/app/public",
                "SERVER_SOFTWARE": "Flying Passenger/0.1.0", "REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "4711",
                "SERVER_NAME": "a.example", "SERVER_PORT": "81", "HTTP_X_REQUEST_START": "t=1700000000000000",
                "HTTP_HOST": "a.example:81", "HTTP_ACCEPT": "*/*", "HTTP_X_SOME_THING9": "v", "HTTP_COOKIE": "c",
                "CONTENT_TYPE": "text/plain", "HTTP_X_FORWARDED_FOR": "192.0.2.7", "HTTP_X_FORWARDED_PROTO": "http",
            ]
        )
    }

    @Test func `the authority of an absolute target is the host, whatever the field says`() throws {
        let variables = try Self.variables("GET http://a.example:81/x HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        #expect(variables["HTTP_HOST"] == "a.example:81" && variables["SERVER_NAME"] == "a.example")
    }

    @Test func `spoofed, internal and hop-by-hop fields do not reach the app`() throws {
        let variables = try Self.variables(
            "GET /x HTTP/1.1\r\nHost: a\r\nX_User: evil\r\nProxy: evil\r\n!~Internal: evil\r\nX.Y: evil\r\nTE: trailers\r\n"
                + "Connection: x-hop\r\nX-Hop: evil\r\nUpgrade: h2c\r\nExpect: 100-continue\r\nX-User: good\r\n\r\n"
        )
        #expect(variables.values.allSatisfy { $0 != "evil" })
        #expect(variables["HTTP_X_USER"] == "good")
        for name in ["HTTP_TE", "HTTP_CONNECTION", "HTTP_UPGRADE", "HTTP_EXPECT"] { #expect(variables[name] == nil) }
    }

    @Test(arguments: [
        ("Host: a.example", "a.example", "80"), ("Host: a.example:", "a.example", "80"),
        ("Host: [::1]:99", "[::1]", "99"), ("Host: [::1]", "[::1]", "80"), ("Host: 8080", "8080", "80"),
        ("Host:", "192.0.2.1", "8080"), ("X: y", "192.0.2.1", "8080"),
    ])
    func `name and port come from Host, else from the listener`(_ field: String, _ name: String, _ port: String) throws
    {
        let variables = try Self.variables("GET /x HTTP/1.0\r\n\(field)\r\n\r\n")
        #expect(variables["SERVER_NAME"] == name && variables["SERVER_PORT"] == port)
    }

    @Test func `a body has its length, an absent query is empty, an empty path is a slash`() throws {
        var facts = Self.facts
        facts.hasBody = true
        facts.contentLength = 12
        facts.origin = ClientOrigin(of: PeerFacts(address: "192.0.2.7", port: 1, isTLS: true))
        let variables = try Self.variables(
            "POST http://a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n",
            pathInfo: "",
            facts: facts
        )
        #expect(variables["CONTENT_LENGTH"] == "12" && variables["HTTPS"] == "on" && variables["QUERY_STRING"] == "")
        #expect(variables["PATH_INFO"] == "/" && variables["REQUEST_URI"] == "/" && variables["SERVER_PORT"] == "443")
        #expect(variables["HTTP_TRANSFER_ENCODING"] == nil)
    }

    @Test func `a body of unknown length is announced as chunked, and nothing else is`() throws {
        let request = "POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
        var facts = Self.facts
        facts.hasBody = true
        facts.contentLength = nil
        let streamed = try Self.variables(request, facts: facts)
        #expect(streamed["HTTP_TRANSFER_ENCODING"] == "chunked" && streamed["CONTENT_LENGTH"] == nil)
        #expect(streamed["FLYING_PASSENGER_BODY"] == nil)
        facts.bodyFraming = .chunks
        let framed = try Self.variables(request, facts: facts)
        #expect(framed["FLYING_PASSENGER_BODY"] == "framed" && framed["HTTP_TRANSFER_ENCODING"] == "chunked")
        facts.hasBody = false
        let none = try Self.variables(request, facts: facts)
        #expect(none["HTTP_TRANSFER_ENCODING"] == nil && none["CONTENT_LENGTH"] == nil)
        #expect(none["FLYING_PASSENGER_BODY"] == nil)
        facts.hasBody = true
        facts.contentLength = 0
        let empty = try Self.variables(request, facts: facts)
        #expect(empty["FLYING_PASSENGER_BODY"] == nil && empty["CONTENT_LENGTH"] == "0")
    }

    @Test func `no field of a client becomes a variable of the front`() throws {
        let variables = try Self.variables(
            "GET /x HTTP/1.1\r\nHost: a\r\nFLYING_PASSENGER_BODY: framed\r\nFlying-Passenger-Raw-Path-Info: /evil\r\n\r\n"
        )
        #expect(variables["FLYING_PASSENGER_BODY"] == nil && variables["FLYING_PASSENGER_RAW_PATH_INFO"] == nil)
        #expect(variables["HTTP_FLYING_PASSENGER_RAW_PATH_INFO"] == "/evil")
    }

    @Test func `the path that was sent is told where it differs from the decoded one`() throws {
        let request = "GET /sub/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n"
        let variables = try Self.variables(request, pathInfo: "/a/b", rawPathInfo: 9..<14)
        #expect(variables["FLYING_PASSENGER_RAW_PATH_INFO"] == "/a%2Fb" && variables["PATH_INFO"] == "/a/b")
        #expect(try Self.variables(request, pathInfo: "/a/b")["FLYING_PASSENGER_RAW_PATH_INFO"] == nil)
    }

    @Test func `an upgrade reaches an app of the session transport`() throws {
        let variables = try Self.variables(
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nUpgrade: other\r\n\r\n"
        )
        #expect(variables["HTTP_CONNECTION"] == "Upgrade" && variables["HTTP_UPGRADE"] == "websocket, other")
        let none = try Self.variables("GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
        #expect(none["HTTP_CONNECTION"] == nil && none["HTTP_UPGRADE"] == nil)
    }

    static func http(_ text: String, _ reuse: HTTPRequestEncoder.Reuse, facts: RequestFacts = Self.facts) throws
        -> String
    {
        var head = RequestHead()
        let bytes = ByteBuffer(string: text)
        #expect(head.advance(over: bytes) == .complete)
        var output = ByteBuffer()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            HTTPRequestEncoder.encode(head, raw, reuse: reuse, facts: facts, into: &output)
        }
        try #require(isEncoded)
        return String(buffer: output)
    }

    @Test func `an HTTP app gets the edited head`() throws {
        let text = try Self.http(
            "PUT /sub/x%20y?a=1 HTTP/1.0\r\nHost: a:81\r\nX_U: odd\r\nX.U: odd\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nAccept: b\r\n"
                + "X-Forwarded-For: 1.1.1.1\r\n!~I: 1\r\nX-Forwarded-Proto: https\r\nCookie: c\r\nContent-Length: 5\r\n\r\n",
            .keepAlive,
            facts: RequestFacts(
                origin: ClientOrigin(of: PeerFacts(address: "192.0.2.7", port: 1)),
                peerAddress: "192.0.2.7",
                localAddress: "l",
                localPort: 80,
                contentLength: 5,
                hasBody: true
            )
        )
        #expect(
            text == "PUT /sub/x%20y?a=1 HTTP/1.1\r\nHost: a:81\r\nAccept: b\r\nCookie: c\r\n"
                + "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nContent-Length: 5\r\n\r\n"
        )
    }

    @Test func `one-shot apps are told to close, upgrades are passed on`() throws {
        let request = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        #expect(try Self.http(request, .close).contains("\r\nConnection: close\r\n"))
        #expect(try !Self.http(request, .close).contains("Upgrade"))
        let upgrade = try Self.http(request, .upgrade)
        #expect(upgrade.contains("\r\nUpgrade: websocket\r\n") && upgrade.contains("\r\nConnection: Upgrade\r\n"))
    }

    @Test func `a body of unknown length goes in chunks, an empty one keeps its length`() throws {
        var facts = Self.facts
        facts.hasBody = true
        facts.contentLength = nil
        let text = try Self.http(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            .keepAlive,
            facts: facts
        )
        #expect(text.hasSuffix("Transfer-Encoding: chunked\r\n\r\n"))
        let empty = try Self.http("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", .keepAlive)
        #expect(empty.hasSuffix("Content-Length: 0\r\n\r\n"))
    }

    @Test(arguments: [("/a%20b", "/a b"), ("/%41%2F%zz%", "/A/%zz%"), ("/plain", "/plain"), ("%e4%", "\u{FFFD}%")])
    func `paths are decoded`(_ raw: String, _ decoded: String) {
        var buffer = ByteBuffer()
        let isValid = ByteBuffer(string: raw).withUnsafeReadableBytes { PercentDecoding.decode($0, into: &buffer) }
        #expect(isValid && String(buffer: buffer) == decoded)
        #expect(!ByteBuffer(string: "/a%00").withUnsafeReadableBytes { PercentDecoding.decode($0, into: &buffer) })
    }
}
