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
                #expect(try site.get(app, path).status == status, "\(path)")
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
            let log = site.log()
            #expect(log.pieces(between: "SystemExit: exit (GET /exit)").count == 4)
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
    }
}
