// SPDX-License-Identifier: MIT

import FairShare
package import LinuxSystem
import Logging
package import NIOCore
package import WireProtocol

/// Brings fronts and the pool together: takes connections in, knows who declared what, lends sessions and streams.
///
/// Confined to the core loop. Its doorkeeper and its relay have threads of their own, which post to the loop.
package final class Broker {
    package let eventLoop: any EventLoop
    /// Takes over the connections of tools; they are refused without it.
    package var takeAdminConnection: ((Arrival) -> Void)?

    /// What fronts are offered, `WireFeature`s.
    package var features = WireFeature.supported

    let pool: any SessionPool
    let policy: PeerPolicy
    let logger: Logger
    let directory = StreamDirectory()
    let counts: ConnectionCounts
    /// What fronts get wrong.
    let complaints: Complaints
    var registry: FrontRegistry
    var connections: [ConnectionID: FrontConnection] = [:]
    private var lost = LostFronts()
    private var relay: StreamRelay?
    private var doorkeeper: Doorkeeper?
    private var lastConnection: UInt64 = 0
    var registryTimer: Scheduled<Void>?
    /// Frames of those without authority, and of other workers those that belong to no checkout.
    var frames = Budget<UInt32>(WireLimits.frontFrames)
    /// Bytes of frames that are not complete, of all but peers with authority.
    var unparsed = Budget<UInt32>(.init(total: WireLimits.unparsedBytes, each: WireLimits.unparsedBytesPerUID))
    /// Checkouts that wait, of peers without authority.
    var parked = Budget<UInt32>(
        .init(
            total: 2 * WireLimits.waitingCheckoutsWithoutAuthority,
            each: WireLimits.waitingCheckoutsWithoutAuthority
        )
    )
    /// Set once no new checkouts are taken.
    private var goodbye: String?

    init(
        eventLoop: any EventLoop,
        pool: any SessionPool,
        policy: PeerPolicy,
        counts: ConnectionCounts = ConnectionCounts(),
        complaints: Complaints = Complaints(),
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.counts = counts
        self.complaints = complaints
        self.pool = pool
        self.policy = policy
        self.logger = logger
        self.registry = FrontRegistry(policy: policy)
    }

    /// Begins, on the core loop, to accept connections on the listening socket.
    package func start(listener: consuming Descriptor) throws(SystemError) {
        let broker = NIOLoopBound(self, eventLoop: self.eventLoop)
        let eventLoop = self.eventLoop
        let relay = try StreamRelay(
            directory: self.directory,
            features: self.features,
            logger: self.logger,
            streamsLeft: { group, count in eventLoop.execute { broker.value.streamsLeft(count, of: group) } },
            connectFailed: { process, reason in
                eventLoop.execute { broker.value.pool.connectFailed(process, reason: reason) }
            },
            lookedUp: { group, stream, wasUnread in
                eventLoop.execute { broker.value.connections[group.connection]?.streamLookedUp(stream, wasUnread) }
            }
        )
        let (policy, directory) = (self.policy, self.directory)
        let doorkeeper = try Doorkeeper(
            listener: listener,
            name: "doorkeeper",
            roles: [.control, .stream, .admin],
            counts: self.counts,
            complaints: self.complaints,
            logger: self.logger,
            admits: { policy.standing(of: $0.uid) != .stranger },
            opens: { directory.opens($0, for: $1) },
            deliver: { arrival in
                switch arrival.hello.role {
                case .stream: relay.order(.attach(arrival))
                case .control, .admin: eventLoop.execute { broker.value.take(arrival) }
                }
            }
        )
        try relay.start()
        try doorkeeper.start()
        self.relay = relay
        self.doorkeeper = doorkeeper
    }

    /// Takes in no more fronts and says goodbye to those that are there; sessions that are held go on, and streams for
    /// them may still be attached.
    package func stopAccepting(reason: String = "the daemon stops") {
        self.goodbye = reason
        self.doorkeeper?.takeOnly([.stream, .admin], refusal: reason)
        for connection in self.connections.values { connection.goodbye(reason) }
    }

    /// Closes everything; to be called when no process is left.
    package func close() {
        self.registryTimer?.cancel()
        self.doorkeeper?.close()
        self.doorkeeper = nil
        for connection in self.connections.values { connection.close() }
        self.relay?.order(.stop)
        self.relay = nil
    }

    // MARK: Connections

    private func take(_ arrival: Arrival) {
        guard arrival.hello.role == .control else {
            self.takeAdminConnection?(arrival)
            return
        }
        guard let descriptor = arrival.descriptor.take() else { return }
        if let goodbye {
            StreamReply.send(.helloReply(HelloReply(refusal: goodbye)), to: descriptor.rawValue)
            return
        }
        self.lastConnection += 1
        let connection = FrontConnection(arrival, id: ConnectionID(rawValue: self.lastConnection), broker: self)
        Arrival.join(descriptor, to: self.eventLoop, handler: connection)
            .whenFailure { error in
                self.logger.error("connection of a front failed", metadata: [LogKeys.error: "\(error)"])
            }
    }

    func connectionOpened(_ connection: FrontConnection) {
        self.connections[connection.id] = connection
        let peer = connection.peer
        connection.logger.info("front connected", metadata: [LogKeys.uid: "\(peer.uid)"])
        switch self.registry.standing(of: connection.hello.workerToken, shownBy: peer.uid) {
        case .none, .powerless:
            self.open(connection, as: FrontRegistry.FrontKey(uid: peer.uid, name: connection.hello.frontName))
        case .known(let front): self.openWorker(connection, of: front)
        case .unknown:
            connection.logger.info("worker of a front waits for its manifest", metadata: [:])
            connection.waitForManifest(.milliseconds(WireLimits.manifestWaitMilliseconds))
        case .stolen:
            connection.giveUp("the worker token belongs to another user", .intrusion)
        }
    }

    func open(_ connection: FrontConnection, as front: FrontRegistry.FrontKey) {
        connection.open(highestGeneration: self.registry.highestGeneration(of: front))
        if let goodbye { connection.goodbye(goodbye) }
    }

    func openWorker(_ connection: FrontConnection, of front: FrontRegistry.FrontKey) {
        guard let token = connection.hello.workerToken else { return }
        connection.countsAsWorker = true
        self.registry.workerConnected(token)
        self.open(connection, as: front)
    }

    /// The token stays unknown: the peer has what its uid has.
    func manifestDidNotArrive(_ connection: FrontConnection) {
        connection.complain(.warning, "no manifest with this worker's token arrived")
        self.open(connection, as: FrontRegistry.FrontKey(uid: connection.peer.uid, name: connection.hello.frontName))
    }

    func connectionClosed(_ connection: FrontConnection, _ leftovers: DaemonSession.Leftovers) {
        guard self.connections.removeValue(forKey: connection.id) != nil else { return }
        connection.logger.info("front disconnected", metadata: [:])
        if let token = connection.hello.workerToken { self.workerDisconnected(token, connection) }
        self.registry.forgetPowerless(connection.powerlessTokens)
        self.leave(connection.ownerGroups)
        self.directory.remove(connection.id)
        if let holder = connection.leaseHolder { self.pool.holderGone(holder) }
        for request in leftovers.requests { self.pool.cancel(request, client: connection) }
        var limits: [ProcessID: Duration] = [:]
        for (process, sessions) in leftovers.sessions {
            self.lost.frontLost(StreamGroup(connection: connection.id, process: process), sessions: sessions)
            for session in sessions { self.pool.abandoned(session) }
            limits[process] = self.pool.drainLimit(of: process)
        }
        self.relay?.order(.frontLost(connection.id, limits: limits, front: connection.process))
    }

    /// A front has shut the stream of a session before the app had answered, or has left it to the daemon.
    func abandoned(_ abandoned: Abandoned, of group: StreamGroup) {
        self.lost.frontLost(group, sessions: [abandoned.session])
        self.pool.abandoned(abandoned.session)
        self.relay?.order(.abandoned(group, abandoned.stream, limit: self.pool.drainLimit(of: group.process)))
    }

    private func workerDisconnected(_ token: WorkerToken, _ connection: FrontConnection) {
        guard connection.countsAsWorker else { return }
        self.registry.workerDisconnected(token, at: self.eventLoop.now)
        self.planRegistryTimer()
    }

    // MARK: Streams

    func streamsLeft(_ count: Int, of group: StreamGroup) {
        for session in self.lost.streamsLeft(count, of: group) {
            self.pool.release(session, outcome: .clientGone, carried: nil)
        }
    }

    func lookUp(_ stream: StreamNumber, of group: StreamGroup) { self.relay?.order(.lookUp(stream, of: group)) }

    func lostSessionAborted(_ session: SessionID) { self.lost.sessionAborted(session) }

    func closeStreams(_ group: StreamGroup) {
        self.directory.remove(group)
        self.relay?.order(.close(group))
    }

    // MARK: Status

    /// The fronts that are connected, for status.
    package var connectionReports: [ConnectionReport] {
        self.connections.values.sorted { $0.id.rawValue < $1.id.rawValue }.map(\.report)
    }

    /// What those who connect share, for status.
    package var budgetReports: [BudgetReport] {
        let roles: [(String, PeerRole)] = [
            ("admin connections", .admin), ("fronts' connections", .control), ("streams", .stream),
        ]
        let connections = roles.map { name, role in
            let use = self.counts.use(of: role)
            return BudgetReport(name: name, used: use.open, limit: use.limit, refused: use.refusals)
        }
        return connections + [
            BudgetReport(name: "frames of fronts", refused: self.frames.refusals),
            BudgetReport(
                name: "incomplete frames of fronts, bytes",
                used: self.unparsed.used,
                limit: WireLimits.unparsedBytes,
                refused: self.unparsed.refusals
            ),
            BudgetReport(
                name: "waiting requests without authority",
                used: self.parked.used,
                limit: 2 * WireLimits.waitingCheckoutsWithoutAuthority,
                refused: self.parked.refusals
            ),
            BudgetReport(
                name: "settings changes",
                used: self.registry.changes.heldCount,
                refused: self.registry.changes.refusals
            ),
            BudgetReport(name: "log lines about peers", refused: self.complaints.leftOut),
        ]
    }
}

extension Broker: ProcessObserver {
    package func processGone(_ process: ProcessID, status: ExitStatus?) {
        self.directory.remove(process)
        self.lost.processGone(process)
        let gone: ProcessGone =
            switch status {
            case .exited(let code): ProcessGone(process: process, exitCode: code)
            case .signaled(let number, coreDumped: _): ProcessGone(process: process, signal: number)
            case nil: ProcessGone(process: process)
            }
        for connection in self.connections.values { connection.processGone(gone) }
        self.relay?.order(.processGone(process))
    }

    package func processDraining(_ process: ProcessID, deadline: Duration) {
        let milliseconds = UInt32(clamping: deadline.wholeMilliseconds)
        let draining = Draining(process: process, deadlineMilliseconds: milliseconds)
        for connection in self.connections.values { connection.processDraining(draining) }
    }
}
