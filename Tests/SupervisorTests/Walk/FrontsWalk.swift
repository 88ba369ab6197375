// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOEmbedded
import SpawnPlan
import WireProtocol

@testable import Supervisor

/// Several fronts of several users at one daemon: the real session machines, broker and pool, and no process at all.
///
/// Messages stay on their way as long as the walk likes, so that everything crosses everything else.
final class FrontsWalk {
    private static let apps = 4
    private static let tenants: [UInt32] = [7001, 7002]
    private static let worker: UInt32 = 33

    private let loop = EmbeddedEventLoop()
    private let spawner = FakeSpawner()
    private let driver: PoolDriver
    private let broker: Broker
    private let counts = ConnectionCounts()
    private var random: SessionNumbers
    private let master: WalkingFront
    private var fronts: [WalkingFront] = []
    private var generation: UInt64 = 0
    private var lastConnection: UInt64 = 0
    private var lastPID: Int32 = 100
    private var alive: [FakeProcess] = []
    /// Which app a process is of, also after its end.
    private var keys: [ProcessID: GroupKey] = [:]
    /// Streams of lost fronts, and of answers that nobody waits for.
    private var streams: [StreamGroup] = []
    private var problems: [String] = []

    init(seed: UInt64) throws {
        random = SessionNumbers(seed: seed &* 7919)
        // The clock of a new loop stands at zero, which is no time for anything to be overdue.
        loop.advanceTime(by: .seconds(1000))
        let logger = Logger(label: "walk") { _ in SwiftLogNoOpLogHandler() }
        let limits = PoolLimits(maxPoolSize: 2 + Int(seed % 5), poolIdleTime: .seconds(20), simultaneousSpawns: 2)
        driver = PoolDriver(
            eventLoop: loop,
            limits: limits,
            spawner: spawner,
            fileWork: FakeFileWork(),
            logger: logger
        )
        let policy = PeerPolicy(
            daemonUID: 0,
            frontUIDs: Set([Self.worker] + Self.tenants),
            appRootAllow: ["/srv"],
            daemonMaxima: .init(maxPoolSize: limits.maxPoolSize)
        )
        broker = Broker(eventLoop: loop, pool: driver, policy: policy, logger: logger)
        driver.observer = broker
        let now = loop.now
        master = WalkingFront(uid: 0, name: "master", at: now)
        let token = WorkerToken(high: 1, low: seed)
        for number in 0..<2 {
            fronts.append(WalkingFront(uid: Self.worker, name: "loop \(number)", token: token, at: now))
        }
        for uid in Self.tenants { fronts.append(WalkingFront(uid: uid, name: "front of \(uid)", at: now)) }
        for front in fronts {
            front.granted = { [unowned self, unowned front] process, app in self.check(process, app, of: front) }
        }
        try connect(master)
        try deliverAll()
        try sendManifest(token)
        for front in fronts { try connect(front) }
        try deliverAll()
    }

    private var token: WorkerToken? { fronts[0].token }
    private var now: NIODeadline { loop.now }
    private func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    // MARK: Steps

    /// One event; the answer is its name.
    func step() throws -> String {
        let front = fronts[below(fronts.count)]
        let name: String
        switch below(100) {
        case 0..<28:
            front.checkout(below(Self.apps), at: now)
            name = "checkout"
        case 28..<34: name = on(front.asked.count, "cancel") { front.cancel($0, at: now) }
        case 34..<50:
            name = on(front.held.count, "release") {
                front.release($0, ReleaseOutcome(.ok, outOfBandWorkRequested: self.below(4) == 0), at: now)
            }
        case 50..<54: name = on(front.held.count, "abandoned") { self.abandon($0, of: front) }
        case 54..<56: name = on(front.held.count, "upgrade") { front.upgrade($0, at: now) }
        case 56..<68: name = try endSpawn()
        case 68..<74: name = on(alive.count, "exit") { self.exit($0) }
        case 74..<78: name = on(streams.count, "streams end") { self.endStreams($0) }
        case 78..<81: name = try reconnect(front)
        case 81..<83:
            _ = driver.restart(GroupKey(namespace: .authority, name: WalkingFront.appName(below(Self.apps))))
            name = "restart"
        case 83..<85:
            try sendManifest(token)
            name = "manifest"
        case 85..<89:
            // Now and then one says it that was not told to.
            let working = alive.filter { $0.log.last == "oobw" || self.below(8) == 0 }
            name = on(working.count, "out-of-band work done") { self.driver.outOfBandWorkDone(working[$0].id) }
        default:
            try pass(.milliseconds(Int64(below(10) == 0 ? 8000 : below(900))))
            name = "time"
        }
        try move()
        return name
    }

