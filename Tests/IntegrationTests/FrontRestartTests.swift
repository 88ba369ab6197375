// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// A front comes and goes; no application process notices, and no request is lost where none has to be.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"))
    struct FrontRestartTests {
        private static func site() throws -> Site {
            let fixed = ["passenger_min_instances 2;", "passenger_max_instances 2;"]
            let site = try Site(
                apps: [
                    .init("rack", from: "rack", owner: Integration.owner(0), settings: fixed),
                    .init("node", from: "node", owner: Integration.owner(1)),
                ]
            )
            try site.startDaemon()
            return site
        }

        private static func warmUp(_ site: Site) throws -> [Int32] {
            _ = try site.page("node")
            _ = try site.page("rack")
            try eventually("two processes of the rack application") { try site.processes(of: "rack").count == 2 }
            return try pids(site)
        }

        private static func pids(_ site: Site) throws -> [Int32] {
            try site.status().groups.flatMap { $0.processes.map(\.pid) }.sorted()
        }

        private static func expectNothingLost(_ result: Load.Result, _ note: String) {
            #expect(result.lost == [], "\(note): \(result.lost.prefix(5))")
            #expect(result.refused == [], "\(note): \(result.refused.prefix(5))")
            #expect(result.repeated == 0, "\(note): requests met a closed connection")
        }

        @Test(.timeLimit(.minutes(3)))
        func `20 reloads under 32 clients lose nothing and change no application process`() throws {
            let site = try Self.site()
            let front = try site.startFront()
            let before = try Self.warmUp(site)
            let loads = [try site.load(clients: 16, app: "rack"), try site.load(clients: 16, app: "node")]
            for _ in 1...20 {
                let workers = try site.workerPIDs()
                try front.signal(.hangUp)
                try eventually("a new worker") { try site.workerPIDs().contains { !workers.contains($0) } }
                for load in loads { try load.waitForAnswers(50) }
            }
            for load in loads {
                let result = load.stop()
                Self.expectNothingLost(result, "reload")
                #expect(result.pids.isSubset(of: before))
                #expect(result.answered > 1000)
            }
            #expect(try Self.pids(site) == before)
            try eventually("the old workers to end") { try site.workerPIDs().count == 1 }
        }

        @Test(.timeLimit(.minutes(3)))
        func `20 stops and starts with the socket kept by a parent lose nothing`() throws {
            let site = try Self.site()
            let listener = try TCPListener.bind(host: "127.0.0.1", port: site.port, backlog: 4096)
            var front = try site.startFront(listeners: [listener.rawValue])
            let before = try Self.warmUp(site)
            let loads = [try site.load(clients: 16, app: "rack"), try site.load(clients: 16, app: "node")]
            for _ in 1...20 {
                for load in loads { try load.waitForAnswers(50) }
                #expect(try front.terminate() == .exited(0))
                front = try site.startFront(listeners: [listener.rawValue])
            }
            for load in loads {
                try load.waitForAnswers(50)
                let result = load.stop()
                Self.expectNothingLost(result, "stop and start")
                #expect(result.pids.isSubset(of: before))
            }
            #expect(try Self.pids(site) == before)
        }

        @Test(.timeLimit(.minutes(2)))
        func `a killed worker loses only requests in flight and is replaced`() throws {
            let site = try Self.site()
            let front = try site.startFront()
            let before = try Self.warmUp(site)
            let load = try site.load(clients: 32, app: "node")
            try load.waitForAnswers(500)
            let worker = try #require(try site.workerPIDs().first)
            try ProcessHandle(pid: worker).signal(.kill)
            try eventually("another worker") { try site.workerPIDs().contains { $0 != worker } }
            try load.waitForAnswers(500)
            let result = load.stop()
            // Each client has one request under way; while no worker accepts, connections wait in the listener's queue.
            #expect(result.lost.count + result.repeated <= 32, "\(result.lost.count) lost: \(result.lost.prefix(5))")
            #expect(result.refused == [])
            #expect(front.isRunning)
            #expect(try Self.pids(site) == before)
            #expect(try site.page("rack").status == 200)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a stopped and started front finds the same process with a larger uptime`() throws {
            let site = try Self.site()
            var front = try site.startFront()
            let pid = try site.page("node").pid
            let uptime = try #require(try site.processes(of: "node").first).uptimeSeconds
            try eventually("the uptime to grow") { (try site.processes(of: "node").first?.uptimeSeconds ?? 0) > uptime }
            #expect(try front.terminate() == .exited(0))
            front = try site.startFront()
            #expect(try site.page("node").pid == pid)
            let process = try #require(try site.processes(of: "node").first)
            #expect(process.pid == pid && process.uptimeSeconds > uptime)
        }
    }
}
