// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Applications that do things to the process they are in: it goes on, or it ends with a line that says why.
    @Suite(.timeLimit(.minutes(2)))
    struct PatchingTests {
        private static func running(_ app: String, type: String, file: String) throws -> Site {
            // A web server's standard streams must not get in the way of what the app closes.
            let settings = [
                "passenger_app_type \(type);", "passenger_startup_file \(file);", "passenger_max_instances 1;",
                "passenger_load_shell_envvars off;",
            ]
            return try Site.running(
                [.init(app, from: "patching", owner: Integration.owner(0), settings: settings)]
            )
        }

        /// Each of these is answered with its status, and the process goes on.
        private func goesOn(_ site: Site, _ app: String, _ rows: [(path: String, status: Int)]) throws {
            let pid = try site.page(app, "/pid").pid
            for (path, status) in rows {
                let client = try HTTPConnection(port: site.port)
                var response = try client.get(path, host: "\(app).localhost")
                while response.status < 200 { response = try client.readResponse() }
                #expect(response.status == status, "\(path)")
                #expect(try site.page(app, "/pid").pid == pid, "\(path)\n\(site.log().suffix(2000))")
            }
        }

        /// After each of these, another process answers; the log says why the old one ended.
        private func ends(_ site: Site, _ app: String, _ rows: [(path: String, status: Int, said: String)]) throws {
            for (path, status, said) in rows {
                let pid = try site.page(app, "/pid").pid
                let before = site.log().pieces(between: said).count
                #expect(try site.get(app, path).status == status, "\(path)")
                try eventually("the reason for \(path)") { site.log().pieces(between: said).count > before }
                try eventually("another process after \(path)") {
                    let page = try site.get(app, "/pid")
                    return page.status == 200 && page.pid != pid
                }
            }
        }

        // MARK: Ruby

        @Test(.enabled(if: Integration.hasRuby, "needs ruby"))
        func `what a Rack request raises is answered with 500, and the process goes on`() throws {
            let site = try Self.running("rb", type: "rack", file: "config.ru")
            try goesOn(
                site,
                "rb",
                [
                    ("/exit", 500), ("/abort", 500), ("/throw", 500), ("/no-memory", 500), ("/no-stack", 500),
                    ("/thread-exit", 500), ("/timeout", 500), ("/mute", 500), ("/words", 500), ("/script-error", 500),
                    ("/thread-raise", 500), ("/close-exits", 200), ("/close-raises", 200),
                    ("/stdout", 200), ("/stderr", 200), ("/exit", 500), ("/stderr-closed", 200), ("/exit", 500),
                    ("/stdio-back", 200), ("/later", 200), ("/traps", 200), ("/separators", 200),
                ]
            )
            try eventually("each exit in the log") {
                site.log().pieces(between: "SystemExit: exit (GET /exit)").count == 4
            }
            let log = site.log()
            for line in [
                "Mute (GET /mute)", "? and ü (GET /words)", "NoMemoryError: while closing (GET /close-raises)",
            ] {
                #expect(log.contains(line), "\(line)")
            }
            try eventually("the late exception") { site.log().contains("RuntimeError: later (outside of any request)") }
            let client = try HTTPConnection(port: site.port)
            for (path, body) in [("/lines", "one\ntwo"), ("/late", "late")] {
                try client.send(
                    "POST \(path) HTTP/1.1\r\nHost: rb.localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                )
                try client.send(body)
                #expect(try client.readResponse().status == 200)
            }
            try eventually("the thread to have read") { try site.page("rb", "/late-read").text == "IOError" }
            try goesOn(
                site,
                "rb",
                [
                    ("/encodings", 200), ("/exit", 500), ("/encodings-back", 200), ("/missing", 200), ("/exit", 500),
                    ("/missing-back", 200), ("/misc", 200), ("/core", 200), ("/exit", 500), ("/core", 200),
                ]
            )
        }

        @Test(.enabled(if: Integration.hasRuby, "needs ruby"))
        func `a Rack application that ends its process is told why and replaced`() throws {
            let site = try Self.running("rb", type: "rack", file: "config.ru")
            let lost = "the application has closed a descriptor of its server: the process ends"
            try ends(
                site,
                "rb",
                [
                    ("/term", 500, "SignalException: SIGTERM (GET /term): the process ends"),
                    ("/interrupt", 500, "Interrupt: Interrupt (GET /interrupt): the process ends"),
                    ("/close-all", 502, lost), ("/close-objects", 502, lost), ("/close-listener", 200, lost),
                    ("/replace-listener", 200, lost),
                    ("/abort-on", 200, "RuntimeError: aborts (outside of any request): the process ends"),
                    ("/exit-later", 200, "SystemExit: exit (outside of any request): the process ends"),
                    ("/trap-exit", 200, "SystemExit: exit (outside of any request): the process ends"),
                    ("/signal", 200, "SignalException: SIGUSR2 (outside of any request): the process ends"),
                    ("/at-exit", 200, "SystemExit: exit (outside of any request): the process ends"),
                ]
            )
        }

        // MARK: Python

        @Test func `what a WSGI request raises is answered with 500, and the process goes on`() throws {
            let site = try Self.running("py", type: "wsgi", file: "passenger_wsgi.py")
            try goesOn(
                site,
                "py",
                [
                    ("/exit", 500), ("/exit-generator", 500), ("/generator-exit", 500), ("/raises-generator-exit", 500),
                    ("/stop-iteration", 500), ("/recursion", 500), ("/memory", 500), ("/warnings", 500),
                    ("/close-exits", 200), ("/close-memory", 200), ("/close-generator-exit", 200),
                    ("/stdio-none", 200), ("/exit", 500), ("/stdio-text", 200), ("/exit", 500), ("/stdio-closed", 200),
                    ("/exit", 500), ("/stdio-back", 200), ("/alarm", 200), ("/timeout", 200), ("/locale", 200),
                ]
            )
            let log = site.log()
            // Besides in what the process printed, they are warnings, of which one a second is let through.
            let printed = log.split(separator: "\n").filter { $0.contains("output: ") && $0.contains("SystemExit: 3") }
            #expect(printed.count == 5)
            for line in ["MemoryError: while closing", "SystemExit: 4", "GET /memory", "UserWarning: as an error"] {
                #expect(log.contains(line), "\(line)")
            }
            try eventually("the late exception") { site.log().contains("RuntimeError: late") }
            #expect(site.log().contains("outside of any request"))
            try goesOn(
                site,
                "py",
                [
                    ("/handlers", 200), ("/threads", 200), ("/recursion-limit", 200), ("/recursion", 500),
                    ("/child", 200), ("/time", 200), ("/exit", 500),
                ]
            )
        }

        @Test(.enabled(if: hasPython("freezegun"), "needs python3-freezegun"))
        func `a clock that stands still stops no request`() throws {
            let site = try Self.running("py", type: "wsgi", file: "passenger_wsgi.py")
            try goesOn(site, "py", [("/freeze", 200), ("/unread", 200), ("/thaw", 200)])
        }

        @Test func `a WSGI application that ends its process is told why and replaced`() throws {
            let site = try Self.running("py", type: "wsgi", file: "passenger_wsgi.py")
            let lost = "the application has closed a descriptor of its server: the process ends"
            let outside = "outside of any request: the process ends"
            try ends(
                site,
                "py",
                [
                    ("/interrupt", 500, "GET /interrupt: the process ends"), ("/interrupt-later", 200, outside),
                    ("/exit-later", 200, outside), ("/close-all", 502, lost), ("/close-listener", 200, lost),
                    ("/replace-listener", 200, lost), ("/close-control", 200, lost),
                ]
            )
        }

        private static func hasPython(_ module: String) -> Bool {
            (try? Shell.run(["/usr/bin/python3", "-c", "import \(module)"]).status.isSuccess) == true
        }

        private static let greenThreads = [
            "gevent": "from gevent import monkey; monkey.patch_all()",
            "eventlet": "import eventlet; eventlet.monkey_patch()",
        ].filter { hasPython($0.key) }.map(\.value)

        @Test(.enabled(if: !greenThreads.isEmpty, "needs python3-gevent or python3-eventlet"), arguments: greenThreads)
        func `a WSGI application runs with the standard library of green threads`(patching: String) throws {
            let site = try Site(apps: [.init("green", from: nil)])
            try site.directory.write(patching + "\n" + Self.green, to: "apps/green/passenger_wsgi.py")
            try site.directory.write("", to: "apps/green/public/.keep")
            try site.startDaemon()
            try site.startFront()
            for _ in 1...3 { #expect(try site.page("green").text == "[1] hello 768") }
        }

        /// Sleeps, threads, child processes.
        private static let green = """
            import os, subprocess, threading, time


            def application(environ, start_response):
                found = []
                thread = threading.Thread(target=lambda: found.append(1))
                thread.start()
                thread.join()
                time.sleep(0.01)
                said = subprocess.check_output(['echo', 'hello']).decode().strip()
                child = os.fork()
                if child == 0:
                    os._exit(3)
                status = os.waitpid(child, 0)[1]
                start_response('200 OK', [])
                return [('%s %s %d' % (found, said, status)).encode()]

            """

        // MARK: Node

        @Test(.enabled(if: Integration.hasNode, "needs node"))
        func `a Node application may close its server and listen again, and put others in the place of functions`()
            throws
        {
            let site = try Self.running("js", type: "node", file: "app.js")
            try goesOn(
                site,
                "js",
                [
                    ("/hints", 200), ("/processing", 200), ("/final-102", 500), ("/final-103", 500),
                    ("/rejection", 200),
                    ("/exception", 200), ("/worker", 200), ("/count", 200), ("/timeouts", 200), ("/again", 200),
                    ("/another", 200), ("/again", 200), ("/stdout", 200), ("/patch", 200), ("/final-102", 500),
                    ("/again", 200), ("/another", 200), ("/count", 200),
                ].map { (path: $0.0, status: $0.1) }
            )
            let log = site.log()
            for line in [
                "caught: before it listens", "caught: nobody waits", "caught: nobody catches",
                "102 is no final status of an answer (GET /final-102)", "103 is no final status",
            ] {
                #expect(log.contains(line), "\(line)")
            }
            #expect(try site.page("js", "/count").text == "some")
            let closed = "the application has closed its server, and none listens any more: the process ends"
            try ends(site, "js", [("/closes", 200, closed)])
        }

        @Test(.enabled(if: Integration.hasNode, "needs node"))
        func `a Node application's own handler of SIGTERM ends it`() throws {
            let site = try Self.running("js", type: "node", file: "app.js")
            let idle = try HTTPConnection(port: site.port)
            let first = try #require(try idle.get("/pid", host: "js.localhost").pid)
            // From anybody, with a connection open that the front keeps.
            try ProcessHandle(pid: first).signal(.terminate)
            try eventually("the process to end") { !ProcessFacts.isRunning(first) }
            try eventually("another process") { try site.get("js", "/pid").status == 200 }
            let second = try #require(try site.page("js", "/pid").pid)
            try site.directory.write("", to: "apps/js/tmp/restart.txt")
            #expect(try site.page("js", "/pid").pid != second)
            try eventually("the process to end") { !ProcessFacts.isRunning(second) }
            #expect(try TestFile.text(site.root(of: "js") + "/tmp/ended") == "SIGTERM SIGTERM ")
        }
    }
}
