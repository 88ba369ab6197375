// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOEmbedded
import SpawnPlan
import Synchronization
import Testing
import WireProtocol

@testable import Supervisor

/// Starts nothing; the test says what becomes of each spawn.
final class FakeSpawner: Spawning {
    final class Handle: SpawnHandle {
        private(set) var isCancelled = false
        func cancel() { self.isCancelled = true }
    }

    struct Spawn {
        let request: SpawnRequest
        let completion: (Result<SpawnedProcess, SpawnFailure>) -> Void
        let handle: Handle
    }

    struct Refork {
        let request: SpawnRequest
        let worker: ProcessID
        let forked: () -> Void
        let completion: (SpawnFailure?) -> Void
    }

    private(set) var spawns: [Spawn] = []
    private(set) var reforks: [Refork] = []
    private(set) var started = 0
    /// What a preloader that is on its way out holds up.
    private var whenNoneIsLeft: [() -> Void] = []
    var hasPreloader = false {
        didSet { if !self.hasPreloader { for completion in self.whenNoneIsLeft { completion() } } }
    }

    func whenEnded(_ completion: @escaping () -> Void) {
        if self.hasPreloader { self.whenNoneIsLeft.append(completion) } else { completion() }
    }

    func spawn(
        _ request: SpawnRequest,
        completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle {
        let handle = Handle()
        self.started += 1
        self.spawns.append(Spawn(request: request, completion: completion, handle: handle))
        return handle
    }

    func refork(
        _ request: SpawnRequest,
        from worker: ProcessID,
        forked: @escaping () -> Void,
        completion: @escaping (SpawnFailure?) -> Void
    ) {
        self.reforks.append(Refork(request: request, worker: worker, forked: forked, completion: completion))
    }

    /// Ends the oldest spawn with a process.
    @discardableResult
    func succeed(pid: Int32 = 4711, concurrency: Int = 1, forkGeneration: UInt32? = nil) throws -> FakeProcess {
        try #require(!self.spawns.isEmpty)
        let spawn = self.spawns.removeFirst()
        let process = FakeProcess(id: spawn.request.processID, pid: pid)
        let identity = RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: 1001,
            gid: 1001,
            groups: [1001],
            account: nil,
            reason: "runs as joe because joe owns config.ru",
            isSwitched: true,
            restsOnOwnership: true
        )
        var spawned = SpawnedProcess(
            facts: AppProcessFacts(
                id: process.id,
                pid: pid,
                startTime: 1,
                group: spawn.request.key,
                generation: spawn.request.generation,
                appType: .rack,
                uid: identity.uid,
                gid: identity.gid,
                userName: identity.userName,
                socketPath: "/run/apps/\(pid)"
            ),
            service: AppProcessFacts.Service(
                transport: .session,
                address: .unix(path: "/run/apps/\(pid)"),
                concurrency: concurrency
            ),
            process: process,
            identity: identity,
            start: StartContext(id: spawn.request.errorID, identity: identity)
        )
        spawned.forkGeneration = forkGeneration
        spawn.completion(.success(spawned))
        return process
    }

    func fail(
        _ category: SpawnFailure.Category = .app,
        id: UInt32 = 0xabc,
        summary: String = "it raised",
        output: String = ""
    ) throws {
        try #require(!self.spawns.isEmpty)
        let failure = StartContext(id: ErrorID(id), output: output)
            .failure(SpawnFailure.Cause(category, nil, summary, step: .app), at: .zero)
        self.spawns.removeFirst().completion(.failure(failure))
    }
}

final class FakeProcess: ProcessOwner {
    let id: ProcessID
    let pid: Int32
    private let orders = Mutex<[String]>([])

    init(id: ProcessID, pid: Int32) {
        self.id = id
        self.pid = pid
    }

    var log: [String] { self.orders.withLock { $0 } }
    var lastOutput: String { "" }

    func terminate() { self.orders.withLock { $0.append("terminate") } }
    func kill() { self.orders.withLock { $0.append("kill") } }
    func beginOutOfBandWork() { self.orders.withLock { $0.append("oobw") } }

