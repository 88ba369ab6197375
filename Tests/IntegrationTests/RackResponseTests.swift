// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What applications of Rack 2 and 3 answer, in all the forms that frameworks give it.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct RackResponseTests {
        /// Give "ab" with status 200.
        private static let good = [
            "array", "frozen", "frozen-answer", "each", "to-ary", "to-ary-nil", "to-path-nil", "to-path-missing",
            "to-path-folder", "to-path", "to-path-length", "to-path-other-length", "enumerator", "lazy", "set", "call",
            "call-open", "call-length", "call-thread", "hijack", "symbols", "close-raises", "pairs", "names", "values",
            "chunked",
        ]

        /// With what the log says of each.
        private static let refused = [
            ("raises-first", "RuntimeError: in the middle"), ("string", "class String"), ("number", "class Integer"),
            ("no-answer", "status is nil of class NilClass"), ("zero", "status is 0"), ("name-status", "status is :ok"),
            ("continue", "100 is no final status"), ("hints", "103 is no final status"),
            ("switching", "101 is no final status"), ("no-headers", "headers are an object of class NilClass"),
            ("bad-name", "bad name of a response header"), ("bad-length", "Content-Length is \"two\""),
            ("long", "2 bytes, but Content-Length 1"), ("short", "2 bytes, but Content-Length 3"),
            ("bad-hijack", "rack.hijack is an object of class String"),
        ]

        /// On its load path is a library of our library's name, of another server.
        private func site() throws -> Site {
            let site = try Site(apps: [])
            let foreign = "passenger_env_var RUBYLIB \(site.root(of: "rb"))/foreign;"
            let settings = [foreign, "passenger_max_instances 1;"]
            try site.add(.init("rb", from: "responses", owner: Integration.owner(0), settings: settings))
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            return site
        }

        @Test func `bodies, headers and status are taken in every form`() throws {
            let site = try site()
            let pid = try site.page("rb", "/pid").text
            for path in Self.good {
                let page = try site.get("rb", "/\(path)")
                #expect(page.status == 200 && page.text == "ab", "\(path): \(page.status) \(page.text)")
            }
            for (path, text) in [("numbers", "12"), ("nil", ""), ("ours", "rack")] {
                #expect(try site.page("rb", "/\(path)").text == text, "\(path)")
            }
            #expect(try site.get("rb", "/binary").body == [0xFF, 0x61, 0xC3, 0xBC])
            #expect(try site.get("rb", "/text-status").status == 201)
            #expect(try site.get("rb", "/no-content").status == 204)
            #expect(try site.get("rb", "/not-modified").status == 304)
            let values = try site.page("rb", "/values").headers
            #expect(
                values.filter { $0.name.hasPrefix("x-a") || $0.name.hasPrefix("x-b") }.map(\.value) == [
                    "1", "2", "1", "2",
                ]
            )
            let names = try site.page("rb", "/names")
            #expect(names.header("x-a") == "one" && names.header("x-b") == "2")
            #expect(names.header("x-none") == nil && names.header("x-empty") == "")
            #expect(site.log().contains("RuntimeError: while closing (GET /close-raises)"))
            #expect(try site.page("rb", "/pid").text == pid, "one process has answered everything")
        }

        @Test func `an answer that cannot be sent is a 500 that the log explains`() throws {
            let site = try site()
            let pid = try site.page("rb", "/pid").text
            for (path, said) in Self.refused {
                #expect(try site.get("rb", "/\(path)").status == 500, "\(path)")
                // The log may come a moment after the answer.
                try eventually("the reason for \(path)") {
                    site.log().split(separator: "\n").contains { $0.contains("(GET /\(path))") && $0.contains(said) }
                }
            }
            // What has begun is cut off, so that nobody takes it for the whole.
            for path in ["raises-later", "short-each"] {
                #expect(throws: (any Error).self, "\(path)") { try site.get("rb", "/\(path)") }
            }
            #expect(try site.page("rb", "/pid").text == pid)
        }

        @Test func `Rack's own checker finds nothing to object to`() throws {
            let site = try site()
            let client = try HTTPConnection(port: site.port)
            let host = "Host: rb.localhost\r\n"
            for (path, status, text) in [
                ("", 200, "ab"), ("/a%2Fb?x=%zz&y", 200, "ab"), ("/body", 200, ""),
                ("/redirect", 302, ""), ("/not-modified", 304, ""), ("/hijack", 200, "ab"), ("/partial", 200, "ab"),
            ] {
                let page = try site.get("rb", "/lint\(path)")
                #expect(page.status == status && page.text == text, "\(path): \(page.status) \(page.text)")
            }
            for path in ["/lint", "/lint/redirect"] {
                try client.send("HEAD \(path) HTTP/1.1\r\n\(host)\r\n")
                #expect(try client.readResponse(toHead: true).status == (path == "/lint" ? 200 : 302))
            }
            for path in ["body", "lines", "again"] {
                try client.send("POST /lint/\(path) HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\nab\ncd")
                #expect(try client.readResponse().text == "ab\ncd")
                let chunks = "2\r\nab\r\n3\r\n\ncd\r\n0\r\n\r\n"
                try client.send("PUT /lint/\(path) HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n\(chunks)")
                #expect(try client.readResponse().text == "ab\ncd")
            }
            #expect(!site.log().contains("LintError"))
        }

        @Test func `a forked child has no handler and no socket of the server`() throws {
            let site = try site()
            let pid = try site.page("rb", "/pid").text
            #expect(try site.page("rb", "/forked").text == "15 0")
            #expect(try site.page("rb", "/pid").text == pid, "the server lives on")
        }
    }
}
