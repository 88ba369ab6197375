// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import SpawnPlan
import Testing
import WireProtocol

@testable import Supervisor

@Suite struct StatusReportPoolTests {
    private let daemon = DaemonFacts(
        instance: "Ab3dE5g",
        socketPath: "/run/fp.sock",
        watchdogPID: 4700,
        corePID: 4702,
        startedAt: 1,
        maxPoolSize: 6
    )

    private func identity(uid: UInt32) -> RunningIdentity {
        RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: uid,
            gid: 7,
            groups: [7],
            account: nil,
            reason: "runs as joe because joe owns config.ru",
            isSwitched: true,
            restsOnOwnership: true
        )
    }

    private func group(
        _ name: String,
        uid: UInt32? = nil,
        tenant: UInt32? = nil,
        topLevel: Int = 0,
        preloader: Int32? = nil,
        processes: [ProcessInspection] = []
    ) throws -> GroupInspection {
        GroupInspection(
            key: GroupKey(namespace: tenant.map { .uid($0) } ?? .authority, name: name),
            settings: try AppSettings(SettingsList([.init(name: "app_root", value: "/srv/" + name)])),
            authority: .full,
            appType: .rack,
            identity: uid.map { identity(uid: $0) },
            generation: 3,
            isRestarting: true,
            isRetired: false,
            spawnsUnderWay: 1,
            requestsInQueue: 2,
            requestsInTopLevelQueue: topLevel,
            waiting: [.init(method: "GET", path: "/", time: .milliseconds(1500))],
            lastFailure: .init(
                errorID: "0badcafe",
                summary: "no",
                kind: "exception",
                time: 77,
                file: "/run/x/failures/0badcafe.txt",
                age: .seconds(9),
                failuresInARow: 3,
                nextTry: .milliseconds(1200)
            ),
            nextPacedStart: .milliseconds(700),
            quarantined: nil,
            leases: LeaseCounts(),
            preloader: preloader.map {
                .init(id: ProcessID(rawValue: UInt64($0)), pid: $0, uptime: .seconds(70), generation: 2)
            },
            processes: processes
        )
    }

    private func process(
        _ pid: Int32,
        _ state: ApplicationPool.Process.State = .enabled,
        isForked: Bool = false
    ) -> ProcessInspection {
        ProcessInspection(
            id: ProcessID(rawValue: UInt64(pid)),
            pid: pid,
            isForked: isForked,
            state: state,
            sessions: 1,
            leased: 1,
            processed: 12,
            concurrency: 1,
            generation: 3,
            spawnedAt: 5,
            uptime: .seconds(65),
            lastUsed: .seconds(3),
            transport: .session,
            address: .unix(path: "/x"),
            requests: [.init(method: "GET", host: "h", path: "/p", age: .milliseconds(1500))]
        )
    }

    /// A process that has 2 MiB of its own, and shares 8 MiB with three others.
    private static let measurement = Measurement(
        processorPercent: 2,
        residentBytes: 20 << 20,
        virtualBytes: 90 << 20,
        memory: MemoryUse(
            privateBytes: 2 << 20,
            sharedBytes: 8 << 20,
            proportionalBytes: 5 << 20,
            writtenBytes: 10 << 20,
            writtenPartBytes: 4 << 20
        ),
        memoryAgeSeconds: 12
    )

    private func report(
        _ groups: [GroupInspection],
        measurements: [Int32: Measurement] = [4711: Self.measurement]
    ) -> StatusReport {
        StatusReport(
            PoolInspection(processCount: 4, topLevelQueue: 1, hiddenGroups: 2, omittedGroups: 3, groups: groups),
            daemon: daemon,
            measurements: measurements,
            fronts: FrontsInspection(
                connections: [
                    ConnectionReport(front: "f", pid: 1, uid: 2, authority: "full", sessions: 0, waitingCheckouts: 0)
                ],
                budgets: [BudgetReport(name: "streams", used: 1, limit: 2, refused: 3)]
            ),
            time: 9
        )
    }

    @Test func `everything that is known of a group is told`() throws {
        let report = report([try group("shop", uid: 5, topLevel: 1, processes: [process(4711), process(4712)])])
        #expect(report.processCount == 4)
        #expect(report.topLevelQueue == 1)
        #expect(report.connections.count == 1 && report.budgets?.count == 1)
        #expect(report.hiddenGroups == 2 && report.omittedGroups == 3)
        let shop = try #require(report.groups.first)
        #expect(shop.name == "shop")
        #expect(shop.appRoot == "/srv/shop")
        #expect(shop.appType == "rack")
        #expect(shop.queue == 2)
        #expect(shop.queuedRequests == [QueuedRequestReport(method: "GET", path: "/", waitingMilliseconds: 1500)])
        #expect(shop.user == "joe")
        #expect(shop.uid == 5)
        #expect(shop.userReason == "runs as joe because joe owns config.ru")
        #expect(shop.isRestarting)
        #expect(shop.processesBeingSpawned == 1)
        #expect(shop.nextStartMilliseconds == 700)
        #expect(shop.leases?.held == shop.processes.compactMap(\.leased).reduce(0, +))
        let error = SpawnErrorReport(id: "0badcafe", summary: "no") {
            $0.kind = "exception"
            $0.ageSeconds = 9
            $0.time = 77
            $0.detailsFile = "/run/x/failures/0badcafe.txt"
            $0.failuresInARow = 3
            $0.nextTryMilliseconds = 1200
        }
        #expect(shop.topLevelQueue == 1)
        #expect(shop.lastError == error)
        #expect(
            shop.processes.first
                == ProcessReport(pid: 4711) {
                    $0.sessions = 1
                    $0.leased = 1
                    $0.processed = 12
                    $0.concurrency = 1
                    $0.uptimeSeconds = 65
                    $0.lastUsedSeconds = 3
                    $0.spawnedAt = 5
                    $0.generation = 3
                    $0.cpuPercent = 2
                    $0.memoryKilobytes = 2048
                    $0.memory = MemoryReport(
                        resident: 20 * 1024,
                        virtual: 90 * 1024,
                        own: 2048,
                        shared: 8192,
                        proportional: 5 * 1024
                    )
                    $0.memoryAgeSeconds = 12
                    $0.isForked = false
                    $0.requests = [.init(method: "GET", host: "h", path: "/p", ageMilliseconds: 1500)]
                }
        )
        #expect(shop.processes.last?.cpuPercent == nil)
        #expect(shop.memory == nil, "of one process it is not known")
        #expect(shop.preloader == nil)
    }

    @Test func `what is resident stands for memory that could not be read`() throws {
        var unread = Self.measurement
        unread.memory = nil
        let shop = try #require(
            report([try group("shop", processes: [process(4711)])], measurements: [4711: unread]).groups.first
        )
        #expect(shop.processes.first?.memoryKilobytes == 20 * 1024)
        #expect(shop.processes.first?.memory == MemoryReport(resident: 20 * 1024, virtual: 90 * 1024))
        #expect(shop.memory == nil)
    }

    /// Its preloader, and which of two processes are forked; kilobytes that are saved.
    @Test(
        arguments: [
            (nil, [false, false], nil), (4710, [true, true], 20480 - 12288), (nil, [true, false], 20480 - 10240),
            (4710, [false, false], 20480 - 12288),
        ] as [(Int32?, [Bool], Int?)]
    )
    func `memory is saved where a preloader forks`(_ preloader: Int32?, _ isForked: [Bool], _ saved: Int?) throws {
        let processes = zip([4711, 4712], isForked).map { process($0, isForked: $1) }
        let inspection = try group("shop", uid: 5, preloader: preloader, processes: processes)
        let measurements = Dictionary(uniqueKeysWithValues: (4710...4712).map { (Int32($0), Self.measurement) })
        let shop = try #require(report([inspection], measurements: measurements).groups.first)
        let count = preloader == nil ? 2 : 3
        #expect(shop.memory == MemorySumReport(own: 2048 * count, used: max(4096 * count, 10240), saved: saved))
        #expect(shop.preloader?.generation == preloader.map { _ in 2 })
        #expect(shop.preloader?.pid == preloader && shop.preloader?.memory?.ownKilobytes == preloader.map { _ in 2048 })
        #expect(shop.processes.map(\.isForked) == isForked)
        let pool = PoolInspection(processCount: 2, topLevelQueue: 0, groups: [inspection])
        #expect(pool.memorySubjects.count == count && pool.memorySubjects.allSatisfy { $0.uid == 5 })
        #expect(pool.measured { .init(use: nil, time: $0.rawValue) }.compactMap(\.memory?.time).count == count)
    }

    @Test func `thousands of groups without authority do not keep the others from being shown`() throws {
        let long = String(repeating: "x", count: 4000)
        let groups =
            try (0..<500).map { try group("\($0)" + long, tenant: 33) } + (0..<5).map { try group("shop\($0)") }
        let (shown, omitted) = PoolInspection.fitting(groups, in: 1_000_000)
        #expect(shown.prefix(5).map(\.key.name) == (0..<5).map { "shop\($0)" })
        #expect(shown.count > 10 && shown.count + omitted == 505)
        #expect(PoolInspection.fitting(shown, in: 1_000_000).omitted == 0)
    }

    @Test(arguments: [
        (ApplicationPool.Process.State.enabled, ProcessReport.State.enabled),
        (.draining(until: Instant(nanoseconds: 1), thenKill: false), .shuttingDown),
        (.stopping(killAt: Instant(nanoseconds: 1)), .shuttingDown),
        (.killed, .shuttingDown),
    ])
    func `processes that take no requests any more are shutting down`(
        state: ApplicationPool.Process.State,
        shown: ProcessReport.State
    ) {
        #expect(ProcessReport.State(state) == shown)
    }
}
