// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import Synchronization
import TestSupport
import WireProtocol

@testable import Supervisor

/// A running relay with ways to attach streams and to see what it reports.
final class RelayHarness {
    struct Report: Equatable {
        let group: StreamGroup
        let count: Int
    }

    private final class Reports: Sendable {
        let all = Mutex<[Report]>([])
        let failures = Mutex<[ProcessID]>([])
        let lookUps = Mutex<[StreamNumber: Bool]>([:])
    }

    static let group = StreamGroup(connection: ConnectionID(rawValue: 1), process: ProcessID(rawValue: 2))

    let directory = StreamDirectory()
    let counts = ConnectionCounts()
    let relay: StreamRelay
    private let reports = Reports()

    init() throws {
        let reports = self.reports
        self.relay = try StreamRelay(
            directory: self.directory,
            logger: Logger(label: "test"),
            streamsLeft: { group, count in reports.all.withLock { $0.append(Report(group: group, count: count)) } },
            connectFailed: { process, _ in reports.failures.withLock { $0.append(process) } },
            lookedUp: { _, number, wasUnread in reports.lookUps.withLock { $0[number] = wasUnread } }
        )
        try self.relay.start()
    }

    deinit { self.relay.order(.stop) }

    func token(_ group: StreamGroup = group, to address: AppAddress, sessions: Int = 1000) -> StreamToken {
        let label = ProcessLabel(app: "/srv/shop", pid: 1)
        let token = self.directory.token(for: group, address: address, label: label, uid: 7)
        self.directory.raise(token, toSessions: sessions)
        return token
    }

    /// Attaches a stream; the front's end comes back before the daemon has answered.
    ///
    /// `takesSocket`: the daemon may hand over the app's socket.
    func attach(
        _ token: StreamToken,
        uid: UInt32 = 7,
        early: String = "",
        takesSocket: Bool = false
    ) throws -> WireClient {
        var pair = try SocketPair.make()
        guard let front = pair.takeFirst(), let daemon = pair.takeSecond(),
            let ticket = self.counts.admit(.init(uid: uid, role: .stream))
        else { throw WireClient.Ended() }
        try daemon.setNonBlocking()
        self.relay.order(
            .attach(
                Arrival(
                    descriptor: TravellingDescriptor(daemon),
                    peer: PeerCredentials(pid: 1, uid: uid, gid: 1),
                    hello: StreamHandshake(
                        token: token,
                        features: WireFeature.supported & ~(takesSocket ? 0 : WireFeature.handedOverStreams)
                    ).hello,
                    remainder: ByteBuffer(string: early),
                    ticket: ticket
                )
            )
        )
        return WireClient(front)
    }

    /// Both ends of a stream that is open.
    func open(_ app: EchoApp, early: String = "") throws -> (front: WireClient, app: WireClient) {
        let front = try self.attach(self.token(to: app.address), early: early)
        _ = try front.nextAttached()
        return (front, try app.accept())
    }

    /// Processes to which no connection could be made.
    var failures: [ProcessID] { self.reports.failures.withLock { $0 } }

    var openStreams: Int { self.counts.count(.init(uid: 7, role: .stream)) }

    /// The answer to an order to look a stream up, which is taken away.
    func nextLookUp(of number: StreamNumber) throws -> Bool {
        let reports = self.reports
        try eventually("a stream is looked up") { reports.lookUps.withLock { $0[number] != nil } }
        return reports.lookUps.withLock { $0.removeValue(forKey: number) } == true
    }

    func waitForReport(_ count: Int) throws {
        let reports = self.reports
        try eventually("a report of \(count) streams") {
            reports.all.withLock { $0.contains(Report(group: Self.group, count: count)) }
        }
    }
}
