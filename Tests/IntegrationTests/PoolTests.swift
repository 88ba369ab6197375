// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Processes and queues, seen from outside.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(2)))
    struct PoolTests {
        @Test func `restart txt restarts the application with the next request, through a changed link as well`() throws
        {
            let site = try Site.running([.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let first = try site.page("wsgi", "/pid").pid
            #expect(try site.page("wsgi", "/pid").pid == first)
            try site.directory.write("", to: "apps/wsgi/tmp/restart.txt")
            let second = try site.page("wsgi", "/pid").pid
            #expect(second != first)
            #expect(try site.page("wsgi", "/pid").pid == second)
            // Written anew: another modification time.
            try site.directory.write("again", to: "apps/wsgi/tmp/restart.txt")
            let third = try site.page("wsgi", "/pid").pid
            #expect(third != second)
            try Files.remove("\(site.root(of: "wsgi"))/tmp/restart.txt")
            #expect(try site.page("wsgi", "/pid").pid == third, "a file that vanishes restarts nothing")
        }

        @Test func `a full queue is answered with 503 while those in the queue are served`() throws {
            let site = try Site.running([
                .init(
                    "rack",
                    from: "rack",
                    owner: Integration.owner(0),
                    settings: ["passenger_max_instances 1;", "passenger_max_request_queue_size 2;"]
                )
            ])
            _ = try site.page("rack")
            let connections = try (0..<8).map { _ in try HTTPConnection(port: site.port) }
            for connection in connections {
                try connection.send("GET /sleep?ms=700 HTTP/1.1\r\nHost: rack.localhost\r\n\r\n")
            }
            let responses = try connections.map { try $0.readResponse() }
            let refused = responses.filter { $0.status == 503 }
            #expect(responses.filter { $0.status == 200 }.count == 3, "one runs, two wait")
            #expect(refused.count == 5)
            #expect(refused.allSatisfy { $0.header("retry-after") != nil })
            #expect(refused.allSatisfy { $0.header("cache-control")?.contains("no-store") == true })
        }

        @Test func `a full pool gives the place of the longest idle application to another one`() throws {
            let site = try Site.running(
                ["one", "two", "three"].map { .init($0, from: "wsgi", owner: Integration.owner(0)) },
                daemonFlags: ["--max-pool-size=2"]
            )
            for name in ["one", "two", "three", "one", "two", "three"] {
                #expect(try site.page(name).status == 200)
                #expect(try site.status().groups.flatMap(\.processes).count <= 2)
            }
        }

        @Test func `busy processes are joined by others up to the limit of the application`() throws {
            let site = try Site.running([
                .init("rack", from: "rack", owner: Integration.owner(0), settings: ["passenger_max_instances 3;"])
            ])
            let load = try site.load(clients: 6, app: "rack", path: "/sleep?ms=50")
            try eventually("three processes") { try site.processes(of: "rack").count == 3 }
            try load.waitForAnswers(30)
            let result = load.stop()
            #expect(result.lost == [] && result.refused == [])
            #expect(result.pids.count == 3)
        }

        @Test func `changed settings of a reload take effect, and an application keeps what it was told`() throws {
            let site = try Site.running([
                .init("wsgi", from: "wsgi", owner: Integration.owner(0), settings: ["passenger_env_var COLOUR red;"])
            ])
            #expect(try site.page("wsgi", "/env").text.contains("COLOUR=red\n"))
            let first = try site.page("wsgi", "/pid").pid
            site.remove("wsgi")
            try site.add(.init("wsgi", from: nil, settings: ["passenger_env_var COLOUR blue;"]))
            try site.writeConfiguration()
            try #require(site.front).signal(.hangUp)
            try eventually("the changed environment") { try site.page("wsgi", "/env").text.contains("COLOUR=blue\n") }
            #expect(try site.page("wsgi", "/pid").pid != first)
        }

        @Test func `an application gets a clean environment`() throws {
            let user = Integration.owner(0)
            let site = try Site.running([
                .init("wsgi", from: "wsgi", owner: user, settings: ["passenger_app_env staging;"])
            ])
            let lines = try site.page("wsgi", "/env").text.split(separator: "\n")
            for wanted in ["WSGI_ENV=staging", "PASSENGER_APP_ENV=staging", "IN_PASSENGER=1"] {
                #expect(lines.contains(wanted[...]), "\(wanted) in \(lines)")
            }
            if let user {
                for wanted in ["USER=\(user.name)", "LOGNAME=\(user.name)", "HOME=\(user.home)"] {
                    #expect(lines.contains(wanted[...]), "\(wanted) in \(lines)")
                }
            }
            for name in ["LISTEN_FDS", "NOTIFY_SOCKET", "PASSENGER_BASE_URI", "FLYING_PASSENGER_BIN_DIR"] {
                #expect(!lines.contains { $0.hasPrefix("\(name)=") })
            }
        }
    }
}
