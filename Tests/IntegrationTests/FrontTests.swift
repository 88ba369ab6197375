// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// The front as a program: configuration, reload, command line.
    @Suite(.timeLimit(.minutes(1)))
    struct FrontTests {
        private static func run(_ arguments: [String]) throws -> Shell.Outcome {
            try Shell.run([Repository.program("front-proxy")] + arguments, within: .seconds(30))
        }

        @Test func `a broken configuration is refused by a reload and the old one stays`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let pid = try site.page("wsgi", "/pid").pid
            let worker = try site.workerPIDs()
            try site.directory.write("http {\n    no_such_directive on;\n}\n", to: "front-proxy.conf")
            let front = try #require(site.front)
            try front.signal(.hangUp)
            try front.waitForOutput("no_such_directive", in: site.frontLog)
            #expect(try TestFile.text(site.frontLog).contains("front-proxy.conf:2"))
            #expect(try site.page("wsgi", "/pid").pid == pid)
            #expect(try site.workerPIDs() == worker)

            try site.add(.init("second", from: "wsgi", owner: Integration.owner(1)))
            try site.writeConfiguration()
            try front.signal(.hangUp)
            try eventually("the added application") { try site.get("second", "/pid").status == 200 }
            #expect(try site.page("wsgi", "/pid").pid == pid)
        }

        @Test func `a front without any server waits for a configuration that has one`() throws {
            let site = try Site(apps: [])
            try site.startDaemon()
            let front = try RunningProgram(
                [Repository.program("front-proxy"), "--config=\(site.configurationPath)"],
                log: site.directory.file("front.out")
            )
            defer { front.stop() }
            try front.waitForOutput("the configuration has no server")
            try site.add(.init("wsgi", from: "wsgi", owner: Integration.owner(0)))
            try site.writeConfiguration()
            try front.signal(.hangUp)
            try eventually("the added application") { (try? site.get("wsgi", "/pid").status) == 200 }
            #expect(try front.terminate() == .exited(0))
        }

        @Test func `the configuration that an installation begins with can be used`() throws {
            let sample = "\(Repository.root)/scripts/front-proxy.conf.default"
            let outcome = try Self.run(["--test-config", "--config=\(sample)"])
            #expect(outcome.status == .exited(0), "\(outcome.output)")
        }

        @Test func `a configuration can be tested, with file and line of what is wrong`() throws {
            let place = try TestDirectory()
            let good = try place.write("http { server { listen 127.0.0.1:1; } }\n", to: "good.conf")
            let bad = try place.write("http {\n  server {\n    listne 80;\n  }\n}\n", to: "bad.conf")
            #expect(try Self.run(["--fly-with=/nowhere", "--test-config", "--config=\(good)"]).status == .exited(0))
            let outcome = try Self.run(["--fly-with=/nowhere", "--test-config", "--config=\(bad)"])
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("bad.conf:3") && outcome.output.contains("listen"), "\(outcome.output)")
        }

        @Test func `the sample configuration of the examples is right`() throws {
            let outcome = try Self.run(["--test-config", "--config=\(Repository.root)/examples/front-proxy.conf"])
            #expect(outcome.status == .exited(0), "\(outcome.output)")
        }

        @Test(arguments: [["--no-such-flag"], []])
        func `wrong usage ends with 1`(_ arguments: [String]) throws {
            let outcome = try Self.run(arguments)
            #expect(outcome.status == .exited(1))
            #expect(!outcome.output.isEmpty)
        }

        @Test func `one application needs no configuration file`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            try site.startDaemon()
            let front = try RunningProgram(
                [
                    Repository.program("front-proxy"), "--fly-with=\(site.socket)", "--listen=127.0.0.1:\(site.port)",
                    "--app-root=\(site.root(of: "wsgi"))", "--set", "python=/usr/bin/python3", "--set=app_env=staging",
                ],
                log: site.directory.file("single.out")
            )
            try eventually("the front to accept") { (try? HTTPConnection(port: site.port)) != nil || !front.isRunning }
            let response = try site.get("any", "/env")
            #expect(response.text.contains("PASSENGER_APP_ENV=staging\n"), "\(response.text)\n\(front.output)")
            #expect(try front.terminate() == .exited(0))
        }

        @Test func `a front before its daemon serves files, lets requests wait, and connects when it comes`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            try site.startFront()
            #expect(try site.get("wsgi", "/file.txt").text == "static file of wsgi\n")
            let waiting = try HTTPConnection(port: site.port)
            try waiting.send("GET /pid HTTP/1.1\r\nHost: wsgi.localhost\r\n\r\n")
            try site.startDaemon()
            #expect(try waiting.readResponse().status == 200)
        }

        @Test func `the access log names the process that answered`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let path = site.directory.file("access.log")
            site.httpSettings.append("access_log \(path);")
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            let pid = try #require(try site.page("wsgi", "/pid").pid)
            try #require(site.front).waitForOutput("GET /pid HTTP/1.1", in: path)
            #expect(try TestFile.text(path).contains("\(pid)"))
            try Files.rename(path, to: "\(path).old")
            try #require(site.front).signal(.user1)
            try eventually("a new access log") { Files.exists(path) }
            _ = try site.page("wsgi", "/ids")
            try #require(site.front).waitForOutput("GET /ids HTTP/1.1", in: path)
        }

        @Test(arguments: [Signal.user1, .hangUp])
        func `after a rotation no process of the front holds the old files`(_ signal: Signal) throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let logs = [site.frontLog] + ["one.log", "two.log"].map(site.directory.file)
            site.httpSettings.append("access_log \(logs[1]);")
            try site.writeConfiguration()
            let front = try site.startFront()
            // Idle, so that the old worker of a reload stays for a while.
            let kept = try HTTPConnection(port: site.port)
            _ = try kept.get("/file.txt", host: "wsgi.localhost")
            site.httpSettings[0] += " server { listen 127.0.0.1:\(site.port); access_log \(logs[2]); }"
            try site.writeConfiguration()
            let worker = try #require(try site.workerPIDs().first)
            try front.signal(.hangUp)
            try eventually("a worker with two logs") {
                try TestFile.exists(logs[2]) && site.workerPIDs().contains { $0 != worker }
            }
            for log in logs { try Files.rename(log, to: "\(log).1") }
            try front.signal(signal)
            func holders() -> [String] {
                ([front.pid] + ProcessFacts.descendants(of: front.pid)).flatMap { pid in
                    TestFile.names(in: "/proc/\(pid)/fd")
                        .compactMap { try? Files.readLink("/proc/\(pid)/fd/\($0)") }
                        .filter { target in logs.contains { target == "\($0).1" } }
                        .map { "\(pid): \($0)" }
                }
            }
            var left = ["?"]
            try eventually("the old files to be closed; open: \(left)", within: .seconds(15)) {
                left = holders()
                return left.isEmpty && logs.allSatisfy { TestFile.exists($0) }
            }
            let response = try site.get("wsgi", "/file.txt")
            #expect(response.status == 200)
            try front.waitForOutput("GET /file.txt", in: logs[1])
            withExtendedLifetime(kept) {}
        }

        @Test func `when its master is gone the worker ends as well`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi")])
            let worker = try #require(try site.workerPIDs().first)
            try #require(site.front).signal(.kill)
            try eventually("the worker to end") { !ProcessFacts.isRunning(worker) }
        }
    }
}
