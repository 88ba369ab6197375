// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

@testable import AdminTools

@Suite struct PoolTextTests {
    static func report(groups: [GroupReport] = [], hiddenGroups: Int = 0) -> StatusReport {
        StatusReport(
            version: "1.2.0",
            instance: "Ab3dE5g",
            socketPath: "/run/fp.sock",
            watchdogPID: 4700,
            corePID: 4702,
            startedAt: 0,
            time: 0,
            maxPoolSize: 6,
            processCount: 2,
            topLevelQueue: 0
        ) {
            $0.hiddenGroups = hiddenGroups
            $0.groups = groups
        }
    }

    private func render(_ report: StatusReport, isVerbose: Bool = false) -> String {
        PoolText(isVerbose: isVerbose) { "2030-01-31 18:05:\($0 / 1_000_000) +0100" }.render(report)
    }

    private let shop = GroupReport(name: "/srv/shop", appRoot: "/srv/shop") {
        $0.processes = [
            ProcessReport(pid: 4711) {
                $0.sessions = 0
                $0.processed = 12
                $0.uptimeSeconds = 65
                $0.lastUsedSeconds = 3
                $0.cpuPercent = 1
                $0.memoryKilobytes = 35 * 1024 + 900
            }
        ]
    }

    @Test func `leased sessions are named, and verbosely what became of leases`() {
        var group = shop
        group.leases = LeaseReport(held: 3, granted: 10, reused: 2000, recalled: 4, duplicates: 1, abandoned: 2)
        #expect(render(Self.report(groups: [group])).contains("\n  Leased sessions: 3\n"))
        let counts = "Leases: 10 granted, 2000 requests without asking, 4 recalled, 1 duplicates; 2 abandoned sessions"
        #expect(render(Self.report(groups: [group]), isVerbose: true).contains("\n  \(counts)\n"))
        group.leases?.held = 0
        #expect(!render(Self.report(groups: [group])).contains("Leased"))
    }