    private func on(_ count: Int, _ name: String, _ body: (Int) -> Void) -> String {
        guard count > 0 else { return "nothing" }
        body(below(count))
        return name
    }

    private func abandon(_ position: Int, of front: WalkingFront) {
        let process = front.abandon(position, at: now)
        if let id = front.link?.connection.id { streams.append(StreamGroup(connection: id, process: process)) }
    }

    private func endSpawn() throws -> String {
        guard let spawn = spawner.spawns.first else { return "nothing" }
        guard below(6) > 0 else {
            try spawner.fail()
            return "spawn failure"
        }
        lastPID += 1
        keys[spawn.request.processID] = spawn.request.key
        alive.append(try spawner.succeed(pid: lastPID, concurrency: below(4) == 0 ? 3 : 1))
        return "spawn"
    }

    /// Those who were told to end usually do; the others sometimes crash.
    private func exit(_ position: Int) {
        guard alive[position].isToldToEnd || below(4) == 0 else { return }
        driver.processExited(alive.remove(at: position).exit())
    }

    private func endStreams(_ position: Int) { broker.streamsLeft(0, of: streams.remove(at: position)) }

    private func reconnect(_ front: WalkingFront) throws -> String {
        guard let link = front.link else {
            try connect(front)
            // The greeting has a limit of its own.
            try deliverAll(only: front)
            return "connect"
        }
        streams += alive.map { StreamGroup(connection: link.connection.id, process: $0.id) }
        front.disconnect(at: now)
        return "disconnect"
    }

    private func connect(_ front: WalkingFront) throws {
        lastConnection += 1
        guard let ticket = counts.admit(.init(uid: front.uid, role: .control)) else { throw WireClient.Ended() }
        let arrival = Arrival(
            descriptor: TravellingDescriptor(try Descriptor.null()),
            peer: PeerCredentials(pid: 1, uid: front.uid, gid: front.uid),
            hello: Hello(role: .control, frontName: front.name, workerToken: front.token),
            remainder: ByteBuffer(),
            ticket: ticket
        )
        let connection = FrontConnection(arrival, id: ConnectionID(rawValue: lastConnection), broker: broker)
        let channel = EmbeddedChannel(handler: connection, loop: loop)
        front.connect(WalkingFront.Link(connection: connection, channel: channel), at: now)
        try channel.connect(to: try SocketAddress(unixDomainSocketPath: "/walk")).wait()
    }

    private func sendManifest(_ token: WorkerToken?) throws {
        guard let token else { return }
        generation += 1
        // Now and then an app is not in it any more.
        let left = generation == 1 ? nil : below(3 * Self.apps)
        let manifest = Manifest(
            front: "front",
            generation: generation,
            workerUID: Self.worker,
            workerToken: token,
            apps: (0..<Self.apps).filter { $0 != left }.map {
                ManifestApp(
                    groupName: WalkingFront.appName($0),
                    settings: WalkingFront.settings($0),
                    preStart: below(4) == 0
                )
            }
        )
        master.say(.manifest(manifest))
    }

    private func pass(_ time: TimeAmount) throws {
        // In small pieces: a peer that is silent for long is given up.
        var left = time
        while left > .zero {
            let piece = min(left, .seconds(1))
            loop.advanceTime(by: piece)
            left = left - piece
            for front in fronts + [master] { front.timePassed(to: now) }
            try move()
        }
    }

    // MARK: Messages

    /// Some of what is on its way arrives.
    private func move() throws {
        for front in fronts {
            if below(2) == 0 { try front.deliver(1 + below(4)) }
            loop.run()
            try front.collect()
            if below(2) == 0 { front.hear(1 + below(4), at: now) }
        }
        try deliverAll(only: master)
    }

