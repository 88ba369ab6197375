// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

extension Integration {
    /// Processes that become what others are forked from (`passenger_refork`).
    @Suite(.enabled(if: Integration.hasRuby, "needs Ruby"), .timeLimit(.minutes(2)))
    struct ReforkTests {
        private static let languages = ["smart", "smart-wsgi"]

        private static func app(_ source: String, named name: String? = nil, _ settings: [String] = []) -> Site.App {
            let owner = Integration.owner(source == "smart" ? 0 : 1)
            return .init(name ?? source, from: source, owner: owner, settings: settings)
        }

        private static func running(_ apps: [Site.App]) throws -> Site {
            try Site.running(
                apps,
                daemonFlags: ["--max-pool-size=12"],
                httpSettings: [
                    "passenger_load_shell_envvars off;", "passenger_spawn_method smart;", "passenger_min_instances 3;",
                    "passenger_refork 5;",
                ]
            )
        }

        private static func group(_ site: Site, _ app: String) throws -> GroupReport {
            try #require(try site.status().groups.first { $0.appRoot == site.root(of: app) })
        }

        private static func pids(_ site: Site, _ app: String) throws -> [Int32] {
            try site.processes(of: app).map(\.pid)
        }

        /// The processes of a site's app, once all are there.
        private static func started(_ site: Site, _ app: String) throws -> Set<Int32> {
            _ = try site.page(app)
            try eventually("three processes of \(app)") { try Self.pids(site, app).count == 3 }
            return Set(try Self.pids(site, app))
        }

        /// Keeps two requests at a time running until `isOver`; every one is answered.
        private static func load(_ site: Site, _ app: String, until isOver: () throws -> Bool) throws {
            let connections = try (0..<2).map { _ in try HTTPConnection(port: site.port, limit: .seconds(20)) }
            try eventually("\(app) to have enough of requests", within: .seconds(30)) {
                for connection in connections {
                    try connection.send("GET / HTTP/1.1\r\nHost: \(app).localhost\r\n\r\n")
                }
                for connection in connections {
                    let response = try connection.readResponse()
                    #expect(response.status == 200, "\(response.text)")
                }
                return try isOver()
            }
        }

        /// The preloader is of that generation, and none of the old processes is left.
        private static func isRenewed(_ site: Site, _ app: String, _ old: Set<Int32>) throws -> Bool {
            let group = try Self.group(site, app)
            return group.preloader?.generation == 1 && group.processes.count == 3
                && old.isDisjoint(with: group.processes.map(\.pid))
        }

        private static func touch(_ site: Site, _ app: String, _ name: String) throws {
            try site.directory.write("", to: "apps/\(app)/tmp/\(name)")
        }

        @Test func `what a process has loaded by serving is there in those that are forked after it`() throws {
            let site = try Self.running(Self.languages.map { Self.app($0) })
            let core = try site.corePID()
            for app in Self.languages {
                let old = try Self.started(site, app)
                let first = try #require(try Self.group(site, app).preloader)
                #expect(first.generation == 0)
                try Self.load(site, app) { try Self.isRenewed(site, app, old) }
                let chosen = try #require(Int32(try TestFile.text(site.directory.file("apps/\(app)/tmp/reforked"))))
                #expect(old.contains(chosen))
                let workers = try Self.pids(site, app)
                let preloader = try #require(try Self.group(site, app).preloader?.pid)
                try Self.expectOwn(workers + [preloader], core)
                #expect(ProcInfo.arguments(of: preloader).first?.hasPrefix("Passenger AppPreloader: ") == true)
                for _ in 0..<6 {
                    let page = try site.page(app)
                    #expect(page.field("warmed") == "\(chosen)" && page.field("loaded-by") == "\(first.pid)")
                    #expect(page.pid.map(workers.contains) == true && page.field("threads") == "1")
                }
                _ = try site.page(app, "/say")
                try eventually("its output") {
                    workers.contains { site.log().contains("App \($0) output: said in \($0)") }
                }
                for pid in old.union([first.pid]) { try eventually("\(pid) to end") { !ProcessFacts.isRunning(pid) } }
                // It is a preloader like any other: its end ends nobody, and the next process comes of another one.
                try ProcessHandle(pid: preloader).signal(.kill)
                try ProcessHandle(pid: workers[0]).signal(.kill)
                try Self.load(site, app) {
                    try Self.group(site, app).preloader?.generation == 0 && Self.pids(site, app).count == 3
                }
            }
            let log = site.log()
            #expect(log.pieces(between: "a process was forked, which is the preloader now").count >= 3)
            #expect(!log.contains("refork failed") && !log.contains("event ignored"))
        }

