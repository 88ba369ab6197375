// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What a Rack application may ask of its server: threads, early hints, events, a graceful end.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct RubyThreadTests {
        /// The same application, in processes with three threads that are forked, and in ordinary ones.
        private static let forms: [(name: String, threads: Int, settings: [String])] = [
            (
                "many", 3,
                [
                    "passenger_concurrency_model thread;", "passenger_thread_count 3;", "passenger_early_hints on;",
                    "passenger_spawn_method smart;",
                ]
            ),
            // Without its model, a number of threads means nothing.
            ("one", 1, ["passenger_thread_count 3;", "passenger_spawn_method direct;", "passenger_env_var LEVEL 5;"]),
        ]

        private let site: Site

        init() throws {
            site = try Site.running(
                Self.forms.map { form in
                    let settings = ["passenger_max_instances 1;", "passenger_load_shell_envvars off;"] + form.settings
                    return Site.App(form.name, from: "threads", owner: Integration.owner(0), settings: settings)
                }
            )
        }

        /// Asks for the same page as often at the same time.
        private func together(_ count: Int, _ path: String) throws -> [String] {
            let clients = try (0..<count).map { _ in try HTTPConnection(port: site.port) }
            for client in clients { try client.send("GET \(path) HTTP/1.1\r\nHost: many.localhost\r\n\r\n") }
            return try clients.map { try $0.readResponse().text }
        }

        @Test func `a process takes as many requests at a time as it has threads, and Rack's checker agrees`() throws {
            let pid = try site.page("many", "/pid").text
            #expect(try site.page("many", "/rack").text == "true true")
            #expect(try site.processes(of: "many").map(\.concurrency) == [3])
            // Six come, but no more than three are inside; those meet.
            #expect(try together(6, "/meet?3") == Array(repeating: "true", count: 6))
            #expect(try site.page("many", "/most").text == "3")
            for (path, text) in [("/child", "7"), ("/partial", "ab"), ("/options", "production / rack Proc")] {
                #expect(try site.page("many", path).text == text, "\(path)")
            }
            for path in ["/raise", "/end-thread", "/end-thread"] {
                #expect(try site.get("many", path).status == 500, "\(path)")
            }
            // Threads that were ended have successors.
            #expect(try together(3, "/meet?3") == Array(repeating: "true", count: 3))
            #expect(try site.page("many", "/pid").text == pid)
            #expect(!site.log().contains("LintError"))
            for line in ["RuntimeError: in a thread (GET /raise)", "has ended the thread of GET /end-thread"] {
                try eventually("the log to have \(line)") { site.log().contains(line) }
            }
        }

        @Test func `headers are sent ahead of an answer, to clients that can read them`() throws {
            let client = try HTTPConnection(port: site.port)
            let hints = try client.get("/hints", host: "many.localhost")
            #expect(hints.status == 103 && hints.headers.map(\.name) == ["link", "link"])
            #expect(hints.headers.map(\.value) == ["</site.css>; rel=preload", "</b.js>; rel=preload"])
            let answer = try client.readResponse()
            #expect(answer.status == 200 && answer.text == "ab" && answer.header("link") == nil)
            #expect(try client.get("/late-hints", host: "many.localhost").status == 200)
            #expect(try client.get("/bad-hints", host: "many.localhost").status == 500)
            try client.send("GET /hints HTTP/1.0\r\nHost: many.localhost\r\n\r\n")
            #expect(try client.readResponse().status == 200)
            #expect(try site.page("one", "/rack").text == "false false", "unless the settings say so, there are none")
            #expect(try site.processes(of: "one").map(\.concurrency) == [5], "the application's own word")
        }

        /// Each answer is written by a thread of the application, while ours hands the connection over.
        @Test func `what a thread of the application writes comes behind the head`() throws {
            for form in Self.forms {
                for _ in 0..<100 {
                    let client = try HTTPConnection(port: site.port)
                    #expect(try client.get("/stream", host: "\(form.name).localhost").text == "012")
                }
            }
        }

        @Test func `a process that is to end finishes its requests, and tells the application`() throws {
            for form in Self.forms { try endsGracefully(form.name, threads: form.threads) }
        }

        private func endsGracefully(_ app: String, threads: Int) throws {
            let pid = try #require(try site.page(app, "/pid").pid)
            _ = try ProcessHandle(pid: pid).signal(.hangUp)
            try eventually("the application's own handler") { try site.page(app, "/hung-up").text == "true" }
            let client = try HTTPConnection(port: site.port)
            try client.send("GET /wait HTTP/1.1\r\nHost: \(app).localhost\r\n\r\n")
            try eventually("the request to be there") { try site.processes(of: app).map(\.sessions) == [1] }
            try site.directory.write("", to: "apps/\(app)/tmp/restart.txt")
            let other = try HTTPConnection(port: site.port)
            try other.send("GET /pid HTTP/1.1\r\nHost: \(app).localhost\r\n\r\n")
            try eventually("the old process to be asked to end") {
                try site.processes(of: app).contains { $0.pid == pid && $0.state != .enabled }
            }
            try site.directory.write("", to: "apps/\(app)/tmp/go")
            #expect(try client.readResponse().text == "went")
            #expect(try other.readResponse().pid != pid)
            try eventually("the last words") { site.log().contains("App \(pid) output: at_exit") }
            let said = site.log().split(separator: "\n").compactMap { line in
                line.pieces(between: "App \(pid) output: ").dropFirst().first.map(String.init)
            }
            let first = ["event starting_worker_process \(app == "many")", "event after_installing_signal_handlers"]
            let starts = Array(repeating: "event starting_request_handler_thread", count: threads)
            #expect(said == first + starts + ["event stopping_worker_process", "at_exit"])
        }
    }
}
