// SPDX-License-Identifier: MIT

import FrontConfiguration
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Requests through the whole data path, with a stub for daemon and app.
struct DataPathTests {
    @Test func `requests on one connection use one stream, one session each`() throws {
        let path = try DataPath { .ok($0.path) }
        let client = try path.connect()
        for index in 0..<5 {
            let response = try client.get("/a%20\(index)?q")
            #expect(response.status == 200 && response.text == "/a \(index)")
            #expect(response.header("status") == "200 OK" && response.header("date") != nil)
            #expect(response.header("x-powered-by") == "Flying Passenger 0.1.0")
        }
        #expect(path.app.streams.load(ordering: .relaxed) == 1)
        try eventually("all sessions have ended") { path.notes.released == 5 }
        #expect(path.notes.outcomes.withLock { $0 }.allSatisfy { $0 == .ok })
    }

    @Test func `pipelined requests are answered in order, of a half-closed client too`() throws {
        let path = try DataPath { .ok($0.path) }
        let client = try path.connect()
        try client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined())
        try client.finishSending()
        for index in 0..<20 { #expect(try client.readResponse().text == "/\(index)") }
        #expect(try client.isClosed())
    }

    @Test(arguments: [AppTransportKind.session, .http, .httpOneShot])
    func `bodies of every size reach the app whole`(_ transport: AppTransportKind) throws {
        let path = try DataPath(transport) { request in
            .ok("\(request.body.count) \(request.body == TestBytes.patterned(request.body.count))")
        }
        let client = try path.connect()
        for size in [0, 1, 70_000, 131_072, 131_073, 3_000_000] {
            let body = TestBytes.patterned(size)
            let expected = "\(size) true"
            try client.send("PUT /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n")
            try client.send(body)
            #expect(try client.readResponse().text == expected)
            guard size > 0 else { continue }
            try client.send("PUT /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.send("\(String(size, radix: 16))\r\n")
            try client.send(body)
            try client.send("\r\n0\r\n\r\n")
            #expect(try client.readResponse().text == expected)
        }
    }

    @Test func `the client is asked for its body`() throws {
        let path = try DataPath { .ok("got \($0.body.count)") }
        let client = try path.connect()
        try client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(try client.readResponse().status == 100)
        try client.send("body")
        #expect(try client.readResponse().text == "got 4")
    }

    @Test func `a body over the limit is refused before it is read`() throws {
        let path = try DataPath(change: { $0.clientMaxBodySize = 10 }) { _ in .ok("") }
        let client = try path.connect()
        try client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.status == 413 && response.header("connection") == "close")
        let other = try path.connect()
        try other.send("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n")
        #expect(try other.readResponse().status == 413)
    }

