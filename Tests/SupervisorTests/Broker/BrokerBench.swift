// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import WireProtocol

@testable import Supervisor

/// Stands for the pool: notes what it is told, and grants at once if a process is up.
final class FakePool: SessionPool {
    var notes: [String] = []
    var clients: [RequestID: any CheckoutClient] = [:]
    var sessionClients: [SessionID: any CheckoutClient] = [:]
    /// Where the one process listens.
    var address: AppAddress?
    var lastSession: UInt64 = 0

    static let process = ProcessID(rawValue: 77)

    func define(_ key: GroupKey, settings: AppSettings, authority: SettingsAuthority, preStart: Bool) {
        self.notes.append("define \(key) \(authority)\(preStart ? " pre-start" : "")")
    }

    func arrivedTogether(_ body: () -> Void) { body() }

    func isAtRest(_ key: GroupKey) -> Bool { true }

    func isEnding(_ process: ProcessID) -> Bool { false }

    func abandoned(_ session: SessionID) { self.notes.append("abandoned \(session)") }

    func retire(_ key: GroupKey) { self.notes.append("retire \(key)") }

    func liftQuarantine(of key: GroupKey) -> Bool { false }

    func checkout(_ request: CheckoutRequest, for client: any CheckoutClient) {
        self.notes.append("checkout \(request.id) \(request.key) \(request.method) \(request.path)")
        self.clients[request.id] = client
        if self.address != nil { self.grant(request.id) }
    }

    func grant(_ id: RequestID) {
        guard let client = self.clients.removeValue(forKey: id), let address else { return }
        self.lastSession += 1
        let session = SessionID(rawValue: self.lastSession)
        self.sessionClients[session] = client
        client.granted(
            id,
            PoolGrant(
                session: session,
                process: Self.process,
                label: ProcessLabel(app: "/srv/shop", pid: 4242),
                stickyID: 5,
                queueTime: .milliseconds(3),
                uses: 1,
                concurrency: 1,
                transport: .session,
                address: address
            )
        )
    }

    func cancel(_ id: RequestID, client: any CheckoutClient) {
        self.clients[id] = nil
        self.notes.append("cancel \(id)")
    }

    func release(_ session: SessionID, outcome: ReleaseOutcome, carried: Carried?) {
        let uses = carried.map { " of \($0.uses)" } ?? ""
        self.notes.append("release \(session.rawValue) \(outcome.kind)\(uses)")
    }

    func reused(_ session: SessionID, for id: RequestID, client: any CheckoutClient) {
        self.clients[id] = nil
        self.notes.append("reused \(session.rawValue) for \(id)")
    }

    func reuseCrossed(_ session: SessionID) { self.notes.append("reuse of \(session.rawValue) crossed") }

    func lasting(_ lasting: Lasting) { self.notes.append("lasting \(lasting.session.rawValue) \(lasting.path)") }

    func holderGone(_ holder: LeaseHolder) {}

    func upgraded(_ session: SessionID) { self.notes.append("upgraded \(session.rawValue)") }

    func connectFailed(_ process: ProcessID, reason: String) {
        self.notes.append("connect failed \(process.rawValue)")
    }

    /// Failure reports by error ID.
    var reports: [String: String] = [:]

    func failureReport(_ errorID: String, of key: GroupKey) -> ByteBuffer? {
        self.notes.append("report \(errorID) of \(key)")
        return self.reports[errorID].map { ByteBuffer(string: $0) }
    }

    func drainLimit(of process: ProcessID) -> Duration { .seconds(600) }
}

/// A broker on a real socket and a loop of its own, with a pool that only notes.
final class BrokerBench {
    let directory: TestDirectory
    let loop: any EventLoop
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let parts: NIOLoopBound<(broker: Broker, pool: FakePool)>

    init(policy: PeerPolicy = PeerPolicy(daemonUID: CurrentProcess.effectiveUID)) throws {
        self.directory = try TestDirectory()
        let loop = self.group.next()
        self.loop = loop
        let listener = TravellingDescriptor(
            try UnixListener.bind(path: self.directory.file("socket"), mode: 0o600).takeDescriptor()
        )
        self.parts = try loop.submit {
            let pool = FakePool()
            let broker = Broker(eventLoop: loop, pool: pool, policy: policy, logger: Logger(label: "test"))
            guard let descriptor = listener.take() else { throw WireClient.Ended() }
            try broker.start(listener: descriptor)
            return NIOLoopBound((broker, pool), eventLoop: loop)
        }.wait()
    }

    deinit {
        let parts = self.parts
        // Ends with the test's process if it fails.
        try? self.loop.submit { parts.value.broker.close() }.wait()
        try? self.group.syncShutdownGracefully()
    }

    /// Runs on the core loop.
    func on<Value: Sendable>(_ body: @escaping @Sendable (Broker, FakePool) throws -> Value) throws -> Value {
        let parts = self.parts
        return try self.loop.submit { try body(parts.value.broker, parts.value.pool) }.wait()
    }

    var notes: [String] { get throws { try self.on { $1.notes } } }

    func waitForNote(_ note: String) throws {
        try eventually("note '\(note)'") { try self.notes.contains(note) }
    }

    func connect() throws -> WireClient { WireClient(try UnixSocket.connect(path: self.directory.file("socket"))) }

    /// A control connection whose `Hello` is answered.
    func front(_ hello: Hello = Hello(role: .control, frontName: "front")) throws -> WireClient {
        let client = try self.connect()
        try client.send(hello)
        guard case .helloReply(let reply) = try client.next(), reply.refusal == nil else { throw WireClient.Ended() }
        return client
    }

    static let settings = SettingsList([.init(name: "app_root", value: "/foo")])
    static let define = FrontMessage.defineApp(
        DefineApp(app: AppNumber(rawValue: 1), groupName: "/foo", settings: settings)
    )

    static func checkout(_ id: UInt64) -> FrontMessage {
        .checkout(Checkout(request: .init(rawValue: id), app: AppNumber(rawValue: 1), method: "GET", path: "/"))
    }

    /// Defines the app and checks one session out; the process is the given app.
    func granted(to client: WireClient, _ app: EchoApp, _ id: UInt64 = 1) throws -> Granted {
        let address = app.address
        try self.on { $1.address = address }
        try client.send(Self.define, Self.checkout(id))
        guard try client.next() == .appAccepted(AppAccepted(app: AppNumber(rawValue: 1))),
            case .granted(let granted) = try client.next()
        else { throw WireClient.Ended() }
        return granted
    }

    func stream(_ token: StreamToken) throws -> WireClient {
        let stream = try self.connect()
        try stream.send(StreamHandshake(token: token, features: WireFeature.streamFates).hello)
        _ = try stream.nextAttached()
        return stream
    }
}
