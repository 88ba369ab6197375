// SPDX-License-Identifier: MIT

import ArgumentParser
import LinuxSystem
import Testing
import WireProtocol

@testable import AdminTools

@Suite struct MemoryStatsTests {
    static let memory = MemoryReport(
        resident: 90_000,
        virtual: 204_800,
        own: 5120,
        shared: 51_200,
        proportional: 20_000
    )

    private let report: StatusReport = {
        var report = PoolTextTests.report(
            groups: [
                GroupReport(name: "/srv/shop", appRoot: "/srv/shop") {
                    $0.appType = "rack"
                    $0.preloader = PreloaderReport(pid: 4710, uptimeSeconds: 3, memory: Self.memory)
                    $0.memory = MemorySumReport(own: 15_360, used: 66_560, saved: 46_080)
                    $0.processes = [
                        ProcessReport(pid: 4711) { $0.memory = Self.memory },
                        ProcessReport(pid: 4712) { $0.memory = Self.memory },
                    ]
                },
                GroupReport(name: "idle", appRoot: "/srv/idle"),
            ],
            hiddenGroups: 2
        )
        report.groups.append(
            GroupReport(name: "api\u{1B}", appRoot: "/srv/api") {
                $0.appType = "generic"
                $0.processes = [
                    ProcessReport(pid: 4720) { $0.memory = MemoryReport(resident: 9000, virtual: 10_240) }
                ]
            }
        )
        return report
    }()

    private let servers = [
        ServerFamilyTests.process(4700, "flying-passenge"), ServerFamilyTests.process(4702, "flying-passenge"),
        ServerFamilyTests.process(2_147_483_600, "nginx"),
    ]

    private func stats(_ families: [ServerFamily] = ServerFamily.allCases) -> MemoryStats {
        MemoryStats(self.report, servers: self.servers, trusting: [0], families: families) { pid in
            guard pid < 4702 || pid > 5000 else { return nil }
            return MemoryUse(
                privateBytes: 3 << 20,
                sharedBytes: 1 << 20,
                proportionalBytes: 3 << 20,
                writtenBytes: 4 << 20,
                writtenPartBytes: 3 << 20
            )
        }
    }

    @Test func `everything that has to do with a daemon is in it`() throws {
        let stats = self.stats()
        #expect(stats.servers.map(\.family) == [.nginx])
        #expect(
            stats.servers[0].processes.first
                == .init(
                    pid: 2_147_483_600,
                    parent: 1,
                    name: "nginx",
                    virtual: 102_400,
                    own: 3072,
                    shared: 1024
                )
        )
        #expect(stats.processes.map(\.pid) == [4700, 4702, 4710, 4711, 4712, 4720])
        #expect(stats.processes[1].own == nil, "it may not be read")
        #expect(stats.processes[2].name == "Passenger AppPreloader: /srv/shop")
        #expect(stats.processes[5].own == nil && stats.processes[5].virtual == 10_240)
        #expect(stats.apps.map(\.name) == ["/srv/shop", "api\u{1B}"])
        #expect(stats.savedKilobytes == 46_080 && stats.hiddenApps == 2)
        #expect(self.stats([.front]).servers.isEmpty)
    }

    @Test func `the text has a section for each family, feet, and the saving of each application`() {
        let text = MemoryText(colours: .none) { _ in "2030-01-31 18:05:09 +0100" }.render(self.stats(), at: 0)
        #expect(
            text == """
                Version: 1.2.0
                Date   : 2030-01-31 18:05:09 +0100

                ----------- Nginx processes -----------
                PID         PPID  VMSize    Private  Shared  Name
                -------------------------------------------------
                2147483600  1     100.0 MB  3.0 MB   1.0 MB  nginx
                ### Processes: 1
                ### Total private dirty RSS: 3.0 MB

                ----------- Passenger processes -----------
                PID   VMSize    Private  Shared   Name
                --------------------------------------
                4700  100.0 MB  3.0 MB   1.0 MB   Passenger watchdog
                4702  100.0 MB  ?        ?        Passenger core
                4710  200.0 MB  5.0 MB   50.0 MB  Passenger AppPreloader: /srv/shop
                4711  200.0 MB  5.0 MB   50.0 MB  Passenger RackApp: /srv/shop
                4712  200.0 MB  5.0 MB   50.0 MB  Passenger RackApp: /srv/shop
                4720  10.0 MB   ?        ?        Passenger App: api\\x1b
                ### Processes: 6
                ### Total private dirty RSS: 18.0 MB (?)

                ----------- Applications -----------
                Processes      Private  Used     Saved          Name
                ----------------------------------------------------
                2 + preloader  15.0 MB  65.0 MB  45.0 MB (40%)  /srv/shop
                1              ?        ?        ?              api\\x1b
                ### Saved by sharing: 45.0 MB (40%) (?)
                2 applications of other users not shown; run this as root.

                *** The memory of 2 processes could not be read; run this as root.

                """
        )
    }

    @Test func `an application without a preloader saves nothing, nor does an empty pool`() {
        var stats = self.stats([])
        stats.apps = [.init(name: "a", processes: 1, hasPreloader: false, memory: .init(own: 51, used: 52))]
        stats.processes = []
        stats.hiddenApps = 0
        let text = MemoryText(colours: .none, date: { _ in "" })
        #expect(
            text.render(stats, at: 0).hasSuffix(
                "\n1          0.0 MB   0.1 MB  -      a\n### Saved by sharing: 0.0 MB\n"
            )
        )
        stats.apps = []
        #expect(
            text.render(stats, at: 0).hasSuffix(
                "\n### Total private dirty RSS: 0.0 MB\n\nNo application has a process.\n"
            )
        )
    }

    @Test func `numbers that no daemon counts end at the largest one`() {
        var stats = self.stats([])
        let huge = MemorySumReport(own: .max, used: .max, saved: .min)
        stats.apps = [
            .init(name: "a", processes: .max, hasPreloader: true, memory: huge),
            .init(name: "b", processes: .min, hasPreloader: true, memory: huge),
            .init(name: "c", processes: 1, hasPreloader: true, memory: .init(own: 1, used: .max, saved: .max)),
        ]
        #expect(stats.usedKilobytes == .max)
        #expect(
            MemoryText(colours: .none, date: { _ in "" }).render(stats, at: 0).contains(
                "### Saved by sharing: 0.0 MB\n"
            )
        )
        #expect([Int.max, 1].clampedSum == .max && [Int.min, -1].clampedSum == .min)
    }

    @Test func `a status is measured when the memory of every process is known`() {
        var report = self.report
        #expect(!report.isMeasured)
        report.groups.removeLast()
        #expect(report.isMeasured)
        report.groups[0].preloader?.memory = nil
        #expect(!report.isMeasured)
    }

    @Test func `options choose families and form`() throws {
        let command = try PassengerMemoryStats.parse(["--no-apache", "--no-nginx", "--json"])
        #expect(command.families == [.front])
        let json = command.render(self.stats())
        #expect(json.hasPrefix("{") && json.contains(#""hidden_apps" : 2"#) && json.contains(#""private" : 5120"#))
        #expect(!json.utf8.contains(0x1B))
        #expect(try PassengerMemoryStats.parse([]).families == ServerFamily.allCases)
        #expect(throws: (any Error).self) { try PassengerMemoryStats.parse(["--frobnicate"]) }
    }
}
