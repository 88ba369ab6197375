// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing
import WireProtocol

extension Integration {
    /// What an application of any language can rely on, at the root of a host and below a prefix.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(3)))
    struct LanguageTests {
        private struct Language {
            let name: String
            let settings: [String]
            /// What it is told of the path `/a%20b/c`.
            var path = "/a b/c"

            init(_ name: String, _ type: String, _ startupFile: String) {
                self.name = name
                // Rack leaves it to the application to decode it.
                if type == "rack" { self.path = "/a%20b/c" }
                self.settings = ["passenger_app_type \(type);", "passenger_startup_file \(startupFile);"]
            }

            init(_ name: String, command: String) {
                self.name = name
                self.settings = ["passenger_app_start_command \"\(command)\";"]
            }
        }

        private static let languages = [
            Language("rack", "rack", "config.ru"), Language("wsgi", "wsgi", "passenger_wsgi.py"),
            Language("asgi", "asgi", "passenger_asgi.py"), Language("commonjs", "node", "app.js"),
            Language("module", "node", "module.mjs"), Language("generic", command: "/usr/bin/python3 server.py"),
        ]

        /// Each language has a host, and the same code once more below a prefix of that.
        private static func running() throws -> Site {
            let site = try Site(
                apps: [],
                daemonFlags: ["--max-pool-size=12"],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_app_env staging;"]
            )
            for (number, language) in Self.languages.enumerated() {
                let root = site.root(of: language.name)
                let below =
                    [
                        "location /below {", "alias \(root)/public;", "passenger_app_root \(root);",
                        "passenger_base_uri /below;",
                    ]
                    + ["passenger_app_group_name \(language.name)-below;", "passenger_enabled on;", "}"]
                try site.add(
                    .init(
                        language.name,
                        from: "languages",
                        owner: Integration.owner(number % 2),
                        settings: language.settings + below
                    )
                )
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static let multipart = """
            --x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nh\u{e9}llo\r\n--x--\r\n
            """

        private struct Body {
            let type: String
            let text: String
            let digest: String
        }

        private static let bodies = [
            Body(
                type: "application/x-www-form-urlencoded",
                text: "a=1&b=%C3%BC",
                digest: "d1f57a69cdc560ed89721b23f07e11c1a748e7c90d3c3349537c1e516562b32f"
            ),
            Body(
                type: "multipart/form-data; boundary=x",
                text: Self.multipart,
                digest: "82c03d8d92e08e4f966c2c7b9e80ef9b332a91e5463a4bd3d0e6163c03f4885e"
            ),
            Body(
                type: "application/octet-stream",
                text: String(repeating: "0123456789abcdef", count: 1 << 16),
                digest: "aca1cd027e979588d14b877b7b0cb8585ad9fec599eb45801992ee5382b3760f"
            ),
        ]

        @Test func `each language has its requests, its user, its log and its life, at the root and below a prefix`()
            throws
        {
            let site = try Self.running()
            // All of them start at once.
            let clients = try Self.languages.flatMap { language in
                try ["", "/below"].map { prefix in
                    let client = try HTTPConnection(port: site.port)
                    try client.send("GET \(prefix)/ HTTP/1.1\r\nHost: \(language.name).localhost\r\n\r\n")
                    return client
                }
            }
            for client in clients { #expect(try client.readResponse().status == 200, "\(site.log().suffix(2000))") }
            for (number, language) in Self.languages.enumerated() {
                for prefix in ["", "/below"] {
                    try self.expectRequests(site, language, prefix, owner: Integration.owner(number % 2))
                }
                try self.expectLife(site, language.name)
            }
        }

        private func expectRequests(_ site: Site, _ language: Language, _ prefix: String, owner: UserAccount?) throws {
            let app = language.name
            let page = try site.page(app, "\(prefix)/a%20b/c?x=1&y=%C3%BC")
            let place: Comment = "\(app)\(prefix): \(page.text)"
            #expect(page.field("method") == "GET" && page.field("query") == "x=1&y=%C3%BC", place)
            #expect(page.field("uri") == "\(prefix)/a%20b/c?x=1&y=%C3%BC", place)
            #expect(page.field("script") == prefix && page.field("path") == language.path, place)
            #expect(page.field("env") == "staging", place)
            if let owner { #expect(page.field("user") == owner.name, place) }
            let client = try HTTPConnection(port: site.port)
            for body in Self.bodies {
                let length = body.text.utf8.count
                let head = "Host: \(app).localhost\r\nContent-Type: \(body.type)\r\nContent-Length: \(length)\r\n"
                try client.send("POST \(prefix)/ HTTP/1.1\r\n\(head)\r\n\(body.text)")
                let answer = try client.readResponse()
                #expect(answer.field("method") == "POST" && answer.field("type") == body.type, place)
                #expect(answer.field("body") == "\(length) \(body.digest)", place)
            }
        }

        /// Its output, an end by a signal, and a restart with its good-bye.
        private func expectLife(_ site: Site, _ app: String) throws {
            let first = try #require(try site.page(app).pid)
            try eventually("what \(app) prints") {
                site.log().contains("App \(first) output: said on standard output \(first)\n")
                    && site.log().contains("App \(first) output: said on standard error \(first)\n")
            }
            try ProcessHandle(pid: first).signal(.kill)
            try eventually("\(app) to be gone") { !ProcessFacts.isRunning(first) }
            let second = try #require(try site.page(app).pid)
            #expect(second != first && !self.events(site, app, first).contains("ended"))
            try site.directory.write("", to: "apps/\(app)/tmp/restart.txt")
            let third = try #require(try site.page(app).pid)
            #expect(third != second, "\(app)")
            try eventually("the end of \(app)") { !ProcessFacts.isRunning(second) }
            let start = [
                "starting_worker_process", "after_installing_signal_handlers", "starting_request_handler_thread",
                "stopping_worker_process",
            ]
            #expect(self.events(site, app, second) == (app == "rack" ? start : []) + ["ended"], "\(app)")
        }

        private func events(_ site: Site, _ app: String, _ pid: Int32) -> [String] {
            let text = (try? TestFile.text("\(site.root(of: app))/tmp/events-\(pid)")) ?? ""
            return text.split(separator: "\n").map(String.init)
        }
    }
}