    /// Until nothing is on its way any more.
    private func deliverAll(only one: WalkingFront? = nil) throws {
        let all = one.map { [$0] } ?? fronts + [master]
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for front in all {
                try front.deliver(front.toDaemon.count)
                loop.run()
                try front.collect()
                isQuiet = isQuiet && front.toFront.isEmpty
                front.hear(front.toFront.count, at: now)
                isQuiet = isQuiet && (front.toDaemon.isEmpty || !front.isConnected)
            }
        }
    }

    // MARK: What must be true

    /// Nobody is given a process of somebody else's.
    private func check(_ process: ProcessID, _ app: Int, of front: WalkingFront) {
        let namespace: GroupKey.Namespace = front.token == nil ? .uid(front.uid) : .authority
        let right = GroupKey(namespace: namespace, name: WalkingFront.appName(app))
        guard keys[process] != right else { return }
        problems.append("\(front.name) got a process of \(keys[process].map(\.description) ?? "nobody") for \(right)")
    }

    func look() -> [String] {
        var found = problems + (fronts + [master]).flatMap(\.problems) + driver.violations
        if !found.isEmpty { found.insert(state, at: 0) }
        if driver.impossibleEvents > 0 { found.append("\(driver.impossibleEvents) events that cannot happen") }
        let reports = broker.connectionReports
        let (waiting, sessions) = (reports.map(\.waitingCheckouts).reduce(0, +), reports.map(\.sessions).reduce(0, +))
        let owed = driver.waiting.count + driver.groupsHolding.count
        if waiting != owed { found.append("fronts wait for \(waiting) answers, the pool owes \(owed)") }
        if sessions > driver.sessionCount {
            found.append("fronts hold \(sessions) sessions, the pool knows of \(driver.sessionCount)")
        }
        return found
    }

    /// What a pool decides by, for whoever looks for a fault.
    private var state: String {
        let pool = driver.pool
        let now = driver.now
        let groups = pool.inspect(at: now).map { view in
            let processes = view.group.processes.map {
                "\($0.state) \($0.sessions)/\($0.concurrency) \($0.outOfBandWork)"
            }
            return "\(view.group.id.rawValue) of \(view.group.tenant.map(String.init) ?? "all") \(processes)"
                + " waiting \(view.waiting.count) starting \(view.group.spawn != nil) until \(String(describing: view.blockedUntil))"
        }
        return
            "at \(now.nanoseconds): \(pool.usage) of \(pool.limits.maxPoolSize), next \(String(describing: pool.nextDeadline)), \(groups)"
    }

    /// Everybody who waits gets an answer once nothing new comes; then all leave, and nothing is left.
    func finish() throws {
        for front in fronts where !front.isConnected { try connect(front) }
        for _ in 0..<400 where fronts.contains(where: { !$0.asked.isEmpty }) {
            while !spawner.spawns.isEmpty { _ = try endSpawn() }
            try deliverAll()
            for front in fronts { while !front.held.isEmpty { front.release(0, at: now) } }
            try deliverAll()
            while !streams.isEmpty { endStreams(0) }
            endThoseWhoWereTold()
            try pass(.seconds(1))
            try deliverAll()
        }
        let waiting = fronts.map(\.asked.count).reduce(0, +)
        if waiting > 0 { problems.append("\(waiting) requests never got an answer") }
        for front in fronts { front.disconnect(at: now) }
        master.disconnect(at: now)
        driver.shutdown(limit: .seconds(5)) {}
        while !spawner.spawns.isEmpty { try spawner.fail(.cancelled) }
        loop.advanceTime(by: .seconds(30))
        while !alive.isEmpty { driver.processExited(alive.removeLast().exit()) }
        while !streams.isEmpty { endStreams(0) }
        loop.advanceTime(by: .seconds(30))
        let left = "\(driver.sessionCount) sessions, \(driver.waiting.count) requests, \(driver.processCount) processes"
        if left != "0 sessions, 0 requests, 0 processes" { problems.append("left at the end: \(left)") }
        if !broker.connections.isEmpty { problems.append("\(broker.connections.count) connections are left") }
    }

    private func endThoseWhoWereTold() {
        for told in alive where told.isToldToEnd {
            alive.removeAll { $0 === told }
            driver.processExited(told.exit())
        }
    }

    /// Answers that fronts have had.
    var answers: Int { fronts.map(\.answered).reduce(0, +) }
}

extension FakeProcess {
    fileprivate var isToldToEnd: Bool { log.contains { $0 != "oobw" } }
}
