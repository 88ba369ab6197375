// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// A doorkeeper on a socket of its own, and what it delivered.
private final class Door {
    private final class Deliveries: Sendable {
        let all = Mutex<[Arrival]>([])
    }

    let directory: TestDirectory
    let doorkeeper: Doorkeeper
    let counts = ConnectionCounts()
    private let deliveries = Deliveries()

    init(
        roles: Set<PeerRole> = [.control, .stream],
        admits: @escaping @Sendable (PeerCredentials) -> Bool = { _ in true },
        opens: @escaping @Sendable (StreamToken?, PeerCredentials) -> Bool = { _, _ in true }
    ) throws {
        self.directory = try TestDirectory()
        let listener = try UnixListener.bind(path: self.directory.file("socket"), mode: 0o600)
        let deliveries = self.deliveries
        self.doorkeeper = try Doorkeeper(
            listener: listener.takeDescriptor(),
            name: "door",
            roles: roles,
            counts: self.counts,
            complaints: Complaints(),
            logger: Logger(label: "test"),
            admits: admits,
            opens: opens,
            deliver: { arrival in deliveries.all.withLock { $0.append(arrival) } }
        )
        try self.doorkeeper.start()
    }

    deinit { self.doorkeeper.close() }

    func connect() throws -> WireClient { WireClient(try UnixSocket.connect(path: self.directory.file("socket"))) }

    func arrivals(_ count: Int) throws -> [Arrival] {
        let deliveries = self.deliveries
        try eventually("\(count) arrivals") { deliveries.all.withLock { $0.count >= count } }
        return deliveries.all.withLock { $0 }
    }
}

struct DoorkeeperTests {
    @Test func `a connection is delivered with its peer, its Hello and what came behind`() throws {
        let door = try Door()
        let client = try door.connect()
        var bytes = ByteBuffer()
        Hello(role: .stream, streamToken: StreamToken(high: 1, low: 2)).write(into: &bytes)
        bytes.writeString("GET /")
        try client.send(bytes)
        let arrival = try #require(try door.arrivals(1).first)
        #expect(arrival.peer.uid == CurrentProcess.effectiveUID)
        #expect(arrival.hello == Hello(role: .stream, streamToken: StreamToken(high: 1, low: 2)))
        #expect(arrival.remainder == ByteBuffer(string: "GET /"))
        #expect(door.doorkeeper.pending.count(.init(uid: arrival.peer.uid, role: nil)) == 0)
        #expect(door.counts.count(.init(uid: arrival.peer.uid, role: .stream)) == 1)
    }

    @Test func `a stream whose token opens nothing is refused at the door`() throws {
        let right = StreamToken(high: 1, low: 2)
        let door = try Door(opens: { token, _ in token == right })
        for token in [StreamToken(high: 1, low: 3), nil] {
            let client = try door.connect()
            try client.send(Hello(role: .stream, streamToken: token))
            let answer = try client.readToEnd()
            #expect(String(buffer: answer).contains(StreamDirectory.refusal))
        }
        try door.connect().send(Hello(role: .stream, streamToken: right))
        #expect(try door.arrivals(1).map(\.hello.streamToken) == [right])
    }

    @Test func `a silent peer keeps nobody waiting, and is closed in time`() throws {
        let door = try Door()
        let silent = try door.connect()
        let half = try door.connect()
        try half.send("\u{0}\u{0}")
        let client = try door.connect()
        try client.send(Hello(role: .control))
        _ = try door.arrivals(1)
        #expect(try silent.readToEnd().readableBytes == 0)
        #expect(try half.readToEnd().readableBytes == 0)
    }

    @Test func `a Hello that comes in pieces is put together`() throws {
        let door = try Door()
        let client = try door.connect()
        var bytes = ByteBuffer()
        Hello(role: .control, frontName: "front").write(into: &bytes)
        for byte in bytes.readableBytesView { try client.socket.writeAll([byte]) }
        #expect(try door.arrivals(1).first?.hello.frontName == "front")
    }

    @Test func `a stranger is closed without an answer`() throws {
        let door = try Door(admits: { _ in false })
        let client = try door.connect()
        #expect(try client.readToEnd().readableBytes == 0)
    }

    @Test func `a front of another major is told both versions`() throws {
        let door = try Door()
        let client = try door.connect()
        try client.send(
            Hello(version: ProtocolVersion(major: 9, minor: 4), product: "Flying Passenger 9.0.0", role: .control)
        )
        guard case .helloReply(let reply) = try client.next(), let refusal = reply.refusal else {
            Issue.record("no refusal")
            return
        }
        for part in ["9.0.0", "9.4", Product.version, "\(ProtocolVersion.current)"] { #expect(refusal.contains(part)) }
        #expect(throws: WireClient.Ended.self) { try client.next() }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}\u{1}", "\u{0}\u{0}\u{7F}\u{0}\u{1}",
    ])
    func `other bytes close the connection`(bytes: String) throws {
        let door = try Door()
        let client = try door.connect()
        try client.send(bytes)
        #expect(try client.readToEnd().readableBytes == 0)
    }

    @Test func `roles that are not taken are refused with the text`() throws {
        let door = try Door()
        door.doorkeeper.takeOnly([.stream], refusal: "the daemon stops")
        let client = try door.connect()
        try client.send(Hello(role: .control))
        guard case .helloReply(let reply) = try client.next() else {
            Issue.record("no refusal")
            return
        }
        #expect(reply.refusal == "the daemon stops")
        let stream = try door.connect()
        try stream.send(Hello(role: .stream))
        _ = try door.arrivals(1)
    }

    @Test func `many silent connections of one user are limited`() throws {
        let door = try Door()
        let limit = WireLimits.pendingConnectionsPerUID
        let silent = try (0..<limit).map { _ in try door.connect() }
        let uid = CurrentProcess.effectiveUID
        try eventually("all are counted") { door.doorkeeper.pending.count(.init(uid: uid, role: nil)) == limit }
        #expect(try door.connect().readToEnd().readableBytes == 0)
        try silent[0].send(Hello(role: .control))
        _ = try door.arrivals(1)
        let next = try door.connect()
        try next.send(Hello(role: .control))
        _ = try door.arrivals(2)
    }
}
