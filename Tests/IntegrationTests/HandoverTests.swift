// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Streams over the sockets of apps themselves, and streams that the daemon copies.
    @Suite(.timeLimit(.minutes(1)))
    struct HandoverTests {
        /// Each tick is let go by a file; the last request of all says how many sessions were begun.
        private static let app = """
            import os
            import time


            def application(environ, start_response):
                start_response('200 OK', [])
                return ticks() if environ['PATH_INFO'] == '/ticks' else [b'ok']


            def ticks():
                for number in range(6):
                    while not os.path.exists(f'tmp/tick{number}'):
                        time.sleep(0.005)
                    yield b'tick'

            """

        private static func site(daemonFlags: [String] = [], frontFlags: [String] = []) throws -> Site {
            let site = try Site(
                apps: [.init("ticks", from: nil)],
                daemonFlags: daemonFlags,
                httpSettings: ["passenger_max_instances 1;"]
            )
            try site.directory.write(app, to: "apps/ticks/passenger_wsgi.py")
            try site.directory.write("", to: "apps/ticks/public/.keep")
            try site.directory.write("", to: "apps/ticks/tmp/.keep")
            if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: "ticks"), to: owner) }
            try site.startDaemon()
            try site.startFront(flags: frontFlags)
            return site
        }

        private static func tick(_ numbers: ClosedRange<Int>, _ site: Site) throws {
            for number in numbers { try site.directory.write("", to: "apps/ticks/tmp/tick\(number)") }
        }

        /// All of its threads stand still when this returns.
        private static func stopCore(of site: Site) throws -> ProcessHandle {
            let core = try ProcessHandle(pid: try site.corePID())
            try core.signal(.stop)
            let tasks = "/proc/\(core.pid)/task"
            try eventually("the core to stand still") {
                try TestFile.names(in: tasks).allSatisfy { try TestFile.text("\(tasks)/\($0)/stat").contains(") T ") }
            }
            return core
        }

        /// A client with the head and the first piece of an answer that goes on.
        private static func begin(_ site: Site) throws -> HTTPConnection {
            try tick(0...0, site)
            let client = try HTTPConnection(port: site.port)
            try client.send("GET /ticks HTTP/1.1\r\nHost: ticks.localhost\r\n\r\n")
            #expect(try client.readResponse(toHead: true).status == 200)
            #expect(String(decoding: try client.read(9), as: UTF8.self) == "4\r\ntick\r\n")
            return client
        }

        @Test func `an answer goes on while the daemon stands still`() throws {
            let site = try Self.site()
            let client = try Self.begin(site)
            let core = try Self.stopCore(of: site)
            defer { _ = try? core.signal(.continue) }
            try Self.tick(1...5, site)
            for _ in 1...5 { #expect(String(decoding: try client.read(9), as: UTF8.self) == "4\r\ntick\r\n") }
            try core.signal(.continue)
            try eventually("the session to end") { try site.processes(of: "ticks").map(\.sessions) == [0] }
            #expect(try site.page("ticks").text == "ok")
        }

        @Test(arguments: [(["--no-handover"], []), ([], ["--no-handover"])] as [([String], [String])])
        func `where one of the two does without, the daemon copies`(_ daemon: [String], _ front: [String]) throws {
            let site = try Self.site(daemonFlags: daemon, frontFlags: front)
            let client = try Self.begin(site)
            let core = try Self.stopCore(of: site)
            defer { _ = try? core.signal(.continue) }
            try Self.tick(1...5, site)
            #expect(try client.isSilent(for: .milliseconds(200)))
            try core.signal(.continue)
            for _ in 1...5 { #expect(String(decoding: try client.read(9), as: UTF8.self) == "4\r\ntick\r\n") }
        }

        @Test(arguments: [[], ["--no-handover"]] as [[String]])
        func `a session of a killed worker ends when the app has answered`(_ flags: [String]) throws {
            let site = try Self.site(daemonFlags: flags)
            _ = try Self.begin(site)
            let worker = try #require(try site.workerPIDs().first)
            let pid = try #require(try site.processes(of: "ticks").first?.pid)
            try ProcessHandle(pid: worker).signal(.kill)
            try eventually("another worker") { try site.workerPIDs() != [worker] }
            #expect(try site.processes(of: "ticks").map(\.sessions) == [1])
            try Self.tick(1...5, site)
            try eventually("the session to end") { try site.processes(of: "ticks").map(\.sessions) == [0] }
            #expect(try site.page("ticks").text == "ok")
            #expect(try site.processes(of: "ticks").map(\.pid) == [pid])
        }
    }
}
