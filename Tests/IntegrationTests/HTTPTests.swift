// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// HTTP on the wire, byte for byte, through front, daemon and an application.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(1)))
    struct HTTPTests {
        private let site: Site

        init() throws {
            site = try Site.running(
                ["rack", "wsgi", "node"].enumerated().map {
                    .init($0.element, from: $0.element, owner: Integration.owner($0.offset))
                }
            )
        }

        private func connection() throws -> HTTPConnection { try HTTPConnection(port: site.port, limit: .seconds(20)) }

        @Test(arguments: ["rack", "wsgi", "node"])
        func `pipelined requests are answered in order on one connection`(_ app: String) throws {
            let connection = try connection()
            let host = "Host: \(app).localhost\r\n"
            try connection.send(
                "GET /sleep?ms=100 HTTP/1.1\r\n\(host)\r\nPOST /echo HTTP/1.1\r\n\(host)Content-Length: 3\r\n\r\nabc"
                    + "HEAD / HTTP/1.1\r\n\(host)\r\nGET /file.txt HTTP/1.1\r\n\(host)\r\nGET /missing HTTP/1.1\r\n\(host)\r\n"
            )
            #expect(try connection.readResponse().pid != nil)
            #expect(try connection.readResponse().text.hasPrefix("3 ba7816bf8f01cfea"))
            let head = try connection.readResponse(toHead: true)
            #expect(head.status == 200)
            #expect(try connection.readResponse().text == "static file of \(app)\n")
            #expect(try connection.readResponse().status == 404)
        }

        @Test(arguments: ["rack", "wsgi", "node"])
        func `chunked bodies go both ways`(_ app: String) throws {
            let connection = try connection()
            try connection.send(
                "POST /echo HTTP/1.1\r\nHost: \(app).localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "2;name=value\r\nab\r\n1\r\nc\r\n0\r\nTrailer: ignored\r\n\r\n"
            )
            #expect(try connection.readResponse().text.hasPrefix("3 ba7816bf8f01cfea"))
            let response = try connection.get("/chunks?n=50", host: "\(app).localhost")
            #expect(response.text == (0..<50).map { "line \($0)\n" }.joined())
        }

        @Test(arguments: ["rack", "node"])
        func `100-continue is answered by the front, before the body comes`(_ app: String) throws {
            let connection = try connection()
            try connection.send(
                "POST /echo HTTP/1.1\r\nHost: \(app).localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try connection.readResponse().status == 100)
            try connection.send("abc")
            #expect(try connection.readResponse().text.hasPrefix("3 ba7816bf"))
        }

        @Test func `a client of HTTP 1 dot 0 gets its answer and the end of the connection`() throws {
            let connection = try connection()
            try connection.send("GET /chunks?n=3 HTTP/1.0\r\nHost: rack.localhost\r\n\r\n")
            let bytes = try connection.readToEnd()
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.") && text.hasSuffix("\r\n\r\nline 0\nline 1\nline 2\n"), "\(text)")
        }

        @Test func `a half-closed client still gets its answer`() throws {
            let connection = try connection()
            try connection.send("GET /sleep?ms=100 HTTP/1.1\r\nHost: rack.localhost\r\n\r\n")
            try connection.finishSending()
            #expect(try connection.readResponse().status == 200)
        }

        @Test(arguments: [
            "POST / HTTP/1.1\r\nHost: rack.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: rack.localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: rack.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET / HTTP/1.1\r\nHost: rack.localhost\r\nX: a\u{0}b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : rack.localhost\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: rack.localhost\r\n\r\n",
            "nonsense\r\n\r\n",
        ])
        func `ambiguous and broken requests get 400 and the end of the connection`(_ request: String) throws {
            let connection = try connection()
            try connection.send(request)
            #expect(try connection.readResponse().status == 400)
            #expect(try connection.isClosed())
            #expect(try site.page("rack").status == 200)
        }

        @Test func `the variables of a request are those of CGI, without headers that could forge them`() throws {
            let connection = try connection()
            try connection.send(
                "GET /request?a=b%20c HTTP/1.1\r\nHost: rack.localhost:\(site.port)\r\nX-Real: yes\r\n"
                    + "X_Forged: no\r\nProxy: no\r\n!~Secret: no\r\n\r\n"
            )
            let response = try connection.readResponse()
            if response.status == 400 {
                Issue.record("a request with an unusual header was refused: \(response.text)")
                return
            }
            let lines = response.text.split(separator: "\n")
            for wanted in [
                "REQUEST_METHOD=GET", "SCRIPT_NAME=", "PATH_INFO=/request", "QUERY_STRING=a=b%20c",
                "REQUEST_URI=/request?a=b%20c", "SERVER_NAME=rack.localhost", "SERVER_PORT=\(site.port)",
                "SERVER_PROTOCOL=HTTP/1.1", "REMOTE_ADDR=127.0.0.1", "HTTP_X_REAL=yes",
            ] {
                #expect(lines.contains(wanted[...]), "\(wanted) in \(lines)")
            }
            #expect(!response.text.contains("=no"), "\(lines)")
        }

        @Test func `an application of HTTP gets the forwarded headers`() throws {
            let response = try site.get("node", "/request", headers: "X-Forwarded-For: 192.0.2.1\r\nProxy: no\r\n")
            let forwarded = response.text.split(separator: "\n").first { $0.hasPrefix("x-forwarded-for: ") }
            #expect(forwarded?.hasSuffix("127.0.0.1") == true, "\(response.text)")
            #expect(response.text.contains("x-forwarded-proto: http"))
            #expect(!response.text.contains("proxy: no"))
        }

        @Test func `an upgraded connection carries bytes both ways until both sides have finished`() throws {
            let connection = try connection()
            try connection.send(
                "GET /socket HTTP/1.1\r\nHost: node.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            )
            #expect(try connection.readResponse().status == 101)
            try connection.send("first ")
            #expect(try connection.read(6) == Array("first ".utf8))
            try eventually("the session to count") { try site.processes(of: "node").first?.sessions == 1 }
            try connection.send("second")
            try connection.finishSending()
            #expect(try connection.readToEnd() == Array("second".utf8))
            try eventually("the session to end") { try site.processes(of: "node").first?.sessions == 0 }
        }

        @Test func `a static file answers HEAD, conditions and nothing outside its root`() throws {
            let file = try site.get("rack", "/file.txt")
            #expect(file.text == "static file of rack\n")
            #expect(file.header("content-type")?.hasPrefix("text/plain") == true)
            let modified = try #require(file.header("last-modified"))
            #expect(try site.get("rack", "/file.txt", headers: "If-Modified-Since: \(modified)\r\n").status == 304)
            if let tag = file.header("etag") {
                #expect(try site.get("rack", "/file.txt", headers: "If-None-Match: \(tag)\r\n").status == 304)
            }
            let connection = try connection()
            try connection.send("HEAD /file.txt HTTP/1.1\r\nHost: rack.localhost\r\n\r\n")
            let head = try connection.readResponse(toHead: true)
            #expect(head.header("content-length") == "20")
        }

        @Test(arguments: [
            "/../config.ru", "/%2e%2e/config.ru", "/..%2fconfig.ru", "/x/../../config.ru", "/file.txt%00", "/.hidden",
            "/%5c..%5cconfig.ru", "//../config.ru", "/outside", "/foreign",
        ])
        func `no path leads out of the document root`(_ path: String) throws {
            let root = site.root(of: "rack")
            try site.directory.write("secret of the file\n", to: "apps/rack/public/.hidden")
            if !Files.exists("\(root)/public/outside"), let owner = Integration.owner(0) {
                // A link of the application's user to a file of root: its owner does not own the target.
                try site.directory.write("secret of root\n", to: "secret.txt", mode: 0o600)
                try Files.makeLink(at: "\(root)/public/outside", to: site.directory.file("secret.txt"))
                try Files.setOwner("\(root)/public/outside", owner: owner.uid, group: owner.primaryGroup)
                try Files.makeLink(at: "\(root)/public/foreign", to: "/etc/passwd")
                try Files.setOwner("\(root)/public/foreign", owner: owner.uid, group: owner.primaryGroup)
            }
            let response = try site.get("rack", path)
            #expect(response.status >= 400, "\(response.text.prefix(200))")
            #expect(!response.text.contains("secret") && !response.text.contains("frozen_string_literal"))
            #expect(!response.text.contains("root:x:"))
        }
    }
}
