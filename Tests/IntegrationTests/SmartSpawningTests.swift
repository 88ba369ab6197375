// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

extension Integration {
    /// Preloaders of Ruby and Python, and what is forked from them.
    @Suite(.enabled(if: Integration.hasRuby, "needs Ruby"), .timeLimit(.minutes(3)))
    struct SmartSpawningTests {
        private static let languages = ["smart", "smart-wsgi", "smart-asgi"]

        private static func app(_ source: String, named name: String? = nil, _ settings: [String] = []) -> Site.App {
            let owner = Integration.owner(source == "smart" ? 0 : 1)
            return .init(name ?? source, from: source, owner: owner, settings: settings)
        }

        private static func running(_ apps: [Site.App], _ settings: [String] = []) throws -> Site {
            try Site.running(
                apps,
                daemonFlags: ["--max-pool-size=12"],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_spawn_method smart;"] + settings
            )
        }

        private static func preloader(_ site: Site, _ app: String) throws -> Int32 {
            try #require(try site.page(app).field("loaded-by").flatMap { Int32($0) })
        }

        private static func touch(_ site: Site, _ app: String, _ name: String) throws {
            try site.directory.write("", to: "apps/\(app)/tmp/\(name).new")
            try Files.rename(
                site.directory.file("apps/\(app)/tmp/\(name).new"),
                to: site.directory.file("apps/\(app)/tmp/\(name)")
            )
        }

        private static func remove(_ site: Site, _ app: String, _ name: String) throws {
            try Files.remove(site.directory.file("apps/\(app)/tmp/\(name)"))
        }

        private static func expectGone(_ pid: Int32) throws {
            try eventually("\(pid) to be gone") { !ProcessFacts.isRunning(pid) }
        }

        /// Sockets and pipes that a process has open.
        private static func channels(of pid: Int32) -> Set<String> {
            let numbers = TestFile.names(in: "/proc/\(pid)/fd")
            let links = numbers.compactMap { try? Files.readLink("/proc/\(pid)/fd/\($0)") }
            return Set(links.filter { $0.hasPrefix("socket:") || $0.hasPrefix("pipe:") })
        }

        /// PIDs of processes in service, once there are so many.
        private static func processes(_ site: Site, _ app: String, count: Int) throws -> [Int32] {
            var pids: [Int32] = []
            try eventually("\(count) processes of \(app)") {
                pids = try site.processes(of: app).map(\.pid)
                return pids.count == count
            }
            return pids
        }

        // MARK: What it is for

        @Test func `processes are forked from one that has loaded the app, and are their own in all else`() throws {
            let site = try Self.running(Self.languages.map { Self.app($0) }, ["passenger_min_instances 3;"])
            let core = try site.corePID()
            for (app, title) in zip(Self.languages, ["RackApp", "WsgiApp", "AsgiApp"].map { "Passenger \($0): " }) {
                let preloader = try Self.preloader(site, app)
                let workers = try Self.processes(site, app, count: 3)
                #expect(!workers.contains(preloader) && Set(workers).count == 3)
                #expect(ProcInfo.arguments(of: preloader).first?.hasPrefix("Passenger AppPreloader: ") == true)
                #expect(ProcInfo.children(of: preloader).isEmpty)
                let uid = try #require(ProcInfo.uid(of: preloader))
                var groups = Set([ControlGroupPlace.of(preloader)])
                for pid in workers {
                    let facts = try #require(ProcInfo(pid: pid))
                    #expect(facts.parent == core && facts.session == pid && facts.processGroup == pid)
                    #expect(ProcInfo.uids(of: pid) == [uid, uid, uid, uid])
                    #expect(ProcInfo.arguments(of: pid).first?.hasPrefix(title) == true)
                    groups.insert(ControlGroupPlace.of(pid))
                }
                let isEnclosed = ControlGroupPlace.of(preloader)?.path.contains("/process.") == true
                if isEnclosed { #expect(groups.count == 4) }
                for pid in workers + [preloader] {
                    let others = workers.filter { $0 != pid }.reduce(into: Set()) {
                        $0.formUnion(Self.channels(of: $1))
                    }
                    #expect(Self.channels(of: pid).isDisjoint(with: others), "\(pid)")
                }
                #expect(
                    site.log().contains("App \(preloader) output: ") && site.log().contains("started while loading")
                )
                #expect(!site.log().contains("bears a fork"))
                #expect(site.log().contains("preloader has loaded the app"))
                _ = try site.page(app, "/say")
                try eventually("its output") {
                    workers.contains { site.log().contains("App \($0) output: said in \($0)") }
                }
            }
            let smart = try site.page("smart")
            #expect(smart.field("forked") == "true" && smart.field("threads") == "1")
            let wsgi = try site.page("smart-wsgi")
            #expect(wsgi.field("heard") == "True" && wsgi.field("frozen") == "True" && wsgi.field("threads") == "1")
            let asgi = try site.page("smart-asgi")
            #expect(asgi.field("begun") == "True" && asgi.field("frozen") == "True" && asgi.field("threads") == "1")
            try Self.expectIndependence(site)
        }

