// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Whatever a WSGI application may answer, and what it may do to the process that serves it.
    @Suite(.timeLimit(.minutes(2)))
    struct WSGIResponseTests {
        private typealias Row = AnswerRow

        private static let failure = "Internal Server Error\n"

        private static let rows: [Row] = [
            Row("/list"), Row("/tuple"), Row("/bytes"), Row("/str-iterator"), Row("/generator", 200, "first"),
            Row("/late", 200, "late"), Row("/write", 200, "onetwothree"), Row("/write-str", 200, "one"),
            Row("/close-raises"), Row("/values"), Row("/header-iterator"), Row("/header-tuple"), Row("/own-chunks"),
            Row("/named-chunks"), Row("/status-number", 404), Row("/status-bare", 404),
            Row("/replaced", 503, "replaced"),
            Row("/no-content", 204, ""), Row("/status=999"), Row("/forked", 200, "15"), Row("/pool", 200, "[1, 2]"),
            Row("/raises-before", 500, failure), Row("/none", 500, failure), Row("/number", 500, failure),
            Row("/line-break", 500, failure), Row("/too-long", 500, failure), Row("/twice", 500, failure),
            Row("/never", 500, failure), Row("/exit", 500, failure), Row("/status=102", 500, failure),
            Row("/status=103", 500, failure), Row("/status=99", 500, failure), Row("/status=abc", 500, failure),
        ]

        /// Of an exception, as its page has it.
        private static func errorID(_ response: HTTPResponse) -> String? {
            response.text.hasPrefix(failure) ? response.field("Error ID") : nil
        }

        @Test func `an exception has an ID on the page, a warning in the log, and its stack beside it`() throws {
            let site = try Self.running()
            let id = try #require(Self.errorID(try site.get("answers", "/raises-before")))
            try eventually("the warning") {
                site.log().split(separator: "\n").contains {
                    $0.contains("the application raised an exception in a request") && $0.contains("error-id=\(id)")
                }
            }
            #expect(site.log().contains("GET /raises-before, error ID \(id)"))
        }

        private static func running(_ settings: [String] = []) throws -> Site {
            try Site.running(
                [.init("answers", from: "wsgi-answers", owner: Integration.owner(0), settings: settings)],
                httpSettings: ["passenger_max_instances 1;"]
            )
        }

        @Test func `each way to answer is taken, or fails at once, and the process goes on`() throws {
            let site = try Self.running(["passenger_concurrency_model thread;", "passenger_thread_count 4;"])
            let pid = try site.page("answers").pid
            #expect(site.log().contains("passenger_thread_count 4 has no effect on apps of type wsgi"))
            for row in Self.rows {
                let response = try site.get("answers", row.path)
                let expected = row.path == "/status=999" ? 999 : row.status
                #expect(response.status == expected, "\(row.path)")
                if row.body == Self.failure {
                    #expect(Self.errorID(response)?.utf8.count == 8, "\(row.path): \(response.text)")
                } else {
                    #expect(response.text == row.body, "\(row.path)")
                }
            }
            #expect(try site.get("answers", "/str").body.elementsEqual([0x63, 0x61, 0x66, 0xE9]))
            #expect(try site.get("answers", "/file").text.contains("Answers in every odd"))
            let values = try site.get("answers", "/values")
            #expect(values.header("x-number") == "5" && values.header("x-bytes") == "b")
            for path in ["/raises-after", "/too-short"] {
                #expect(throws: HTTPConnection.Failure.self, "\(path) looks complete") { try site.get("answers", path) }
            }
            #expect(try site.page("answers").pid == pid)
            let log = site.log()
            for sentence in [
                "'102' is no status", "the application returned None", "of type int, not bytes", "close failed",
            ] {
                #expect(log.contains(sentence), "\(sentence)")
            }
            #expect(log.pieces(between: "has a value of type int").count == 2)
        }

        @Test func `an application may put others in the place of what the loader uses`() throws {
            let site = try Site(apps: [.init("patched", from: nil)])
            try site.directory.write(Self.patching, to: "apps/patched/passenger_wsgi.py")
            try site.directory.write("", to: "apps/patched/public/.keep")
            try site.startDaemon()
            try site.startFront()
            for _ in 1...3 { #expect(try site.page("patched").text == "ok") }
        }

        /// As eventlet and gevent do it, and worse.
        private static let patching = """
            import os, select, signal, socket, sys, time


            def broken(*arguments, **named):
                raise RuntimeError('patched')


            class Broken:
                __init__ = broken


            del select.poll, select.epoll
            select.select = os.read = os.write = os.pipe = time.monotonic = time.sleep = broken
            signal.set_wakeup_fd = signal.signal = sys.exit = os._exit = broken
            socket.socket = socket.SocketType = Broken
            sys.stdout = sys.stderr = None
            socket.setdefaulttimeout(0.01)


            def application(environ, start_response):
                start_response('200 OK', [])
                return [b'ok']

            """

        @Test func `a streamed body that breaks off is an error for the application, a whole one is not`() throws {
            let site = try Self.running(["passenger_request_buffering off;"])
            let whole = try HTTPConnection(port: site.port)
            let head = "PUT /upload HTTP/1.1\r\nHost: answers.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            for _ in 1...2 {
                try whole.send("\(head)5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
                #expect(try whole.readResponse().text == "8")
            }
            for torn in ["5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\nxyz\r\n"] {
                let before = site.log().pieces(between: "torn: ").count
                do {
                    let connection = try HTTPConnection(port: site.port)
                    try connection.send(head + torn)
                    try eventually("the request to be with the application") {
                        try site.processes(of: "answers").contains { $0.sessions > 0 }
                            || site.log().pieces(between: "torn: ").count > before
                    }
                }
                try eventually("the error for \(torn)") { site.log().pieces(between: "torn: ").count > before }
            }
            #expect(try TestFile.text(site.root(of: "answers") + "/tmp/saved") == "8\n8\n")
            #expect(try site.page("answers").status == 200)
        }
    }
}