    @Test func `a streamed body arrives piece by piece`() throws {
        let path = try DataPath(.http, change: { $0.requestBuffering = false }) { .ok("\($0.body.count)") }
        let client = try path.connect()
        try client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: 100_000))
        try eventually("the app has a stream") { path.app.streams.load(ordering: .relaxed) == 1 }
        try client.send([UInt8](repeating: 1, count: 100_000))
        #expect(try client.readResponse().text == "200000")
        #expect(try client.get("/again").status == 200)
    }

    @Test func `HEAD and answers without body are framed as such`() throws {
        let path = try DataPath { request in
            switch request.path {
            case "/none": StubReply("HTTP/1.1 204 No Content\r\n\r\n")
            case "/same": StubReply("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
            default: StubReply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            }
        }
        let client = try path.connect()
        #expect(try client.get("/none").status == 204)
        #expect(try client.get("/same").status == 304)
        try client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.readResponse(toHead: true).header("content-length") == "5")
        #expect(path.app.streams.load(ordering: .relaxed) == 1)
    }

    @Test func `chunks pass, an answer without length is put into chunks`() throws {
        let path = try DataPath(.http) { request in
            request.path == "/open"
                ? StubReply("HTTP/1.1 200 OK\r\n\r\nuntil close", closes: true)
                : StubReply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        }
        let client = try path.connect()
        #expect(try client.get("/").text == "abc")
        let open = try client.get("/open")
        #expect(open.text == "until close" && open.header("transfer-encoding") == "chunked")
        #expect(try client.get("/").text == "abc")
        let old = try path.connect()
        try old.send("GET /open HTTP/1.0\r\n\r\n")
        let response = try old.readResponse()
        #expect(response.text == "until close" && response.header("connection") == "close")
    }

    @Test func `interim answers are passed on, but not 100`() throws {
        let path = try DataPath(.http) { _ in
            StubReply(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            )
        }
        let client = try path.connect()
        #expect(try client.get("/").status == 103)
        #expect(try client.readResponse().text == "ok")
    }

    @Test(arguments: [(40, 200), (1_100, 502)])
    func `of many interim answers few are passed on`(_ count: Int, _ status: Int) throws {
        let path = try DataPath(.http) { _ in
            StubReply(
                String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", count: count)
                    + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            )
        }
        let client = try path.connect()
        var response = try client.get("/")
        var passed = 0
        while response.status == 103 {
            passed += 1
            response = try client.readResponse()
        }
        #expect(passed == 16 && response.status == status)
    }

    @Test func `HTTP/1.0 clients are kept only if they ask for it`() throws {
        let path = try DataPath { .ok($0.path) }
        let client = try path.connect()
        try client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try client.readResponse().header("connection") == "keep-alive")
        try client.send("GET /2 HTTP/1.0\r\n\r\n")
        #expect(try client.readResponse().text == "/2")
        #expect(try client.isClosed())
    }

    @Test func `bytes that come before the upgrade is granted do not stop the tunnel`() throws {
        let path = try DataPath(.http) { _ in nil }
        let client = try path.connect()
        try client.send("GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        // More than is taken ahead of an answer.
        try client.send([UInt8](repeating: 1, count: 200_000))
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try eventually("the front waits") {
            try path.onLoop { ($0.openConnections.first?.heldBytes ?? 0) } > 64 * 1024
        }
        try path.app.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        #expect(try client.readResponse().status == 101)
        try eventually("all has arrived") {
            path.app.requests.withLock { $0.reduce(0) { $0 + ($1.variables["raw"]?.utf8.count ?? 0) } } == 200_000
        }
    }

    @Test func `a stream is not used again behind an upgrade that was not taken`() throws {
        let path = try DataPath(.http) { .ok($0.path) }
        let client = try path.connect()
        #expect(try client.get("/1", headers: "Connection: Upgrade\r\nUpgrade: x\r\n").text == "/1")
        #expect(try client.get("/2").text == "/2")
        #expect(path.app.streams.load(ordering: .relaxed) == 2)
    }

    @Test(arguments: [true, false]) func `an idle connection holds no exchange, and no stored body with it`(
        _ isAnswered: Bool
    ) throws {
        let path = try DataPath { _ in isAnswered ? .ok("fine") : StubReply("", closes: true) }
        let client = try path.connect()
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: 300_000))
        #expect(try client.readResponse().status == (isAnswered ? 200 : 502))
        #expect(try path.onLoop { $0.openConnections.count == 1 && !$0.openConnections[0].holdsExchange })
    }

    @Test(arguments: [AppTransportKind.http, .session])
    func `an answer that is quiet since its client has shut its side is for nobody`(_ transport: AppTransportKind)
        throws
    {
        let path = try DataPath(transport) { _ in
            StubReply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        }
        let client = try path.connect()
        try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.readResponse(toHead: true).status == 200)
        try client.finishSending()
        #expect(
            String(decoding: try client.readToEnd(), as: UTF8.self) == "5\r\nfirst\r\n",
            "no end that looks complete"
        )
        try eventually("the session has ended") {
            path.notes.released + path.notes.abandoned.load(ordering: .relaxed) == 1
        }
        #expect(try path.onLoop { $0.openConnections.isEmpty })
    }

    @Test(arguments: [AppTransportKind.http, .session])
    func `an upgraded connection is a tunnel until either side ends it`(_ transport: AppTransportKind) throws {
        let path = try DataPath(transport) { request in
            request.path == "/ws"
                ? StubReply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nfirst")
                : StubReply("echo \(request.variables["raw"] ?? "")")
        }
        let client = try path.connect()
        try client.send("GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        #expect(try client.readResponse().header("upgrade") == "echo")
        try client.send("raw:x")
        try eventually("the tunnel has carried it") { path.app.requests.withLock { $0.count } == 2 }
        try client.finishSending()
        let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(rest == "firstecho raw:x")
        #expect(path.notes.upgrades.load(ordering: .relaxed) == 1)
        try eventually("the session has ended") { path.notes.released == 1 }
    }
}
