// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What survives the death of what, and what the log says of it.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(2)))
    struct CrashTests {
        private static let names = ["rack", "wsgi", "node", "generic"]

        /// A site whose four applications have answered once; with the PIDs they answered from.
        private static func running() throws -> (site: Site, pids: [String: Int32]) {
            let site = try Site.running(
                names.enumerated().map { number, name in
                    .init(
                        name,
                        from: name,
                        owner: Integration.owner(number),
                        settings: name == "generic"
                            ? ["passenger_app_start_command \"/usr/bin/python3 server.py\";"] : []
                    )
                }
            )
            return (site, try answeringPIDs(site))
        }

        private static func answeringPIDs(_ site: Site) throws -> [String: Int32] {
            var pids: [String: Int32] = [:]
            for name in names {
                let response = try site.page(name, "/pid")
                let pid: Int32 = try #require(response.pid, "\(response.text)")
                pids[name] = pid
            }
            return pids
        }

        private static func expectGone(_ pids: [String: Int32]) throws {
            for (name, pid) in pids {
                try eventually("\(name) (\(pid)) to be gone") { ProcInfo(pid: pid) == nil }
            }
        }

        /// No zombie below watchdog and core, and one directory in the registry.
        private static func expectTidy(_ site: Site) throws {
            let daemon = try #require(site.daemon)
            try eventually("no zombie to be left") {
                ProcessFacts.descendants(of: daemon.pid).allSatisfy { ProcInfo(pid: $0)?.isZombie != true }
            }
            let instances = TestFile.names(in: site.directory.file("registry"))
            #expect(instances.count == 1, "\(instances)")
        }

        @Test func `a killed application process is replaced, and the log says how it ended`() throws {
            let (site, pids) = try Self.running()
            let pid = try #require(pids["rack"])
            // Under way in the application, and not to be repeated: a POST.
            let connection = try HTTPConnection(port: site.port)
            try connection.send("POST /sleep?ms=20000 HTTP/1.1\r\nHost: rack.localhost\r\nContent-Length: 0\r\n\r\n")
            try eventually("the request to be under way") {
                try site.processes(of: "rack").first?.sessions == 1
            }
            try ProcessHandle(pid: pid).signal(.kill)
            #expect(try connection.readResponse().status == 502)
            let next = try site.page("rack", "/pid").pid
            #expect(next != pid)
            #expect(site.log().contains("SIGKILL") || site.log().contains("signal"), "\(site.log().suffix(1500))")
            for name in ["wsgi", "node", "generic"] { #expect(try site.page(name, "/pid").pid == pids[name]) }
            try Self.expectTidy(site)
        }

        @Test func `a killed core is replaced, its applications end, and requests wait for the next one`() throws {
            let (site, pids) = try Self.running()
            let daemon = try #require(site.daemon)
            let front = try #require(site.front)
            let core = try site.corePID()
            try ProcessHandle(pid: core).signal(.kill)
            // Asked for at once: waits for the next core instead of failing.
            #expect(try site.page("node", "/pid").pid != pids["node"])
            try Self.expectGone(pids)
            #expect(try site.corePID() != core)
            #expect(daemon.isRunning && front.isRunning)
            _ = try Self.answeringPIDs(site)
            try Self.expectTidy(site)
            #expect(site.log().contains("\(core)"), "the log names the core that died:\n\(site.log().suffix(2000))")
        }

        @Test func `a core killed under load refuses no request for its settings`() throws {
            let (site, _) = try Self.running()
            let load = try site.load(clients: 8, app: "node")
            for _ in 1...3 {
                try load.waitForAnswers(200)
                let core = try site.corePID()
                try ProcessHandle(pid: core).signal(.kill)
                try eventually("another core") { try site.corePID() != core }
            }
            try load.waitForAnswers(200)
            let result = load.stop()
            // In flight when the core died: at most one request of each client, each time.
            #expect(
                result.refused.count + result.lost.count <= 3 * 8,
                "\(result.refused.prefix(5)) \(result.lost.prefix(5))"
            )
            #expect(
                result.refused.allSatisfy { $0.hasPrefix("502") },
                "\(result.refused.prefix(5))\n\((try? TestFile.text(site.frontLog))?.suffix(3000) ?? "")"
            )
            #expect(!site.log().contains("not allowed"), "\(site.log().suffix(2000))")
        }

        @Test func `a worker that is back before its master waits for the manifest`() throws {
            let site = try Site.running(
                [.init("wsgi", from: "wsgi", owner: Integration.owner(0))],
                daemonFlags: ["--log-level=4"]
            )
            let first: Int32 = try #require(try site.page("wsgi", "/pid").pid)
            let master = try #require(site.front)
            try master.signal(.stop)
            defer { try? master.signal(.continue) }
            let waits = "worker of a front waits for its manifest"
            let before = site.log().pieces(between: waits).count
            try ProcessHandle(pid: try site.corePID()).signal(.kill)
            try eventually("the worker to wait") { site.log().pieces(between: waits).count > before }
            let client = try HTTPConnection(port: site.port)
            try client.send("GET /pid HTTP/1.1\r\nHost: wsgi.localhost\r\n\r\n")
            try master.signal(.continue)
            let response = try client.readResponse()
            #expect(response.status == 200, "\(response.text)")
            #expect(response.pid != first)
        }

        @Test func `when the watchdog is killed the core ends all applications and itself`() throws {
            let (site, pids) = try Self.running()
            let core = try site.corePID()
            try #require(site.daemon).signal(.kill)
            _ = try #require(site.daemon).waitForExit()
            try Self.expectGone(pids)
            try eventually("the core to end") { !ProcessFacts.isRunning(core) }
            try site.startDaemon()
            _ = try Self.answeringPIDs(site)
            try Self.expectTidy(site)
        }

        @Test func `when both are killed at once the loaders end and the next start sweeps the rest`() throws {
            let (site, pids) = try Self.running()
            let core = try ProcessHandle(pid: try site.corePID())
            let daemon = try #require(site.daemon)
            // Stopped first, so that neither can act on the end of the other.
            try daemon.signal(.stop)
            try core.signal(.stop)
            try core.signal(.kill)
            try daemon.signal(.kill)
            _ = try daemon.waitForExit()
            let withLoader = pids.filter { $0.key != "generic" }
            try Self.expectGone(withLoader)
            try site.startDaemon()
            try Self.expectGone(pids)
            _ = try Self.answeringPIDs(site)
            try Self.expectTidy(site)
        }

        @Test func `a stopped daemon leaves no process, no socket and no instance directory`() throws {
            let (site, pids) = try Self.running()
            let daemon = try #require(site.daemon)
            #expect(try daemon.terminate() == .exited(0))
            for (name, pid) in pids { #expect(!ProcessFacts.isRunning(pid), "\(name)") }
            #expect(!Files.exists(site.socket))
            #expect(TestFile.names(in: site.directory.file("registry")) == [])
            // The front stays, serves files, and lets a request wait for a while before it gives up.
            #expect(try site.get("node", "/file.txt").status == 200)
            let response = try site.get("node", "/pid")
            #expect(response.status == 503 && response.header("retry-after") != nil)
            try site.startDaemon()
            _ = try Self.answeringPIDs(site)
        }
    }
}
