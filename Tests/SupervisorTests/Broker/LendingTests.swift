// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// Sockets of apps in the hands of fronts.
struct LendingTests {
    let harness: RelayHarness
    let app: EchoApp

    init() throws {
        self.harness = try RelayHarness()
        self.app = try EchoApp()
    }

    private struct Lent {
        /// The connection over which the socket came.
        let offer: WireClient
        let front: WireClient
        let app: WireClient
        let number: StreamNumber
    }

    private func lend(confirms: Bool = true) throws -> Lent {
        let offer = try self.harness.attach(self.harness.token(to: self.app.address), takesSocket: true)
        let (front, number) = try offer.nextHandedOver(confirms: confirms)
        if confirms { #expect(throws: WireClient.Ended.self) { try offer.next() } }
        return Lent(offer: offer, front: front, app: try self.app.accept(), number: number)
    }

    private func lose(_ front: FrontProcess, limit: Duration = .seconds(600)) {
        let limits = [RelayHarness.group.process: limit]
        self.harness.relay.order(.frontLost(RelayHarness.group.connection, limits: limits, front: front))
    }

    @Test func `a front gets the app's socket, and the app sees its end`() throws {
        let lent = try self.lend()
        try lent.front.send("request")
        #expect(try lent.app.read(7) == "request")
        try lent.app.send("answer")
        #expect(try lent.front.read(6) == "answer")
        #expect(self.harness.openStreams == 1)
        try lent.front.socket.shutdownBoth()
        #expect(try lent.app.readToEnd().readableBytes == 0)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `an app that closes ends the stream, half of it does not`() throws {
        let number: Int
        do {
            let lent = try self.lend()
            try lent.app.socket.shutdownWrite()
            #expect(try lent.front.readToEnd().readableBytes == 0)
            try lent.front.send("still")
            #expect(try lent.app.read(5) == "still")
            number = self.harness.openStreams
        }
        #expect(number == 1)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `a socket that was lost on its way is shut`() throws {
        let app: WireClient
        do {
            let lent = try self.lend(confirms: false)
            app = lent.app
        }
        #expect(try app.readToEnd().readableBytes == 0)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `who has written behind the Hello is relayed, and who cannot take a socket`() throws {
        let token = self.harness.token(to: self.app.address)
        let early = try self.harness.attach(token, early: "GET ", takesSocket: true)
        _ = try early.nextAttached()
        #expect(try self.app.accept().read(4) == "GET ")
        _ = try self.harness.attach(token).nextAttached()
    }

    @Test func `what a process said before it ended arrives, although somebody keeps its socket`() throws {
        let lent = try self.lend()
        try lent.app.send("last words")
        self.harness.relay.order(.processGone(RelayHarness.group.process))
        #expect(try lent.front.readToEnd() == ByteBuffer(string: "last words"))
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `streams that are of no more use are shut`() throws {
        let lent = try self.lend()
        self.harness.relay.order(.close(RelayHarness.group))
        #expect(try lent.front.readToEnd().readableBytes == 0)
        #expect(try lent.app.readToEnd().readableBytes == 0)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test(arguments: [true, false]) func `a front has few streams more than sessions`(_ takesSocket: Bool) throws {
        let token = self.harness.token(to: self.app.address, sessions: 2)
        func attach() throws -> WireClient { try self.harness.attach(token, takesSocket: takesSocket) }
        func expectAttached(_ offer: WireClient) throws -> WireClient {
            guard takesSocket else {
                _ = try offer.nextAttached()
                return offer
            }
            return try offer.nextHandedOver().app
        }
        var fronts = try (0..<2 + WireLimits.spareStreams).map { _ in try expectAttached(try attach()) }
        guard case .helloReply(let reply) = try attach().next() else {
            Issue.record("not refused")
            return
        }
        #expect(reply.refusal?.contains("streams to the process more than sessions") == true)
        self.harness.directory.raise(token, toSessions: 3)
        fronts.append(try expectAttached(try attach()))
        let count = fronts.count
        try fronts.removeLast().socket.shutdownBoth()
        try eventually("a place is free") { self.harness.openStreams < count }
        fronts.append(try expectAttached(try attach()))
    }

    // MARK: Ends of sessions

    @Test func `an answer that a front leaves is read to its end, and counted until then`() throws {
        let lent = try self.lend()
        try lent.front.send("request")
        #expect(try lent.app.read(7) == "request")
        self.harness.relay.order(.abandoned(RelayHarness.group, lent.number, limit: .seconds(600)))
        try self.harness.waitForReport(1)
        #expect(try lent.app.readToEnd().readableBytes == 0)
        // More than all buffers hold: the daemon has to read it for nobody.
        try lent.app.send(String(repeating: "x", count: 4 * 1024 * 1024))
        try lent.app.socket.shutdownBoth()
        try self.harness.waitForReport(0)
    }

    @Test func `a socket that a front has set to block holds nobody up`() throws {
        let lent = try self.lend()
        try lent.front.socket.setNonBlocking(false)
        self.harness.relay.order(.abandoned(RelayHarness.group, lent.number, limit: .seconds(600)))
        try self.harness.waitForReport(1)
        try lent.app.send("x")
        _ = try self.lend()
    }

    @Test func `an answer that a front leaves has the time limit`() throws {
        let lent = try self.lend()
        self.harness.relay.order(.abandoned(RelayHarness.group, lent.number, limit: .milliseconds(50)))
        try self.harness.waitForReport(1)
        try self.harness.waitForReport(0)
        #expect(try lent.app.readToEnd().readableBytes == 0)
    }

    @Test func `streams of a front that has ended are read to their end`() throws {
        let lent = try self.lend()
        self.lose(.ended)
        try self.harness.waitForReport(1)
        #expect(try lent.app.readToEnd().readableBytes == 0)
        try lent.app.send(String(repeating: "x", count: 4 * 1024 * 1024))
        try lent.app.socket.shutdownBoth()
        try self.harness.waitForReport(0)
    }

    @Test func `a front that lives keeps its streams until it shuts them`() throws {
        let lent = try self.lend()
        self.lose(.running(try ProcessHandle(pid: CurrentProcess.pid)))
        try self.harness.waitForReport(1)
        try lent.app.send("answer")
        #expect(try lent.front.read(6) == "answer")
        // As it does once it knows: for writing; the app's own end completes it.
        try lent.front.socket.shutdownWrite()
        #expect(try lent.app.readToEnd().readableBytes == 0)
        try lent.app.socket.shutdownWrite()
        try self.harness.waitForReport(0)
    }

    @Test func `a front without streams is reported at once`() throws {
        self.lose(.ended)
        try self.harness.waitForReport(0)
    }
}