        /// A preloader's end ends no process, a restart makes another one, and what the old ones do goes on.
        private static func expectIndependence(_ site: Site) throws {
            for app in Self.languages {
                let workers = try Self.processes(site, app, count: 3)
                let first = try Self.preloader(site, app)
                try ProcessHandle(pid: first).signal(.kill)
                try Self.expectGone(first)
                #expect(try Self.processes(site, app, count: 3) == workers)
                try eventually("the word about it") { site.log().contains("preloader ended by itself") }
                // The next process needs another one.
                try ProcessHandle(pid: workers[0]).signal(.kill)
                try eventually("another process") {
                    let now = try site.processes(of: app).map(\.pid)
                    return now.count == 3 && !now.contains(workers[0])
                }
            }
            let old = try Self.processes(site, "smart", count: 3)
            let request = try HTTPConnection(port: site.port)
            try request.send("GET /wait HTTP/1.1\r\nHost: smart.localhost\r\n\r\n")
            try eventually("the request to be under way") {
                try site.processes(of: "smart").contains { $0.sessions > 0 }
            }
            let busy = try #require(try site.processes(of: "smart").first { $0.sessions > 0 })
            try Self.touch(site, "smart", "restart.txt")
            let new = try Self.preloader(site, "smart")
            #expect(ProcessFacts.isRunning(busy.pid) && !old.contains(new))
            try Self.touch(site, "smart", "go")
            #expect(try request.readResponse().status == 200)
            for pid in old { try Self.expectGone(pid) }
            #expect(try Self.processes(site, "smart", count: 3).allSatisfy { !old.contains($0) })
            // Whoever serves says good-bye; a preloader does not.
            for pid in old { #expect(Files.exists(site.directory.file("apps/smart/tmp/ended-\(pid)"))) }
            #expect(!Files.exists(site.directory.file("apps/smart/tmp/ended-\(new)")))
        }

        @Test func `an idle preloader ends, and the next process starts another one`() throws {
            let site = try Self.running(
                Self.languages.map { Self.app($0) },
                ["passenger_max_preloader_idle_time 1s;"]
            )
            for app in Self.languages {
                let page = try site.page(app)
                let (worker, first) = (try #require(page.pid), try Self.preloader(site, app))
                try Self.expectGone(first)
                #expect(ProcessFacts.isRunning(worker))
                try ProcessHandle(pid: worker).signal(.kill)
                let second = try Self.preloader(site, app)
                #expect(second != first)
            }
            try eventually("their ends to be told") { site.log().pieces(between: "preloader ended").count >= 3 }
            #expect(!site.log().contains("preloader ended by itself"))
            // The second ones may be there still: the daemon's end is over with theirs.
            let daemon = try #require(site.daemon)
            try daemon.signal(.terminate)
            #expect(try daemon.waitForExit(within: .seconds(8)) == .exited(0))
            #expect(!site.log().contains("before all was in order"))
        }

        // MARK: Failures

        @Test func `failures of preloaders and of what they fork have pages of their own`() throws {
            let site = try Self.running(
                Self.languages.map { Self.app($0) },
                ["passenger_friendly_error_pages on;"]
            )
            for app in Self.languages {
                try Self.touch(site, app, "fail-load")
                let page = try site.get(app, "/", headers: "Accept: text/plain\r\n")
                #expect(page.status == 500 && page.text.contains("cannot be loaded"))
                #expect(page.text.contains("load-app") && !page.text.contains("after-fork"), "\(page.text)")
                try Self.remove(site, app, "fail-load")
                try Self.touch(site, app, "restart.txt")
                _ = try site.page(app)
            }
            for (app, file) in [("smart", "fail-after-fork"), ("smart-asgi", "fail-start")] {
                try Self.touch(site, app, file)
                let preloader = try Self.preloader(site, app)
                try ProcessHandle(pid: try #require(try site.page(app).pid)).signal(.kill)
                let page = try site.get(app, "/", headers: "Accept: text/plain\r\n")
                #expect(page.status == 500 && page.text.contains("not in this process"), "\(page.text)")
                #expect(page.text.contains("after-fork"))
                #expect(ProcessFacts.isRunning(preloader))
            }
            try Self.expectNoLoop(site)
        }

        /// An application that asks for an event loop while it is loaded is told so; one that makes a loop finds it in the log.
        private static func expectNoLoop(_ site: Site) throws {
            try remove(site, "smart-asgi", "fail-start")
            try touch(site, "smart-asgi", "get-loop")
            try touch(site, "smart-asgi", "restart.txt")
            let page = try site.get("smart-asgi", "/", headers: "Accept: text/plain\r\n").text
            #expect(page.contains("A preloader has no event loop.") && page.contains("load-app"), "\(page)")
            try remove(site, "smart-asgi", "get-loop")
            try touch(site, "smart-asgi", "leave-loop")
            try touch(site, "smart-asgi", "restart.txt")
            _ = try site.page("smart-asgi")
            try eventually("the loop to be named") {
                site.log().contains("output:         <_UnixSelectorEventLoop running=False closed=False")
            }
        }

        @Test func `an interpreter that cannot fork has its processes started directly, and the log says so once`()
            throws
        {
            let site = try Site(
                apps: [Self.app("smart", ["passenger_env_var RUBYOPT -r./nofork.rb;"])],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_spawn_method smart;"]
            )
            try site.directory.write("Process.singleton_class.send(:undef_method, :fork)\n", to: "apps/smart/nofork.rb")
            try site.startDaemon()
            try site.startFront()
            let first = try site.page("smart")
            #expect(first.field("loaded-by").flatMap { Int32($0) } == first.pid && first.field("forked") == "false")
            try Self.touch(site, "smart", "restart.txt")
            let second = try site.page("smart")
            #expect(second.pid != first.pid && second.field("forked") == "false")
            #expect(site.log().pieces(between: "the interpreter cannot fork").count == 2)
            #expect(!site.log().contains("preloader has loaded the app"))
        }

        // MARK: Memory

        /// 50 MiB of small objects, as code and its data are, rather than one block.
        @Test func `what was loaded is shared: a third of the memory of four processes at least`() throws {
            let apps = Self.languages.map { Self.app($0, ["passenger_env_var BALLAST 50;"]) }
            let site = try Self.running(apps, ["passenger_min_instances 4;"])
            for app in Self.languages {
                _ = try site.page(app)
                _ = try Self.processes(site, app, count: 4)
                var memory: MemorySumReport?
                try eventually("the memory of \(app) to be known") {
                    let group = try site.status().groups.first { $0.appRoot == site.root(of: app) }
                    memory = group?.processes.count == 4 ? group?.memory : nil
                    return memory?.savedKilobytes != nil
                }
                let used = try #require(memory?.usedKilobytes)
                let saved = try #require(memory?.savedKilobytes)
                #expect(saved >= used / 2, "\(app): \(used) kB used, \(saved) kB saved")
            }
        }

        // MARK: Kills

        private enum Victim: String { case preloader, worker, core }
        private static let steps = ["order", "first-child", "second-child", "descriptors", "after-fork", "listen"]

        /// So many by hand: FLYING_PASSENGER_SMART_KILLS=200.
        private static let kills = CurrentProcess.environment.last { $0.name == "FLYING_PASSENGER_SMART_KILLS" }
            .flatMap { Int($0.value) }

        @Test(.timeLimit(.minutes(30)))
        func `whoever is killed at whatever step of a fork, no request, no slot and no process is lost`() throws {
            let site = try Self.running(
                [Self.app("smart", ["passenger_env_var STEPS 1;", "passenger_friendly_error_pages on;"])]
            )
            let seed = Self.kills == nil ? 7 : RandomBytes.uint64()
            var random = Kills(state: seed)
            _ = try site.page("smart")
            for round in 0..<(Self.kills ?? 5) {
                let step = Self.steps.randomElement(using: &random) ?? "order"
                // The watchdog lets a core that ends again and again wait longer and longer, and requests do not.
                let victim =
                    round % 50 == 0 ? Victim.core : [.preloader, .worker].randomElement(using: &random) ?? .worker
                try Self.kill(victim, at: step, site, "seed \(seed), round \(round): \(victim) at \(step)")
            }
            let core = try site.corePID()
            let workers = try Self.processes(site, "smart", count: 1)
            let preloader = try Self.preloader(site, "smart")
            try eventually("everything to belong to the core, and nothing else to be there") {
                let all = site.leftovers().filter {
                    !ProcInfo.arguments(of: $0).contains { $0.contains("daemon.sock") }
                }
                return Set(all).subtracting(workers).subtracting([preloader])
                    .allSatisfy { ProcessFacts.program(of: $0)?.contains("ruby") != true }
            }
            #expect(workers.allSatisfy { ProcInfo(pid: $0)?.parent == core })
            try ProcessHandle(pid: core).signal(.quit)
            try eventually("the state of the pool") { site.log().contains("state of the pool") }
            #expect(!site.log().contains("the pool is not as it should be") && !site.log().contains("event ignored"))
        }

        private static func kill(_ victim: Victim, at step: String, _ site: Site, _ name: String) throws {
            let before = try Self.processes(site, "smart", count: 1)
            try Self.touch(site, "smart", "pause-\(step)")
            try ProcessHandle(pid: before[0]).signal(.kill)
            let request = try HTTPConnection(port: site.port)
            try request.send("GET / HTTP/1.1\r\nHost: smart.localhost\r\n\r\n")
            var stopped: Int32?
            try eventually("a process at the step: \(name)") {
                stopped = (try? TestFile.text(site.directory.file("apps/smart/tmp/at-\(step)"))).flatMap { Int32($0) }
                return stopped != nil
            }
            let pid = try #require(stopped)
            switch victim {
            case .core: try ProcessHandle(pid: try site.corePID()).signal(.kill)
            case .worker: try ProcessHandle(pid: pid).signal(.kill)
            case .preloader:
                let preloader = ProcInfo.all().first {
                    ProcInfo.arguments(of: $0).first == "Passenger AppPreloader: \(site.root(of: "smart"))"
                        && ProcInfo(pid: $0)?.session == $0
                }
                // Between the first child's end and its new title a process looks like the preloader, but leads no session.
                try ProcessHandle(pid: preloader ?? pid).signal(.kill)
            }
            try Self.remove(site, "smart", "at-\(step)")
            try Self.remove(site, "smart", "pause-\(step)")
            let answer = try request.readResponse()
            #expect(answer.status == 200, "\(name): \(answer.text)")
        }

        // MARK: Hostile preloaders

        @Test(.enabled(if: Machine.isRoot, "apps need users of their own"))
        func `a hostile preloader gains nothing, and harms nobody else`() throws {
            let ways = ["self", "child", "session", "closes"]
            var apps = ways.map { Self.app("smart", named: $0, ["passenger_env_var HOSTILE \($0);"]) }
            // What never answers is given up after so long, twice.
            let slow = ["passenger_env_var HOSTILE forks;", "passenger_start_timeout 1s;"]
            apps.append(Self.app("smart", named: "forks", slow))
            let site = try Self.running(
                apps + [Self.app("smart-wsgi", named: "other")],
                ["passenger_friendly_error_pages on;"]
            )
            let core = try site.corePID()
            _ = try site.page("other")
            let forks = try HTTPConnection(port: site.port)
            try forks.send("GET / HTTP/1.1\r\nHost: forks.localhost\r\n\r\n")
            for way in ways {
                let page = try site.get(way, "/", headers: "Accept: text/plain\r\n")
                #expect(page.status == 500 && page.text.contains("did not fork as it should"), "\(way): \(page.text)")
                #expect(try site.page("other").pid != nil)
            }
            #expect(try forks.readResponse().status == 500)
            #expect(try site.corePID() == core)
            let uid = try #require(Integration.owner(0)).uid
            try eventually("nothing of them to be left") {
                !ProcessFacts.descendants(of: core).contains { ProcInfo.uid(of: $0) == uid }
            }
            let log = site.log()
            #expect(log.pieces(between: "fork failed, trying once more").count >= ways.count + 1)
            #expect(!log.contains("event ignored"))
        }
    }
}

/// SplitMix64: the same kills for the same seed.
private struct Kills: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