        /// Sockets, pipes, sessions and control groups of their own, as children of the core.
        private static func expectOwn(_ pids: [Int32], _ core: Int32) throws {
            var channels: Set<String> = []
            var groups: Set<String> = []
            for pid in pids {
                let facts = try #require(ProcInfo(pid: pid))
                #expect(facts.parent == core && facts.session == pid && facts.processGroup == pid)
                let links = TestFile.names(in: "/proc/\(pid)/fd").compactMap {
                    try? Files.readLink("/proc/\(pid)/fd/\($0)")
                }
                let own = Set(links.filter { $0.hasPrefix("socket:") || $0.hasPrefix("pipe:") })
                #expect(channels.isDisjoint(with: own), "\(pid)")
                channels.formUnion(own)
                if let place = ControlGroupPlace.of(pid)?.path { groups.insert(place) }
            }
            if groups.contains(where: { $0.contains("/process.") }) { #expect(groups.count == pids.count) }
        }

        @Test func `a refork that fails is told once, and leaves everything as it was`() throws {
            let site = try Self.running(Self.languages.map { Self.app($0) })
            for app in Self.languages {
                try Self.touch(site, app, "fail-refork")
                let old = try Self.started(site, app)
                let told = site.log().pieces(between: "refork failed").count
                try Self.load(site, app) { site.log().pieces(between: "refork failed").count > told }
                for _ in 0..<30 { _ = try site.page(app) }
                #expect(Set(try Self.pids(site, app)) == old)
                #expect(try Self.group(site, app).preloader?.generation == 0)
                #expect(site.log().pieces(between: "refork failed").count == told + 1)
                #expect(site.log().contains("not this one"))
            }
        }

        @Test func `whoever is killed at whatever step of a refork, all requests are answered`() throws {
            let steps = ["order", "second-child", "descriptors"]
            let site = try Self.running(steps.map { Self.app("smart", named: $0, ["passenger_env_var STEPS 1;"]) })
            for step in steps {
                let old = try Self.started(site, step)
                try Self.touch(site, step, "pause-\(step)")
                let place = site.directory.file("apps/\(step)/tmp/at-\(step)")
                try Self.load(site, step) { Files.exists(place) }
                let stopped = try #require(Int32(try TestFile.text(place)))
                #expect((step == "order") == old.contains(stopped), "\(step)")
                try ProcessHandle(pid: stopped).signal(.kill)
                try Files.remove(site.directory.file("apps/\(step)/tmp/pause-\(step)"))
                try Self.load(site, step) {
                    try Self.pids(site, step).count == 3 && old.subtracting(Self.pids(site, step)).count == 1
                }
                #expect(try Self.group(site, step).preloader?.generation == 0)
            }
            #expect(!site.log().contains("event ignored"))
        }

        @Test(.enabled(if: Machine.isRoot, "apps need users of their own"))
        func `a hostile process gains nothing by a refork, and goes`() throws {
            let ways = ["self", "child", "session", "lies"]
            let site = try Self.running(
                ways.map {
                    Self.app(
                        "smart",
                        named: $0,
                        ["passenger_env_var HOSTILE \($0);", "passenger_env_var HOSTILE_REFORK 1;"]
                    )
                }
            )
            let core = try site.corePID()
            for way in ways {
                let old = try Self.started(site, way)
                try Self.load(site, way) {
                    try Self.pids(site, way).count == 3 && old.subtracting(Self.pids(site, way)).count == 1
                }
                #expect(try Self.group(site, way).preloader?.generation == 0)
            }
            #expect(try site.corePID() == core)
            #expect(site.log().pieces(between: "did not fork as it should").count == ways.count + 1)
            #expect(!site.log().contains("event ignored"))
        }
    }
}
