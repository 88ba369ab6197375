// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What a Rack application may ask of its server: threads, early hints, events, a graceful end.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct RubyThreadTests {
        private static let app = "rb"
        private static let threads = ["passenger_concurrency_model thread;", "passenger_thread_count 3;"]

        private func site(_ settings: [String] = threads + ["passenger_early_hints on;"]) throws -> Site {
            try Site.running([
                .init(
                    Self.app,
                    from: "threads",
                    owner: Integration.owner(0),
                    settings: settings + ["passenger_max_instances 1;", "passenger_load_shell_envvars off;"]
                )
            ])
        }

        /// Asks for the same page as often at the same time.
        private func together(_ count: Int, _ site: Site, _ path: String) throws -> [HTTPResponse] {
            let clients = try (0..<count).map { _ in try HTTPConnection(port: site.port) }
            for client in clients { try client.send("GET \(path) HTTP/1.1\r\nHost: rb.localhost\r\n\r\n") }
            return try clients.map { try $0.readResponse() }
        }

        @Test func `a process takes as many requests at a time as it has threads, and Rack's checker agrees`() throws {
            let site = try site()
            let pid = try site.page(Self.app, "/pid").text
            #expect(try site.page(Self.app, "/rack").text == "true true")
            #expect(try site.processes(of: Self.app).map(\.concurrency) == [3])
            // Six come, but no more than three are inside; those meet.
            #expect(try together(6, site, "/meet?3").map(\.text) == Array(repeating: "true", count: 6))
            #expect(try site.page(Self.app, "/most").text == "3")
            for (path, status, text) in [
                ("/child", 200, "7"), ("/raise", 500, nil), ("/end-thread", 500, nil), ("/end-thread", 500, nil),
                ("/partial", 200, "ab"), ("/options", 200, "production / rack Proc"),
            ] {
                let page = try site.get(Self.app, path)
                #expect(page.status == status && (text == nil || page.text == text), "\(path): \(page)")
            }
            // Threads that were ended have successors.
            #expect(try together(3, site, "/meet?3").map(\.text) == Array(repeating: "true", count: 3))
            #expect(try site.page(Self.app, "/pid").text == pid)
            #expect(!site.log().contains("LintError"))
            try eventually("the log") { site.log().contains("the application has ended the thread of GET /end-thread") }
        }

        /// Each is written by a thread of the application, while ours hands the connection over.
        @Test(arguments: [threads, []])
        func `what a thread of the application writes comes behind the head`(settings: [String]) throws {
            let site = try site(settings)
            for _ in 0..<100 {
                let client = try HTTPConnection(port: site.port)
                #expect(try client.get("/stream", host: "rb.localhost").text == "012")
            }
        }

        @Test func `headers are sent ahead of an answer, to clients that can read them`() throws {
            let site = try site()
            let client = try HTTPConnection(port: site.port)
            let hints = try client.get("/hints", host: "rb.localhost")
            #expect(hints.status == 103 && hints.headers.map(\.name) == ["link", "link"])
            #expect(hints.headers.map(\.value) == ["</site.css>; rel=preload", "</b.js>; rel=preload"])
            let answer = try client.readResponse()
            #expect(answer.status == 200 && answer.text == "ab" && answer.header("link") == nil)
            #expect(try client.get("/late-hints", host: "rb.localhost").status == 200)
            #expect(try client.get("/bad-hints", host: "rb.localhost").status == 500)
            try client.send("GET /hints HTTP/1.0\r\nHost: rb.localhost\r\n\r\n")
            #expect(try client.readResponse().status == 200)
        }

        @Test func `unless the settings say so, there are no threads and no early hints`() throws {
            let site = try site(["passenger_thread_count 3;", "passenger_env_var LEVEL 5;"])
            #expect(try site.page(Self.app, "/rack").text == "false false")
            #expect(try site.processes(of: Self.app).map(\.concurrency) == [5], "the application's own word")
        }

        @Test(arguments: [
            (threads + ["passenger_spawn_method smart;"], 3, true), (["passenger_spawn_method direct;"], 1, false),
        ])
        func `a process that is to end finishes its requests, and tells the application`(
            settings: [String],
            threads: Int,
            isForked: Bool
        ) throws {
            let site = try site(settings)
            let pid = try #require(try site.page(Self.app, "/pid").pid)
            _ = try ProcessHandle(pid: pid).signal(.hangUp)
            try eventually("the application's own handler") { try site.page(Self.app, "/hung-up").text == "true" }
            let client = try HTTPConnection(port: site.port)
            try client.send("GET /wait HTTP/1.1\r\nHost: rb.localhost\r\n\r\n")
            try eventually("the request to be there") { try site.processes(of: Self.app).map(\.sessions) == [1] }
            try site.directory.write("", to: "apps/rb/tmp/restart.txt")
            let other = try HTTPConnection(port: site.port)
            try other.send("GET /pid HTTP/1.1\r\nHost: rb.localhost\r\n\r\n")
            try eventually("the old process to be asked to end") {
                try site.processes(of: Self.app).contains { $0.pid == pid && $0.state != .enabled }
            }
            try site.directory.write("", to: "apps/rb/tmp/go")
            #expect(try client.readResponse().text == "went")
            #expect(try other.readResponse().pid != pid)
            try eventually("the last words") { site.log().contains("App \(pid) output: at_exit") }
            let said = site.log().split(separator: "\n").compactMap { line in
                line.pieces(between: "App \(pid) output: ").dropFirst().first.map(String.init)
            }
            let starts = Array(repeating: "event starting_request_handler_thread", count: threads)
            let first = ["event starting_worker_process \(isForked)", "event after_installing_signal_handlers"]
            #expect(said == first + starts + ["event stopping_worker_process", "at_exit"])
        }
    }
}