    func exit(_ status: LinuxSystem.ExitStatus = .exited(0), lastOutput: String = "") -> ProcessExit {
        ProcessExit(id: self.id, pid: self.pid, status: status, wasExpected: false, lastOutput: lastOutput)
    }
}

/// Notes what it is told, and may do something from inside.
final class FakeClient: CheckoutClient {
    private(set) var grants: [RequestID: PoolGrant] = [:]
    private(set) var refusals: [RequestID: PoolRefusal] = [:]
    private(set) var aborted: [SessionID] = []
    private(set) var recalled: [SessionID] = []
    var leaseHolder: LeaseHolder?
    let logFacts: Logger.Metadata = [:]
    var whenGranted: ((RequestID, PoolGrant) -> Void)?

    func granted(_ id: RequestID, _ grant: PoolGrant) {
        self.grants[id] = grant
        self.whenGranted?(id, grant)
    }

    func refused(_ id: RequestID, _ refusal: PoolRefusal) { self.refusals[id] = refusal }

    func sessionAborted(_ session: SessionID, reason: Abort.Reason) { self.aborted.append(session) }

    func recalled(_ session: SessionID) { self.recalled.append(session) }
}

final class FakeObserver: ProcessObserver {
    private(set) var gone: [ProcessID: LinuxSystem.ExitStatus?] = [:]
    private(set) var draining: [ProcessID: Duration] = [:]

    func processGone(_ process: ProcessID, status: LinuxSystem.ExitStatus?) { self.gone[process] = status }
    func processDraining(_ process: ProcessID, deadline: Duration) { self.draining[process] = deadline }
}

/// Does the work at once, or keeps it until the test wants it done.
final class FakeFileWork: OffLoopWork {
    var isHanging = false
    private(set) var held: [() -> Void] = []

    func run<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer,
        completion: @escaping (Answer) -> Void
    ) -> Bool {
        self.held.append { completion(work()) }
        if !self.isHanging { self.finish() }
        return true
    }

    func finish() {
        let held = self.held
        self.held = []
        for work in held { work() }
    }
}

/// A driver with everything around it faked, on a clock that the test moves.
final class PoolBench {
    let loop = EmbeddedEventLoop()
    let spawner = FakeSpawner()
    let client = FakeClient()
    let observer = FakeObserver()
    let fileWork = FakeFileWork()
    let driver: PoolDriver
    let key = GroupKey(namespace: .authority, name: "/srv/shop")
    private var requests: UInt64 = 0

    init(limits: PoolLimits = PoolLimits(), failuresDirectory: String? = nil) {
        // The clock of a new loop stands at zero, which is no time for anything to be overdue.
        self.loop.advanceTime(by: .seconds(1000))
        self.driver = PoolDriver(
            eventLoop: self.loop,
            limits: limits,
            spawner: self.spawner,
            fileWork: self.fileWork,
            failuresDirectory: failuresDirectory,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        self.driver.observer = self.observer
    }

    static func settings(_ more: [String: String] = [:]) throws -> AppSettings {
        let entries = more.merging(["app_root": "/nowhere/shop"]) { own, _ in own }
        return try AppSettings(SettingsList(entries.map { SettingsList.Entry(name: $0.key, value: $0.value) }))
    }

    func define(_ settings: [String: String] = [:], preStart: Bool = false) throws {
        let settings = try Self.settings(settings)
        self.driver.define(self.key, settings: settings, authority: .full, preStart: preStart)
    }

    @discardableResult
    func checkout(deadline: Duration? = nil, stickyID: UInt32 = 0) -> RequestID {
        self.requests += 1
        let id = RequestID(rawValue: self.requests)
        let request = CheckoutRequest(
            id: id,
            key: self.key,
            stickyID: stickyID,
            deadline: deadline,
            method: "GET",
            path: "/\(self.requests)"
        )
        self.driver.checkout(request, for: self.client)
        return id
    }

    /// Lets as many milliseconds pass.
    func wait(_ milliseconds: Int64) { self.loop.advanceTime(by: .milliseconds(milliseconds)) }
}
