// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Processes that a front uses for its next requests without asking the daemon.
    @Suite(.timeLimit(.minutes(2)))
    struct LeaseTests {
        private static func site(_ settings: [String] = [], threads: Int = 1, flags: [String] = []) throws -> Site {
            let site = try Site(
                apps: [
                    .init(
                        "wsgi",
                        from: "wsgi",
                        owner: Integration.owner(0),
                        settings: ["passenger_max_instances 1;"] + settings
                    )
                ],
                daemonFlags: flags
            )
            try site.startDaemon()
            try site.startFront(flags: ["--threads=\(threads)"])
            _ = try site.page("wsgi")
            return site
        }

        private static func leases(_ site: Site) throws -> LeaseReport {
            try #require(try site.status().groups.first?.leases)
        }

        /// Requests one upon the other on one connection.
        private static func ask(_ site: Site, times: Int) throws -> Set<Int32?> {
            let connection = try HTTPConnection(port: site.port)
            return try Set(
                (0..<times).map { _ in
                    try connection.send("GET /pid HTTP/1.1\r\nHost: wsgi.localhost\r\n\r\n")
                    let response = try connection.readResponse()
                    #expect(response.status == 200)
                    return response.pid
                }
            )
        }

        @Test func `requests one upon the other ask the daemon now and then, and all are counted`() throws {
            let site = try Self.site()
            let before = try #require(try site.processes(of: "wsgi").first).processed
            #expect(try Self.ask(site, times: 200).count == 1)
            try eventually("every request is counted") {
                try site.processes(of: "wsgi").map(\.processed) == [before + 200]
            }
            try eventually("nothing is leased") { try Self.leases(site).held == 0 }
            let leases = try Self.leases(site)
            #expect(leases.reused >= 100)
            #expect(leases.granted + leases.reused == before + 200)
            #expect(try site.processes(of: "wsgi").map(\.sessions) == [0])
        }

        @Test func `with leases off every request asks`() throws {
            let site = try Self.site(["passenger_leases off;"])
            _ = try Self.ask(site, times: 50)
            #expect(try Self.leases(site).granted == 0)
            #expect(try Self.leases(site).reused == 0)
        }

        @Test func `restart txt acts on the next request when leases are at rest, and at once under load`() throws {
            let site = try Self.site(threads: 2)
            let file = "\(site.root(of: "wsgi"))/tmp/restart.txt"
            let first = try site.page("wsgi", "/pid").pid
            try eventually("nothing is leased") { try Self.leases(site).held == 0 }
            try site.directory.write("", to: "apps/wsgi/tmp/restart.txt")
            let second = try site.page("wsgi", "/pid").pid
            #expect(second != first)
            let load = try site.load(clients: 8, app: "wsgi")
            try load.waitForAnswers(100)
            #expect(try Shell.run(["touch", "-d", "2035-01-01", file]).status.isSuccess)
            try eventually("another process") { try site.page("wsgi", "/pid").pid != second }
            let result = load.stop()
            #expect(result.lost == [] && result.refused == [])
            #expect(try site.status().groups.first?.generation == 2)
        }

        @Test func `two loops share one process, and each gets its turn`() throws {
            let site = try Self.site(threads: 2)
            let loads = try (0..<2).map { _ in try site.load(clients: 6, app: "wsgi") }
            for load in loads { try load.waitForAnswers(400) }
            for load in loads {
                let result = load.stop()
                #expect(result.lost == [] && result.refused == [])
            }
            let leases = try Self.leases(site)
            #expect(leases.reused > 0 && leases.recalled > 0)
            try eventually("nothing is leased") { try Self.leases(site).held == 0 }
            #expect(try site.processes(of: "wsgi").map(\.sessions) == [0])
        }

        @Test func `another application gets the room of one whose process is leased`() throws {
            let site = try Site.running(
                ["one", "two"].map { .init($0, from: "wsgi", owner: Integration.owner(0)) },
                daemonFlags: ["--max-pool-size=1"]
            )
            for name in ["one", "two", "one", "two"] {
                #expect(try site.page(name).status == 200)
                #expect(try site.page(name).status == 200)
            }
        }

        @Test func `a worker that is killed leaves no session behind`() throws {
            let site = try Self.site()
            let load = try site.load(clients: 4, app: "wsgi")
            try load.waitForAnswers(50)
            let connections = try site.status().connections
            let worker = try #require(connections.first { $0.sessions > 0 || $0.waitingCheckouts > 0 })
            try ProcessHandle(pid: worker.pid).signal(.kill)
            _ = load.stop()
            try eventually("all sessions are over") { try site.processes(of: "wsgi").map(\.sessions) == [0] }
            #expect(try site.page("wsgi").status == 200)
        }
    }
}
