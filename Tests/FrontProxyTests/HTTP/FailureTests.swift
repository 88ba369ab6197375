// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// What clients and the daemon see when something goes wrong on the way.
struct FailureTests {
    @Test func `a request lost on a fresh stream is never sent again`() throws {
        let path = try DataPath { _ in StubReply("", closes: true) }
        let client = try path.connect()
        #expect(try client.get("/").status == 502)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 1)
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        let response = try client.readResponse()
        #expect(response.status == 502)
        #expect(response.header("cache-control") == "no-cache, no-store, must-revalidate")
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 2)
        #expect(path.app.requests.withLock { $0.count } == 2)
        #expect(path.notes.outcomes.withLock { $0 }.allSatisfy { $0 == .upstreamFailed })
    }

    @Test func `a request that a process had when it ended is given to no other`() throws {
        let path = try DataPath { $0.path == "/kill" ? nil : .ok("fine") }
        let client = try path.connect()
        #expect(try client.get("/").text == "fine")
        try client.send("GET /kill HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 2 }
        path.notes.fate.withLock { $0 = .ended }
        try path.onLoop { $0.streams.processGone(ProcessID(rawValue: 1), exitCode: nil, signal: 11) }
        try path.app.channels.withLock { try $0.last?.close().wait() }
        #expect(try client.readResponse().status == 502)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 2)
        #expect(path.app.requests.withLock { $0.count } == 2)
    }

    /// Name, request, transport, how often the app is asked when the first process has left it unread.
    @Test(
        arguments: [
            ("no body", "POST /kill HTTP/1.1\r\nHost: localhost\r\n\r\n", .http, 2),
            ("short body", "POST /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", .session, 2),
            ("short body, HTTP", "POST /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", .http, 1),
            (
                "long body",
                "PUT /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17000\r\n\r\n"
                    + String(repeating: "x", count: 17_000),
                .session, 1
            ),
        ] as [(String, String, AppTransportKind, Int)]
    )
    func `what a process has not read is given to another one, if it reads all or nothing`(
        _ name: String,
        _ request: String,
        _ transport: AppTransportKind,
        _ count: Int
    ) throws {
        let kills = Atomic(0)
        let path = try DataPath(transport) { request in
            guard request.path == "/kill", kills.add(1, ordering: .relaxed).newValue == 1 else { return .ok("fine") }
            return StubReply("", closes: true)
        }
        path.notes.fate.withLock { $0 = .unread }
        let client = try path.connect()
        try client.send(request)
        #expect(try client.readResponse().status == (count == 2 ? 200 : 502), "\(name)")
        #expect(kills.load(ordering: .relaxed) == count, "\(name)")
    }

    @Test func `an answer that nobody waits for has a second to come`() throws {
        let path = try DataPath { _ in nil }
        try path.connect().send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the session is the daemon's") { path.notes.abandoned.load(ordering: .relaxed) == 1 }
        #expect(path.notes.released == 0)
        try eventually("the stream is closed") { try path.onLoop { $0.streams.streamCount } == 0 }
    }

    @Test func `an answer that nobody waits for may have a megabyte`() throws {
        let path = try DataPath { _ in nil }
        try path.connect().send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the front knows") {
            try path.onLoop { $0.connectionCount } == 0 && path.app.requests.withLock { $0.count } == 1
        }
        // The front may have shut it before the last byte.
        try? path.app.write("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 2_000_000))
        try eventually("the session is the daemon's") { path.notes.abandoned.load(ordering: .relaxed) == 1 }
        #expect(path.notes.released == 0)
    }

    @Test func `an app that may finish undisturbed has all the time it needs`() throws {
        let path = try DataPath(change: { $0.ignoreClientAbort = true }) { _ in nil }
        try path.connect().send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        #expect(try path.wait(.milliseconds(1_200)))
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        try eventually("the session has ended") { path.notes.released == 1 }
        #expect(path.notes.abandoned.load(ordering: .relaxed) == 0)
    }

    @Test func `headers with variables of a head that was never complete are empty`() throws {
        let value = try VariableText(parsing: "[$request_method$request_uri$args$host]")
        let path = try DataPath(change: {
            $0.addHeaders = [AddedHeader(name: "X-What", value: value, isAlways: true)]
        }) { _ in .ok("") }
        let client = try path.connect()
        #expect(try client.get("/").header("x-what") == "[GET/localhost]")
        try client.send("GET /\(String(repeating: "a", count: 3000))?q HTTP/1.1\r\nHost: not good\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.status == 400 && response.header("x-what") == "[127.0.0.1]")
    }

    @Test func `a request that finds no stream is checked out ten times`() throws {
        let path = try DataPath { _ in .ok("") }
        try path.closeStub()
        let client = try path.connect()
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        #expect(try client.readResponse().status == 502)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 10)
    }

    @Test func `a kept stream that has died is replaced`() throws {
        let count = Atomic(0)
        let path = try DataPath { _ in
            // The second request arrives on the kept stream, which ends without an answer.
            count.add(1, ordering: .relaxed).newValue == 2 ? StubReply("", closes: true) : .ok("fine")
        }
        let client = try path.connect()
        #expect(try client.get("/").text == "fine")
        #expect(try client.get("/").text == "fine")
        #expect(path.app.streams.load(ordering: .relaxed) == 2)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 2)
    }

    @Test(arguments: ["no http at all", "HTTP/1.1 200 OK\nX: y\n\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"])
    func `an answer that is no HTTP gives 502`(_ text: String) throws {
        let path = try DataPath { _ in StubReply(text) }
        let client = try path.connect()
        #expect(try client.get("/").status == 502)
        #expect(path.notes.outcomes.withLock { $0 } == [.upstreamFailed])
    }

    @Test func `an answer that breaks off ends the connection`() throws {
        let path = try DataPath { _ in
            StubReply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", closes: true)
        }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let all = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(all.hasSuffix("3\r\nabc\r\n"))
    }

    @Test func `an app that stays silent gives 504, and its session lasts until it answers`() throws {
        let path = try DataPath(change: { $0.readTimeout = .milliseconds(50) }) { _ in nil }
        let client = try path.connect()
        #expect(try client.get("/").status == 504)
        #expect(path.notes.released == 0)
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        try eventually("the session has ended") { path.notes.released == 1 }
    }

    @Test func `a client that leaves a session app frees the slot only when the app has answered`() throws {
        let path = try DataPath { _ in nil }
        var client: HTTPConnection? = try path.connect()
        try client?.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        client = nil
        try eventually("the front knows") { try path.onLoop { $0.connectionCount } == 0 }
        #expect(path.notes.released == 0)
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        try eventually("the session has ended") { path.notes.released == 1 }
        #expect(path.notes.outcomes.withLock { $0 } == [.clientGone])
        let other = try path.connect()
        try other.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked again") { path.app.requests.withLock { $0.count } == 2 }
        #expect(path.app.streams.load(ordering: .relaxed) == 1)
    }

    @Test func `a client that leaves an HTTP app closes its stream`() throws {
        let path = try DataPath(.http) { _ in nil }
        var client: HTTPConnection? = try path.connect()
        try client?.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        client = nil
        try eventually("the session has ended") { path.notes.released == 1 }
        #expect(path.notes.outcomes.withLock { $0 } == [.clientGone])
    }

    @Test func `a request over its time limit gives 504 and is not repeated`() throws {
        let path = try DataPath { _ in nil }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try path.abortAll(.byDaemon(.maxRequestTime))
        #expect(try client.readResponse().status == 504)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 1)
        #expect(path.notes.released == 0)
    }

    @Test func `a request lost with the daemon is repeated if that is safe, else it gives 502`() throws {
        let path = try DataPath { _ in nil }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try path.abortAll(.daemonLost)
        try eventually("the app is asked again") { path.app.requests.withLock { $0.count } == 2 }
        try path.abortAll(.daemonLost)
        #expect(try client.readResponse().status == 502)
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 3 }
        try path.abortAll(.daemonLost)
        #expect(try client.readResponse().status == 502)
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 3)
    }

    @Test func `a client that leaves while it waits takes its checkout back`() throws {
        let path = try DataPath { _ in .ok("") }
        path.notes.isHolding.store(true, ordering: .relaxed)
        var client: HTTPConnection? = try path.connect()
        try client?.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("a session is asked for") { path.notes.checkouts.load(ordering: .relaxed) == 1 }
        client = nil
        try eventually("it is taken back") { path.notes.cancelled.load(ordering: .relaxed) == 1 }
    }

    @Test(arguments: [
        (LinkRefusal(.daemon(.queueFull), retryAfterSeconds: 7), 503),
        (LinkRefusal(.daemon(.spawnFailed), report: SpawnReport(errorID: "0badcafe", summary: "s")), 500),
        (LinkRefusal(.daemon(.backoff), report: SpawnReport(errorID: "", summary: "s")), 500),
        (LinkRefusal(.daemon(.noApplication)), 404), (LinkRefusal(.daemonUnavailable), 503),
        (LinkRefusal(.versionMismatch("front 1.0, daemon 2.0")), 502), (LinkRefusal(.settingsRejected("why")), 502),
    ])
    func `refusals are answered with their status`(_ refusal: LinkRefusal, _ status: Int) throws {
        let path = try DataPath { _ in .ok("") }
        path.notes.refusals.withLock { $0 = [refusal, refusal] }
        let client = try path.connect()
        let response = try client.get("/")
        #expect(response.status == status && response.header("connection") == nil)
        if status == 503 { #expect(response.header("retry-after") == "\(max(1, refusal.retryAfterSeconds))") }
        if let report = refusal.report {
            #expect(response.text.contains("Error ID: \(report.errorID)"))
        }
        // Failures without one of the daemon's have one of the front's.
        #expect(response.text.contains("Error ID: ") == (status >= 500))
        if case .versionMismatch(let text) = refusal.kind { #expect(response.text.contains(text)) }
        let json = try client.get("/", headers: "Content-Type: application/json\r\n")
        #expect(json.header("content-type") == "application/json" && json.text.hasPrefix("{\"status\":\(status),"))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ])
    func `a request that breaks a rule is answered once`(_ request: String, _ status: Int) throws {
        let path = try DataPath { _ in .ok("") }
        let client = try path.connect()
        try client.send(request)
        #expect(try client.readResponse().status == status)
        if status != 400 || !request.contains("%00") { #expect(try client.isClosed()) }
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 0)
    }

    @Test func `slow heads and slow bodies are given up`() throws {
        let path = try DataPath(
            change: { $0.clientBodyTimeout = .milliseconds(50) },
            changeModel: { $0.clientHeaderTimeout = .milliseconds(50) }
        ) { _ in .ok("") }
        let silent = try path.connect()
        let head = try path.connect()
        try head.send("GET / HT")
        let body = try path.connect()
        try body.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab")
        #expect(try silent.isClosed())
        #expect(try head.readResponse().status == 408)
        #expect(try body.readResponse().status == 408)
    }

    @Test func `a slow client does not hold its app`() throws {
        let size = 24_000_000
        let path = try DataPath { request in
            let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n".utf8)
            return StubReply(bytes: head + TestBytes.patterned(size))
        }
        let client = try path.connect()
        try client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        // Nothing is read before the app is free.
        try eventually("the session has ended") { path.notes.released == 1 }
        // Compared outside of the expectation, which would print all of both.
        let isSame = try client.readResponse().body == TestBytes.patterned(size)
        #expect(isSame)
        #expect(try client.get("/big").body.count == size)
    }

    @Test func `above the watermark reading from the app stops until the client has caught up`() throws {
        let size = 24_000_000
        let path = try DataPath(changeModel: { $0.responseBufferHighWatermark = 2_000_000 }) { request in
            StubReply(
                bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n".utf8)
                    + TestBytes.patterned(size)
            )
        }
        let client = try path.connect()
        try client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let isSame = try client.readResponse().body == TestBytes.patterned(size)
        #expect(isSame)
        #expect(path.notes.released == 1)
    }
}
