// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What nginx's settings about logs and workers do.
    @Suite(.timeLimit(.minutes(1)))
    struct FrontSettingsTests {
        /// A site without applications that answers 204 on one address.
        private static func site(main: String = "", events: String = "", http: String = "") throws -> Site {
            let site = try Site(apps: [])
            let text = """
                \(main)
                events { \(events) }
                http { \(http) server { listen 127.0.0.1:\(site.port); return 204; } }

                """
            try site.directory.write(text, to: "front-proxy.conf")
            return site
        }

        @Test func `requests that do not meet the condition are not logged`() throws {
            let site = try Site(apps: [])
            let (all, some) = (site.directory.file("all.log"), site.directory.file("some.log"))
            let text = """
                http {
                  access_log \(all) buffer=1;
                  server {
                    listen 127.0.0.1:\(site.port);
                    return 204;
                    access_log \(some) combined buffer=1 if=$args;
                  }
                  server { listen 127.0.0.1:\(site.port); server_name all.localhost; return 204; }
                }

                """
            try site.directory.write(text, to: "front-proxy.conf")
            let front = try site.startFront()
            for path in ["/one", "/two?0", "/three?x"] { _ = try site.get("any", path) }
            _ = try site.get("all", "/four")
            try front.waitForOutput("/three", in: some)
            try front.waitForOutput("/four", in: all)
            #expect(try TestFile.text(some).split(separator: "\n").count == 1)
            #expect(try TestFile.text(all).split(separator: "\n").count == 1)
        }

        @Test func `the level of error_log says how much is logged, also after a reload, and the flag wins`() throws {
            func notices(_ level: String, flags: [String] = []) throws -> (Site, Bool) {
                let site = try Self.site(main: "error_log /dev/null \(level);")
                try site.startFront(flags: flags)
                _ = try site.workerPIDs()
                try eventually("the front to be up") { try TestFile.text(site.frontLog).contains("Front proxy up") }
                return (site, try TestFile.text(site.frontLog).contains("worker started"))
            }
            let (quiet, isNoticed) = try notices("warn")
            #expect(!isNoticed)
            #expect(try notices("info").1)
            #expect(try notices("warn", flags: ["--log-level=4"]).1)

            let text = try TestFile.text(quiet.configurationPath).replacing("warn", with: "info")
            try quiet.directory.write(text, to: "front-proxy.conf")
            let front = try #require(quiet.front)
            try front.signal(.hangUp)
            try front.waitForOutput("worker started", in: quiet.frontLog)
        }

        @Test func `with as many connections as may be, new ones wait and are served when there is room`() throws {
            let site = try Self.site(main: "worker_processes 1;", events: "worker_connections 2;")
            let front = try site.startFront()
            // The probe that found the front ready is gone when the worker has seen its end.
            let busy = try (0..<2).map { _ in
                let connection = try HTTPConnection(port: site.port)
                try connection.send("GET / HTTP/1.1\r\n")
                return connection
            }
            let waiting = try HTTPConnection(port: site.port)
            try waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try front.waitForOutput("worker_connections are in use", in: site.frontLog)
            try busy[0].send("Host: x\r\nConnection: close\r\n\r\n")
            #expect(try busy[0].readResponse().status == 204)
            #expect(try waiting.readResponse().status == 204)
            // It is kept open, but it may go for one that has something to ask.
            let next = try HTTPConnection(port: site.port)
            #expect(try next.get("/", host: "x").status == 204)
            withExtendedLifetime(busy) {}
        }

        @Test func `the worker gets the limit on open files that is asked for`() throws {
            let site = try Self.site(main: "worker_rlimit_nofile 300;")
            try site.startFront()
            let worker = try #require(try site.workerPIDs().first)
            let limits = try TestFile.text("/proc/\(worker)/limits")
            let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
            #expect(line.split(separator: " ").dropFirst(3).prefix(2) == ["300", "300"])
        }

        @Test func `a test of the configuration finds what the machine does not have`() throws {
            let place = try TestDirectory()
            func check(_ text: String) throws -> Shell.Outcome {
                let file = try place.write(text, to: "f.conf")
                return try Shell.run(
                    [Repository.program("front-proxy"), "-t", "--fly-with=/nowhere", "--config=\(file)"],
                    within: .seconds(30)
                )
            }
            let app = "root \(place.path)/app/public;\n passenger_enabled on;"
            let warned = try check("http { server {\n listen 127.0.0.1:1;\n \(app)\n} }\n")
            #expect(warned.status == .exited(0))
            #expect(warned.output.contains("f.conf:3: warning: the document root"), "\(warned.output)")
            #expect(warned.output.contains("f.conf:4: warning: the app root"), "\(warned.output)")

            let user = try check(
                "http { server {\n listen 127.0.0.1:1;\n \(app)\n passenger_user nobody-of-this-name;\n} }\n"
            )
            #expect(user.status == .exited(1))
            #expect(user.output.contains("f.conf:5: error: there is no user \"nobody-of-this-name\""), "\(user.output)")

            let log = try check("error_log none/e.log;\nhttp { }\n")
            #expect(log.status == .exited(1) && log.output.contains("f.conf:1: error: the directory"), "\(log.output)")
        }

        @Test(.enabled(if: Machine.isRoot, "without root everything belongs to the one who tests"))
        func `a home that the worker cannot enter is found before the start`() throws {
            let place = try TestDirectory()
            try Files.makeDirectories("\(place.path)/home/app/public")
            try Files.setMode("\(place.path)/home", 0o700)
            let file = try place.write(
                "http { server {\n listen 127.0.0.1:1;\n root \(place.path)/home/app/public;\n} }\n",
                to: "f.conf"
            )
            let outcome = try Shell.run(
                [Repository.program("front-proxy"), "-t", "--config=\(file)"],
                within: .seconds(30)
            )
            #expect(outcome.status == .exited(0))
            #expect(outcome.output.contains("f.conf:3: warning: "), "\(outcome.output)")
            #expect(outcome.output.contains("chmod o+x \(place.path)/home"), "\(outcome.output)")
        }

        @Test func `lines for the journal begin with their priority, in master, worker and daemon`() throws {
            let site = try Self.site(main: "error_log stderr info;")
            func start(_ arguments: [String], _ name: String) throws -> RunningProgram {
                let path = site.directory.file(name)
                try Files.write([], to: path)
                let status = try FileStatus(path: path)
                return try RunningProgram(
                    arguments,
                    log: path,
                    environment: ["JOURNAL_STREAM": "\(status.device):\(status.inode)"]
                )
            }
            let front = try start(
                [Repository.program("front-proxy"), "--config=\(site.configurationPath)"],
                "front.journal"
            )
            try front.waitForOutput("Front proxy up")
            #expect(try front.terminate() == .exited(0))
            let daemon = try start(
                [
                    Repository.program("flying-passenger"), "--socket-file=\(site.socket)",
                    "--instance-registry-dir=\(site.directory.file("registry"))",
                ],
                "daemon.journal"
            )
            try daemon.waitForOutput("up and listening")
            #expect(try daemon.terminate() == .exited(0))
            for program in [front, daemon] {
                let lines = program.output.split(separator: "\n").filter { $0.contains(" -- : ") }
                #expect(lines.count > 2 && lines.allSatisfy { $0.hasPrefix("<") && $0.dropFirst(2).hasPrefix(">") })
                #expect(lines.contains { $0.hasPrefix("<5>") }, "\(program.output)")
            }
            #expect(front.output.contains("<6>I") && front.output.contains("worker drains"), "\(front.output)")
        }
    }
}
