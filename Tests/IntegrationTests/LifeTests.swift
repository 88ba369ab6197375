// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Processes that end, do not end, or leave others behind.
    @Suite(.timeLimit(.minutes(3)))
    struct LifeTests {
        private static func running(
            _ settings: [String] = [],
            flags: [String] = [],
            without missing: String? = nil
        ) throws -> Site {
            let site = try Site(
                apps: [
                    .init("life", from: "life", owner: Integration.owner(0), settings: settings),
                    .init("other", from: "wsgi", owner: Integration.owner(1)),
                ],
                daemonFlags: ["--log-level=4"] + flags,
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
            )
            if let missing { site.daemonWrapper = ["env", "\(Floor.environmentVariable)=\(missing)"] }
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func number(_ site: Site, _ path: String = "/pid") throws -> Int32 {
            try #require(try site.page("life", path).pid)
        }

        private static func kill(_ pid: Int32, _ signal: Signal = .kill) throws {
            try ProcessHandle(pid: pid).signal(signal)
        }

        private static func expectGone(_ pid: Int32, within limit: Duration = .seconds(30)) throws {
            try eventually("\(pid) to be gone", within: limit) { !ProcessFacts.isRunning(pid) }
        }

        private static func touch(_ site: Site, _ name: String = "tmp/restart.txt") throws {
            try site.directory.write("", to: "apps/life/\(name).new")
            try Files.rename(site.directory.file("apps/life/\(name).new"), to: site.directory.file("apps/life/\(name)"))
        }

        /// A request that is in the application until its process ends.
        private static func busy(_ site: Site) throws -> HTTPConnection {
            let connection = try HTTPConnection(port: site.port)
            try connection.send("POST /sleep?ms=60000 HTTP/1.1\r\nHost: life.localhost\r\nContent-Length: 0\r\n\r\n")
            try eventually("the request to be under way") {
                try site.processes(of: "life").contains { $0.sessions == 1 }
            }
            return connection
        }

        @Test func `a process that drains is stopped when its shutdown_timeout is over`() throws {
            let site = try Self.running(["passenger_shutdown_timeout 2s;"])
            let old = try Self.number(site)
            let request = try Self.busy(site)
            try Self.touch(site)
            let began = ContinuousClock.now
            let new = try Self.number(site)
            #expect(new != old && ProcessFacts.isRunning(old))
            try eventually("the old process to be told to stop") { site.log().contains("process is told to stop") }
            #expect(ContinuousClock.now - began >= .seconds(1))
            #expect(try Self.number(site) == new)
            // It hangs in its request: only force ends it, and the request with it.
            try Self.kill(old)
            #expect(try request.readResponse().status == 502)
            try Self.expectGone(old)
        }

        @Test func `what starts has a tenth of the processors that what serves has`() throws {
            let site = try Self.running()
            let page = try site.page("life", "/weights")
            let own = Niceness.own
            // Of the daemon's session: the one of these tests may be the kernel's first, which has none.
            let isThere = Autogroup.niceness(of: try #require(site.daemon).pid) != nil
            let (added, session): (Int32, String) =
                (Niceness.mayBeLowered() ? 10 : 0, Autogroup.mayBeSet() ? "10" : isThere ? "0" : "none")
            let starting = own + added
            #expect(page.field("at start") == "\(starting),\(starting) \(session)")
            #expect(page.field("now") == "\(own),\(own) \(isThere ? "0" : "none")")
        }

        @Test(.enabled(if: Niceness.mayBeLowered(), "niceness cannot be given back here"))
        func `a start that others keep from the processors waits for them half of its time at most`() throws {
            let site = try Self.running(["passenger_start_timeout 4;"])
            try site.directory.write("", to: "apps/life/starved-start")
            #expect(try site.page("life", "/weights").field("now")?.hasPrefix("\(Niceness.own),") == true)
        }

        @Test func `children in the process group of an application end with it`() throws {
            let site = try Self.running()
            let old = try Self.number(site)
            let child = try Self.number(site, "/child")
            try Self.kill(old)
            try Self.expectGone(child)
            let next = try Self.number(site)
            let another = try Self.number(site, "/child")
            try Self.touch(site)
            #expect(try Self.number(site) != next)
            try Self.expectGone(another)
        }

        @Test(
            .enabled(if: Machine.hasControlGroups, "control groups of version 2 are not writable here"),
            arguments: [nil, "cgroup.kill"]
        )
        func `a daemon that an application starts ends with its process`(without missing: String?) throws {
            let site = try Self.running(without: missing)
            let old = try Self.number(site)
            let left = try Self.number(site, "/daemon")
            #expect(ProcessFacts.isRunning(left))
            try Self.kill(old)
            try Self.expectGone(left)
            // The same when the daemon ends it.
            let next = try Self.number(site)
            let another = try Self.number(site, "/daemon")
            try Self.touch(site)
            #expect(try Self.number(site) != next)
            try Self.expectGone(another)
            #expect(ProcessFacts.isRunning(try Self.number(site)))
        }

        @Test func `without control groups such a daemon outlives the application, not the daemon`() throws {
            let site = try Self.running(without: "cgroups")
            let old = try Self.number(site)
            let left = try Self.number(site, "/daemon")
            try Self.kill(old)
            #expect(try Self.number(site) != old)
            try eventually("a word about it") { site.log().contains("an app has left a process behind") }
            #expect(ProcessFacts.isRunning(left))
            #expect(try #require(site.daemon).terminate() == .exited(0))
            #expect(!ProcessFacts.isRunning(left))
        }

        /// Without a moment in between: nobody has written down what the application has just left behind.
        @Test func `what an application left behind is swept although both halves are killed at once`() throws {
            let site = try Self.running()
            let core = try ProcessHandle(pid: try site.corePID())
            let daemon = try #require(site.daemon)
            _ = try Self.number(site)
            let left = try Self.number(site, "/daemon")
            try core.signal(.stop)
            try daemon.signal(.stop)
            try core.signal(.kill)
            try daemon.signal(.kill)
            _ = try daemon.waitForExit()
            #expect(ProcessFacts.isRunning(left))
            try site.startDaemon()
            #expect(!ProcessFacts.isRunning(left))
            #expect(site.log().contains("ended processes that a daemon left behind"))
        }

        @Test func `nothing that applications leave stays behind as a zombie`() throws {
            let site = try Self.running()
            let core = try site.corePID()
            for _ in 1...3 {
                _ = try Self.number(site, "/orphans?n=20")
                let pid = try Self.number(site)
                try Self.kill(pid)
                try Self.expectGone(pid)
                // Who dies so often so young would be held back.
                try Self.touch(site)
                #expect(try Self.number(site) != pid)
            }
            try eventually("no zombie below the core") {
                ProcInfo.children(of: core).allSatisfy { ProcInfo(pid: $0)?.isZombie != true }
            }
        }

        @Test func `a process that every request ends is replaced for the next one, whatever came before`() throws {
            let site = try Self.running()
            let other = try site.page("other", "/pid").pid
            _ = try Self.number(site)
            for _ in 1...5 {
                #expect(try site.get("life", "/exit").status == 502)
                let began = ContinuousClock.now
                _ = try Self.number(site)
                #expect(ContinuousClock.now - began < .seconds(3))
            }
            #expect(site.log().contains("exit code 7") || site.log().contains("status 7"), "\(site.log().suffix(800))")
            #expect(try site.page("other", "/pid").pid == other)
        }

        @Test func `a process may be killed in every state of its life`() throws {
            let site = try Self.running()
            let core = try site.corePID()
            // Idle.
            var pid = try Self.number(site)
            try Self.kill(pid)
            try Self.expectGone(pid)
            // Busy.
            pid = try Self.number(site)
            var request = try Self.busy(site)
            try Self.kill(pid)
            #expect(try request.readResponse().status == 502)
            try Self.touch(site)
            // Draining.
            pid = try Self.number(site)
            request = try Self.busy(site)
            try Self.touch(site)
            let next = try Self.number(site)
            try Self.kill(pid)
            #expect(try request.readResponse().status == 502)
            #expect(try Self.number(site) == next)
            // Told to stop, and not able to.
            try Self.kill(next, .stop)
            try Self.touch(site)
            pid = try Self.number(site)
            try eventually("the stopped one to be told") {
                site.log().split(separator: "\n").contains { $0.contains("told to stop") && $0.contains("pid=\(next)") }
            }
            try Self.kill(next)
            try Self.expectGone(next)
            #expect(try Self.number(site) == pid)
            // Starting.
            try site.directory.write("", to: "apps/life/slow-start")
            try Self.touch(site)
            let connection = try HTTPConnection(port: site.port)
            try connection.send("GET /pid HTTP/1.1\r\nHost: life.localhost\r\n\r\n")
            var loading: Int32?
            try eventually("the start") {
                loading = site.log().pieces(between: "output: loading ").dropFirst().last.flatMap {
                    Int32($0.prefix { $0.isNumber })
                }
                return loading != nil
            }
            try Self.kill(try #require(loading))
            #expect(try connection.readResponse().status == 500)
            try Files.remove(site.directory.file("apps/life/slow-start"))
            try Self.touch(site)
            _ = try Self.number(site)
            #expect(try site.corePID() == core)
        }

        /// Two apps that hang at start, for as many processors, and places in the pool for one more or for none.
        @Test func `apps that hang at start do not lock another one out`() async throws {
            try await together([3, 2]) { try Self.startBesideHangingOnes(poolSize: $0) }
        }

        private static func startBesideHangingOnes(poolSize: Int) throws {
            let site = try Site(
                apps: (1...2).map { .init("hang\($0)", from: "life", owner: Integration.owner($0)) }
                    + [.init("other", from: "wsgi", owner: Integration.owner(0))],
                daemonFlags: ["--max-pool-size=\(poolSize)"],
                httpSettings: ["passenger_load_shell_envvars off;"]
            )
            for number in 1...2 { try site.directory.write("", to: "apps/hang\(number)/slow-start") }
            try site.startDaemon()
            try site.startFront()
            let waiting = try (1...2).map { number in
                let connection = try HTTPConnection(port: site.port)
                try connection.send("GET /pid HTTP/1.1\r\nHost: hang\(number).localhost\r\n\r\n")
                return connection
            }
            try eventually("both to hang") { site.log().pieces(between: "output: loading ").count == 3 }
            let began = ContinuousClock.now
            _ = try site.page("other", "/pid")
            let time = ContinuousClock.now - began
            #expect(time < (poolSize == 3 ? .seconds(10) : .seconds(25)), "\(time)")
            let givenUp = site.log().pieces(between: "start given up, because it takes long").count - 1
            #expect(givenUp == (poolSize == 3 ? 0 : 1))
            #expect(waiting.count == 2)
        }

        @Test func `a process that is stopped by a signal is killed when the time to stop is over`() throws {
            let site = try Self.running(flags: ["--shutdown-timeout=1s"])
            let pid = try Self.number(site)
            try Self.kill(pid, .stop)
            let began = ContinuousClock.now
            #expect(try #require(site.daemon).terminate() == .exited(0))
            #expect(ContinuousClock.now - began < .seconds(20))
            #expect(!ProcessFacts.isRunning(pid))
            #expect(site.log().contains("process is killed"))
        }

        @Test func `many lives and deaths leave no descriptor, thread or record behind`() throws {
            let site = try Self.running()
            let core = try site.corePID()
            func cycle() throws {
                let pid = try Self.number(site)
                try Self.touch(site)
                let next = try Self.number(site)
                try Self.expectGone(pid)
                try Self.kill(next)
                try Self.expectGone(next)
                try Self.touch(site)
                _ = try Self.number(site)
            }
            try cycle()
            let descriptors = ProcessFacts.descriptorCount(of: core)
            let threads = TestFile.names(in: "/proc/\(core)/task").count
            for _ in 1...10 { try cycle() }
            try eventually("descriptors to be back at \(descriptors)") {
                ProcessFacts.descriptorCount(of: core) <= descriptors
            }
            #expect(TestFile.names(in: "/proc/\(core)/task").count <= threads + 1)
            let registry = site.directory.file("registry")
            let instance = try #require(TestFile.names(in: registry).first { $0.hasPrefix("passenger.") })
            try eventually("one socket and one record for each process") {
                let processes = try site.status().groups.flatMap(\.processes).count
                return TestFile.names(in: "\(registry)/\(instance)/apps").count == processes
                    && TestFile.names(in: "\(registry)/\(instance)/processes").count == processes
            }
        }
    }
}
