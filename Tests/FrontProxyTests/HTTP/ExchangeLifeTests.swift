// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

/// An exchange and its parts refer to each other, and go when it is over, however it ends.
struct ExchangeLifeTests {
    /// The storage of a request goes back when the last part of its exchange has gone.
    private static func expectGone(_ path: DataPath, _ note: String) throws {
        try eventually("the exchange to go: \(note)") {
            try path.onLoop { $0.spareRequestCount } == 1
        }
    }

    private static let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test func `after an answer, on a connection that stays`() throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        for _ in 0..<3 { #expect(try client.get("/").text == "fine") }
        try Self.expectGone(path, "answered")
        withExtendedLifetime(client) {}
    }

    @Test func `after an answer that is late, to a client that has left`() throws {
        let path = try DataPath { _ in nil }
        try path.connect().send(Self.request)
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try Self.expectGone(path, "left")
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
    }

    @Test func `when no session is there before the client leaves`() throws {
        let path = try DataPath { _ in .ok("never") }
        path.notes.isHolding.store(true, ordering: .relaxed)
        try path.connect().send(Self.request)
        try eventually("a session is asked for") { path.notes.checkouts.load(ordering: .relaxed) == 1 }
        try Self.expectGone(path, "cancelled")
    }

    @Test func `when the app closes without an answer, in its middle, or breaks a rule`() throws {
        for reply in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "nonsense\r\n\r\n"] {
            let path = try DataPath { _ in StubReply(reply, closes: true) }
            let client = try path.connect()
            try client.send(Self.request)
            _ = try client.readToEnd(orAnswer: !reply.hasPrefix("HTTP"))
            try Self.expectGone(path, reply)
        }
    }

    @Test func `when a slow client leaves in the middle of an answer`() throws {
        let size = 4 << 20
        let path = try DataPath { _ in .ok(String(repeating: "x", count: size)) }
        var client: HTTPConnection? = try path.connect()
        try client?.send(Self.request)
        try eventually("the app has answered") { path.notes.released == 1 }
        client = nil
        try Self.expectGone(path, "slow")
    }

    @Test func `when an upgraded connection ends`() throws {
        let path = try DataPath { _ in
            StubReply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        #expect(try client.readResponse().status == 101)
        try client.finishSending()
        // It may have closed by itself when its client did.
        path.app.channels.withLock { $0.last?.close(promise: nil) }
        _ = try client.readToEnd()
        try Self.expectGone(path, "upgraded")
    }
}

extension HTTPConnection {
    /// An answer on a connection that stays open, or everything up to its end.
    fileprivate func readToEnd(orAnswer isAnswered: Bool) throws {
        if isAnswered { #expect(try readResponse().status == 502) } else { _ = try? readToEnd() }
    }
}
