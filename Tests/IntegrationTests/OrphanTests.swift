// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// An app that leaves thousands of processes behind, and goes on doing so.
    @Suite(.enabled(if: Machine.isRoot, "apps need users of their own"), .timeLimit(.minutes(3)))
    struct OrphanTests {
        private static let count = 2_000

        private static func site(without missing: String? = nil) throws -> Site {
            let site = try Site(
                apps: [
                    .init("life", from: "life", owner: Integration.owner(0)),
                    .init("other", from: "wsgi", owner: Integration.owner(1)),
                ],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
            )
            if let missing { site.daemonWrapper = ["env", "\(Floor.environmentVariable)=\(missing)"] }
            try site.startDaemon()
            try site.startFront()
            return site
        }

        /// How long the neighbour takes to come up, the median of five.
        private static func startTime(_ site: Site) throws -> Duration {
            try (1...5).map { _ in
                let before = try site.page("other", "/pid").pid
                try site.directory.write("", to: "apps/other/tmp/restart.new")
                try Files.rename(
                    site.directory.file("apps/other/tmp/restart.new"),
                    to: site.directory.file("apps/other/tmp/restart.txt")
                )
                let began = ContinuousClock.now
                #expect(try site.page("other", "/pid").pid != before)
                return ContinuousClock.now - began
            }.sorted()[2]
        }

        /// What the app has started by now, and itself.
        private static func processes(below core: Int32) throws -> [Int32] {
            let uid = try #require(Integration.owner(0)).uid
            return ProcessFacts.descendants(of: core).filter { ProcInfo.uid(of: $0) == uid }
        }

        @Test func `thousands of orphans hold up no neighbour's start, and end with the daemon`() throws {
            let site = try Self.site(without: "cgroups")
            let core = try site.corePID()
            _ = try site.page("life", "/pid")
            let quiet = try Self.startTime(site)
            _ = try site.page("life", "/leave?n=\(Self.count)")
            for _ in 1...6 { _ = try site.page("life", "/storm") }
            try eventually("the orphans to be the core's") { ProcInfo.children(of: core).count >= Self.count }
            // Its state is that of a process that has ended.
            let headless = try #require(try site.page("life", "/headless").pid)
            try eventually("its first thread to end") { ProcInfo(pid: headless)?.state == "Z" }
            let loud = try Self.startTime(site)
            // The storms take their share of the processors, as any busy app does.
            #expect(loud < quiet * 6 + .seconds(1), "\(loud) instead of \(quiet)")
            try eventually("those that ended to be collected") {
                ProcInfo.children(of: core).count { ProcInfo(pid: $0)?.isZombie == true } < 50
            }
            #expect(try site.corePID() == core)
            let left = try Self.processes(below: core)
            #expect(left.count > Self.count && left.contains(headless) && ProcessFacts.isRunning(headless))
            let end = ContinuousClock.now
            #expect(try #require(site.daemon).terminate() == .exited(0))
            #expect(ContinuousClock.now - end < .seconds(9), "something was not ended, or not seen to be")
            #expect(!left.contains(where: ProcessFacts.isRunning))
        }

        @Test(.enabled(if: Machine.hasControlGroups, "control groups of version 2 are not writable here"))
        func `all that a process has left behind ends with it, however fast it forks`() throws {
            let site = try Self.site()
            let pid = try #require(try site.page("life", "/pid").pid)
            let other = try site.page("other", "/pid").pid
            _ = try site.page("life", "/leave?n=300")
            for _ in 1...3 { _ = try site.page("life", "/storm") }
            let core = try site.corePID()
            try eventually("the orphans") { try Self.processes(below: core).count > 300 }
            let left = try Self.processes(below: core)
            let old = try #require(ControlGroupPlace.of(pid))
            try ProcessHandle(pid: pid).signal(.kill)
            // The storms start new ones to the last moment: of those the group tells.
            try eventually("all of them to be gone") { !left.contains(where: ProcessFacts.isRunning) && !old.exists }
            #expect(try site.page("other", "/pid").pid == other)
            let next = try #require(try site.page("life", "/pid").pid)
            let group = try #require(ControlGroupPlace.of(next))
            #expect(group.processes == [next])
            #expect(try #require(site.daemon).terminate() == .exited(0))
            #expect(!group.exists && group.parent == nil, "the groups of the daemon are gone with it")
        }
    }
}
