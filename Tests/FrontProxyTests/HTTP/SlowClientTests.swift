// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Clients that take their answers late, or not at all.
struct SlowClientTests {
    /// An answer whose end waits in the front while the client does not read, although the app has long finished.
    private static let size = 300_000

    private static func path(change: @escaping (inout RouteModel.Values) -> Void = { _ in }) throws -> DataPath {
        let answer = String(repeating: "x", count: Self.size)
        return try DataPath(sendBuffer: 4096, change: change) { _ in .ok(answer) }
    }

    @Test func `the time of a kept connection begins when the answer was taken`() throws {
        let path = try Self.path { $0.keepaliveTimeout = .milliseconds(100) }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app has answered") { path.notes.released == 1 }
        // Longer than the connection would be kept: a close by the clock is what must not come.
        _ = try path.wait(.milliseconds(400))
        #expect(try client.readResponse().body.count == Self.size)
        #expect(try client.isClosed())
    }

    @Test func `a client that takes nothing at all loses its connection`() throws {
        let path = try Self.path {
            $0.keepaliveTimeout = .milliseconds(50)
            $0.sendTimeout = .milliseconds(100)
        }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app has answered") { path.notes.released == 1 }
        try eventually("the connection has ended") { try path.onLoop { $0.connectionCount } == 0 }
        #expect(throws: (any Error).self) { try client.readResponse() }
    }

    @Test func `a file that becomes shorter while it is sent ends the connection`() throws {
        let path = try DataPath(sendBuffer: 4096, change: { $0.app = nil }) { _ in nil }
        // More than the buffers of both sides hold.
        let name = try path.directory.write(String(repeating: "x", count: 16_000_000), to: "large.txt")
        let client = try path.connect()
        try client.send("GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the file is being sent") { try path.onLoop { $0.bufferedOutput } > 0 }
        // It stays as it is long enough for a look that finds nothing wrong.
        _ = try path.wait(.milliseconds(250))
        #expect(try path.onLoop { $0.connectionCount } == 1)
        #expect(try Shell.run(["truncate", "--size=1", name]).status.isSuccess)
        // It waits for the client: what is missing is found with the next step, and nothing is tried before.
        #expect(try path.onLoop { $0.connectionCount } == 1)
        #expect((try? client.readToEnd().count) ?? 0 < 16_000_000)
        try eventually("the connection has ended", within: .seconds(10)) {
            try path.onLoop { $0.connectionCount } == 0
        }
    }

    @Test func `a half-closed client gets all of the answer, however late it reads`() throws {
        let path = try Self.path()
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try client.finishSending()
        try eventually("the app has answered") { path.notes.released == 1 }
        _ = try path.wait(.milliseconds(200))
        #expect(try client.readResponse().body.count == Self.size)
        #expect(try client.isClosed())
    }

    @Test func `a client that shuts its side behind the answer gets all of it`() throws {
        let path = try Self.path()
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app has answered") { path.notes.released == 1 }
        try client.finishSending()
        _ = try path.wait(.milliseconds(200))
        #expect(try client.readResponse().body.count == Self.size)
    }

    @Test(arguments: [AppTransportKind.session, .http], [0, 10])
    func `a body that is passed on must come in time, too`(_ transport: AppTransportKind, _ sent: Int) throws {
        let path = try DataPath(
            transport,
            change: {
                $0.requestBuffering = false
                $0.clientBodyTimeout = .milliseconds(100)
            }
        ) { _ in nil }
        let client = try path.connect()
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: sent))
        #expect(try client.readResponse().status == 408)
    }

    @Test(arguments: [true, false])
    func `an incomplete request behind the end of the input ends the connection`(_ isBuffered: Bool) throws {
        let path = try DataPath(.http, change: { $0.requestBuffering = isBuffered }) { .ok($0.path) }
        let client = try path.connect()
        try client.send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try client.send("POST /2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
        try client.finishSending()
        #expect(try client.readResponse().text == "/1")
        #expect(try client.isClosed())
        try eventually("no session is left") { path.notes.released == path.notes.checkouts.load(ordering: .relaxed) }
    }

    @Test func `an app may take its time for a body that is passed on`() throws {
        let path = try DataPath(
            .http,
            change: {
                $0.requestBuffering = false
                $0.clientBodyTimeout = .milliseconds(100)
            }
        ) { _ in nil }
        let client = try path.connect()
        try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        _ = try path.wait(.milliseconds(300))
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try client.readResponse().status == 200)
    }

    @Test func `a client that asks without reading waits, and gets every answer in order then`() throws {
        let path = try DataPath(sendBuffer: 4096, change: { $0.app = nil }) { _ in nil }
        let client = try path.connect()
        let count = 4000
        try client.send((0..<count).map { "GET /\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined())
        try client.finishSending()
        var waiting = 0
        for _ in 0..<5 {
            _ = try path.wait(.milliseconds(50))
            waiting = max(waiting, try path.onLoop { $0.bufferedOutput })
        }
        // The watermark and one answer.
        #expect(waiting < 300 * 1024)
        for index in 0..<count {
            let response = try client.readResponse()
            guard response.status == 404 else {
                Issue.record("answer \(index) is \(response.status)")
                return
            }
        }
        #expect(try client.isClosed())
    }
}
