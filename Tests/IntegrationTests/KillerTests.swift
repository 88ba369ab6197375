// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Requests that end their process, beside others of the same application: nobody else pays for them.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(3)))
    struct KillerTests {
        private static let languages = ["rack", "wsgi", "node"]
        private static let startupFiles = ["rack": "config.ru", "wsgi": "passenger_wsgi.py", "node": "app.js"]
        private static let ways = ["exit", "segv", "kill", "memory"]

        private static func running(_ language: String, _ settings: [String]) throws -> Site {
            let type = [
                "passenger_app_type \(language);",
                "passenger_startup_file \(try #require(Self.startupFiles[language]));",
                // Cores of processes that end by SIGSEGV would fill the disk.
                "passenger_load_shell_envvars off;",
            ]
            return try Site.running(
                [.init("killer", from: "killer", owner: Integration.owner(0), settings: type + settings)]
            )
        }

        private static func runs(_ site: Site) -> [Substring] {
            ((try? TestFile.text(site.root(of: "killer") + "/tmp/runs.txt")) ?? "").split(separator: "\n")
        }

        @Test(arguments: languages, [1, 4])
        func `each killer runs once, and no other request fails`(language: String, instances: Int) throws {
            let site = try Self.running(
                language,
                ["passenger_min_instances \(instances);", "passenger_max_request_queue_size 1000;"]
            )
            _ = try site.page("killer")
            try eventually("all processes") { try site.processes(of: "killer").count == instances }
            let load = try site.load(clients: 32, app: "killer", path: "/")
            for way in Self.ways {
                try load.waitForAnswers(300)
                let answer = try site.get("killer", "/die?how=\(way)")
                // Ruby and Python survive a lack of memory by an exception.
                let statuses = way == "memory" && language != "node" ? [500, 502] : [502]
                #expect(statuses.contains(answer.status), "\(way): \(answer.status) \(answer.text)")
            }
            try load.waitForAnswers(300)
            let result = load.stop()
            #expect(Self.runs(site).map(String.init) == Self.ways.map { "how=\($0)" })
            #expect(result.lost == [])
            // A Node process has many requests at a time; those that were in it are lost with it.
            let inIt = language == "node" ? 32 * Self.ways.count : 0
            #expect(result.refused.count <= inIt, "\(result.refused.count): \(result.refused.prefix(3))")
            #expect(result.refused.allSatisfy { $0.hasPrefix("502") })
            let log = try TestFile.text(site.frontLog)
            #expect(log.contains("path=/die") && log.contains("method=GET"), "\(log.suffix(1000))")
        }

        @Test(arguments: languages)
        func `no process serves more than max_requests, and nobody waits for nothing`(language: String) throws {
            let site = try Self.running(language, ["passenger_max_requests 3;", "passenger_max_instances 2;"])
            var served: [Int32: Int] = [:]
            for _ in 1...20 { served[try #require(try site.page("killer").pid), default: 0] += 1 }
            #expect(served.values.allSatisfy { $0 <= 3 }, "\(served)")
        }

        @Test func `an answer that nobody waits for costs its process in the end, and no slot for ever`() async throws {
            try await together(["rack", "wsgi"]) { try Self.abandon(in: $0) }
        }

        private static func abandon(in language: String) throws {
            let site = try Self.running(
                language,
                ["passenger_max_instances 1;", "passenger_abandoned_timeout 1s;", "passenger_shutdown_timeout 1s;"]
            )
            let first = try #require(try site.page("killer").pid)
            // One who leaves a request that is soon done harms nobody.
            try Self.leave(site, "/hang?s=1")
            #expect(try site.page("killer").pid == first)
            try Self.leave(site, "/hang?s=60")
            let second = try #require(try site.page("killer").pid)
            #expect(second != first)
            try eventually("the old process to be gone") { !ProcessFacts.isRunning(first) }
            #expect(try site.processes(of: "killer").map(\.sessions) == [0])
            #expect(site.log().contains("an answer that nobody waits for"))
        }

        /// Sends a request and leaves when it is with the application.
        private static func leave(_ site: Site, _ path: String) throws {
            let connection = try HTTPConnection(port: site.port)
            try connection.send("GET \(path) HTTP/1.1\r\nHost: killer.localhost\r\n\r\n")
            try eventually("the request to be under way") {
                let requests = try site.processes(of: "killer").flatMap { $0.requests ?? [] }
                return requests.contains {
                    path.hasPrefix($0.path) && $0.host == "killer.localhost" && $0.method == "GET"
                }
            }
        }
    }
}