    @Test func `the pool is rendered as in the guide`() {
        #expect(
            render(Self.report(groups: [shop])) == """
                ----------- General information -----------
                Max pool size : 6
                Processes     : 2
                Requests in top-level queue : 0

                ----------- Application groups -----------
                /srv/shop#default:
                  App root: /srv/shop
                  Requests in queue: 0
                  * PID: 4711    Sessions: 0       Processed: 12      Uptime: 1m 5s
                    CPU: 1%      Memory  : 35M     Last used: 3s ago

                """
        )
    }

    @Test func `an empty pool says so`() {
        #expect(
            render(Self.report()) == """
                ----------- General information -----------
                Max pool size : 6
                Processes     : 2
                Requests in top-level queue : 0

                No application is being served.

                """
        )
    }

    @Test func `groups of other users are counted, not shown`() {
        let text = render(Self.report(hiddenGroups: 2))
        #expect(text.hasSuffix("\n2 applications of other users not shown; run this as root.\n"))
        #expect(!text.contains("No application"))
    }

    @Test func `what is left out or held back is said`() {
        var group = shop
        group.nextStartMilliseconds = 700
        group.processes[0].memoryAgeSeconds = 61
        var report = Self.report(groups: [group])
        report.omittedGroups = 1
        let text = render(report)
        #expect(text.contains("\n  (its processes end young, so the next start waits for 1s)\n"))
        #expect(text.hasSuffix("\n\n1 application not shown, because the list would be too long.\n"))
        #expect(!text.contains("Memory read"))
        #expect(render(report, isVerbose: true).contains("\n    Memory read 1m 1s ago\n"))
    }

    @Test func `what a preloader costs and saves stands below its processes`() {
        var group = shop
        group.preloader = PreloaderReport(
            pid: 4705,
            uptimeSeconds: 61,
            memory: MemoryReport(resident: 9, virtual: 9, own: 3 * 1024)
        )
        group.memory = MemorySumReport(own: 9, used: 60 * 1024, saved: 40 * 1024)
        group.processes[0].memory = MemoryReport(resident: 9, virtual: 9, own: 9, shared: 2048, proportional: 4096)
        let text = render(Self.report(groups: [group]))
        #expect(
            text.hasSuffix(
                """
                    CPU: 1%      Memory  : 35M     Last used: 3s ago
                  Preloader: PID 4705   Memory: 3M   Uptime: 1m 1s
                  Memory in all: 60M, 40M saved by sharing (40%)

                """
            )
        )
        group.preloader?.generation = 0
        #expect(render(Self.report(groups: [group])) == text)
        group.preloader?.generation = 2
        #expect(render(Self.report(groups: [group])).contains("   Uptime: 1m 1s   Generation: 2\n"))
        group.preloader?.generation = nil
        #expect(
            render(Self.report(groups: [group]), isVerbose: true).contains(
                "\n    Shared memory: 2M   Proportional: 4M\n"
            )
        )
        group.memory?.savedKilobytes = -5
        group.preloader?.memory = nil
        group.preloader?.generation = nil
        let early = render(Self.report(groups: [group]))
        #expect(early.hasSuffix("Memory: ?   Uptime: 1m 1s\n  Memory in all: 60M, nothing saved by sharing yet\n"))
        group.memory?.savedKilobytes = nil
        #expect(!render(Self.report(groups: [group])).contains("Memory in all"))
    }

    @Test func `states of groups and processes are noted`() {
        var group = shop
        group.queue = 4
        group.isRestarting = true
        group.processesBeingSpawned = 2
        group.processes = [
            ProcessReport(pid: 123_456) {
                $0.sessions = 100
                $0.processed = 1_234_567
                $0.state = .disabling
            },
            ProcessReport(pid: 7) { $0.state = .disabled },
            ProcessReport(pid: 8) { $0.state = .shuttingDown },
        ]
        #expect(
            render(Self.report(groups: [group])).hasSuffix(
                """
                /srv/shop#default:
                  App root: /srv/shop
                  Requests in queue: 4
                  (restarting...)
                  (spawning 2 new process(es)...)
                  * PID: 123456   Sessions: 100      Processed: 1234567   Uptime: 0s
                    CPU: ?       Memory  : ?       Last used: 0s ago
                    Disabling...
                  * PID: 7       Sessions: 0       Processed: 0       Uptime: 0s
                    CPU: ?       Memory  : ?       Last used: 0s ago
                    DISABLED
                  * PID: 8       Sessions: 0       Processed: 0       Uptime: 0s
                    CPU: ?       Memory  : ?       Last used: 0s ago
                    Shutting down...

                """
            )
        )
    }

    @Test func `verbose adds user, reason, queue, generation, times and the last error`() {
        var group = shop
        group.appType = "rack"
        group.user = "joe"
        group.uid = 1001
        group.gid = 1002
        group.userReason = "runs as joe because joe owns config.ru"
        group.generation = 3
        group.queue = 1
        group.queuedRequests = [QueuedRequestReport(method: "GET", path: "/a\u{1B}", waitingMilliseconds: 12)]
        group.lastError = SpawnErrorReport(id: "0badcafe", summary: "The app did not start in time") {
            $0.kind = "timeout"
            $0.ageSeconds = 61
            $0.time = 9_000_000
            $0.detailsFile = "/run/passenger.x/failures/0badcafe.txt"
        }
        group.processes[0].spawnedAt = 7_000_000
        group.processes[0].generation = 3
        group.processes[0].concurrency = 0
        #expect(
            render(Self.report(groups: [group]), isVerbose: true).hasSuffix(
                """
                /srv/shop#default:
                  App root: /srv/shop
                  User: joe (uid 1001, gid 1002)
                  runs as joe because joe owns config.ru
                  App type: rack, environment production
                  Restart generation: 3
                  Last error: The app did not start in time (error ID 0badcafe, 1m 1s ago, 2030-01-31 18:05:9 +0100)
                  Details: /run/passenger.x/failures/0badcafe.txt
                  LAST START FAILED 1m 1s ago, error 0badcafe: The app did not start in time
                    next try with its next request; details: /run/passenger.x/failures/0badcafe.txt
                  Requests in queue: 1
                    GET /a\\x1b (waiting 12 ms)
                  * PID: 4711    Sessions: 0       Processed: 12      Uptime: 1m 5s
                    CPU: 1%      Memory  : 35M     Last used: 3s ago
                    Spawned: 2030-01-31 18:05:7 +0100   Generation: 3   Concurrency: unlimited

                """
            )
        )
    }

    @Test func `an app that is down does not look like an idle one`() {
        var idle = shop
        idle.processes = []
        #expect(
            render(Self.report(groups: [idle])).hasSuffix(
                """
                  App root: /srv/shop
                  (no process; starts with its next request)
                  Requests in queue: 0

                """
            )
        )
        var failing = idle
        failing.lastError = SpawnErrorReport(id: "0badcafe", summary: "the environment file\u{1B} is missing") {
            $0.kind = "environment-file"
            $0.ageSeconds = 47
            $0.detailsFile = "/run/f/0badcafe.txt"
            $0.failuresInARow = 3
            $0.nextTryMilliseconds = 11_001
        }
        #expect(
            render(Self.report(groups: [failing])).hasSuffix(
                """
                  App root: /srv/shop
                  LAST START FAILED 47s ago (3 in a row), error 0badcafe: the environment file\\x1b is missing
                    next try in 12s; details: /run/f/0badcafe.txt
                  Requests in queue: 0

                """
            )
        )
        var waiting = idle
        waiting.topLevelQueue = 2
        let text = render(Self.report(groups: [waiting]))
        #expect(text.contains("\n  (the pool is full: 2 of the requests in the top-level queue)\n"))
        #expect(!text.contains("no process"))
        var crashed = failing
        crashed.lastError?.kind = "crash"
        #expect(
            render(Self.report(groups: [crashed])).contains("\n  LAST PROCESS ENDED BY ITSELF 47s ago (3 in a row), ")
        )
    }

    @Test func `groups are separated by an empty line`() {
        let text = render(Self.report(groups: [shop, shop]))
        #expect(text.contains("ago\n\n/srv/shop#default:\n"))
    }
}
