// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

extension Integration {
    /// What the front's logs say about requests that went wrong: enough to find app, request and cause at 3 a.m.
    @Suite(.enabled(if: Integration.hasNode, "needs node"), .timeLimit(.minutes(1)))
    struct RequestLogTests {
        private static let program = """
            const http = require('node:http');
            http.createServer((request, response) => {
              if (request.url === '/break') {
                response.writeHead(200, { 'Content-Length': 100 });
                response.write('ten bytes.', () => setTimeout(() => request.socket.destroy(), 50));
              } else if (request.url.startsWith('/exit')) {
                require('node:fs').appendFileSync(`${__dirname}/killed.txt`, 'x');
                process.exit(3);
              } else if (request.url === '/accel') {
                response.setHeader('X-Accel-Redirect', '/private/file');
                response.end('ok');
              } else if (request.url === '/unasked') {
                request.socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: x\\r\\nConnection: Upgrade\\r\\n\\r\\n');
              } else if (request.url === '/silent') {
                // No answer.
              } else {
                response.end('ok');
              }
            }).listen(3000);
            """

        private let site: Site
        private let accessLog: String

        init() throws {
            let site = try Site(apps: [.init("shop", from: nil)])
            accessLog = site.directory.file("access.log")
            site.httpSettings = ["access_log \(accessLog);", "passenger_load_shell_envvars off;"]
            try site.directory.write(Self.program, to: "apps/shop/app.js")
            try site.directory.write("file", to: "apps/shop/public/file.txt")
            let owner = Integration.owner(0)
            if let owner { try TestDirectory.give(site.root(of: "shop"), to: owner) }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            self.site = site
        }

        private func line(_ message: String) throws -> String {
            var found: Substring?
            try eventually("\"\(message)\" in the log of the front") {
                found = try TestFile.text(site.frontLog).split(separator: "\n").last { $0.contains(message) }
                return found != nil
            }
            return String(found ?? "")
        }

        /// The last field of a line of the access log is the error ID, the one before it the host.
        private func access(_ path: String) throws -> [Substring] {
            var found: Substring?
            try eventually("\(path) in the access log", within: .seconds(10)) {
                let lines = try TestFile.text(accessLog).split(separator: "\n")
                found = lines.last { $0.contains(" \(path) HTTP/1.1\"") }
                return found != nil
            }
            let line = found ?? ""
            return [line.split(separator: "\" ").dropFirst().first?.prefix(3) ?? ""]
                + line.split(separator: " ").suffix(2)
        }

        private func get(_ path: String) throws -> HTTPResponse {
            try HTTPConnection(port: site.port, limit: .seconds(20)).get(path, host: "shop.localhost")
        }

        @Test func `a failed request has one error ID in page, log and access log`() throws {
            #expect(try get("/").status == 200)
            let page = try get("/exit?secret=1")
            #expect(page.status == 502)
            let line = try line("request answered by the front")
            for fact in ["host=shop.localhost", "method=GET", "path=/exit", "app=", "pid=", "exited with code 3"] {
                #expect(line.contains(fact), "no \(fact) in \(line)")
            }
            #expect(!line.contains("secret"))
            // It may be the cause: no second process has it.
            #expect(try TestFile.text("\(site.root(of: "shop"))/killed.txt") == "x")
            let access = try access("/exit?secret=1")
            #expect(access.dropLast() == ["502", "\"shop.localhost\""])
            let errorID = try #require(access.last)
            #expect(errorID.utf8.count == 8 && page.text.contains(errorID) && line.contains("error-id=\(errorID)"))
            #expect(try self.access("/").last == "-")
        }

        @Test func `an answer that broke off in its body says so`() throws {
            let connection = try HTTPConnection(port: site.port, limit: .seconds(20))
            try connection.send("GET /break HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
            #expect(String(decoding: try connection.readToEnd(), as: UTF8.self).hasSuffix("ten bytes."))
            let line = try line("answer broken off")
            #expect(line.contains("in the middle of the body") && line.contains("sent-bytes=10"), "\(line)")
            #expect(line.contains("path=/break") && line.contains("host=shop.localhost"), "\(line)")
            let access = try access("/break")
            #expect(access.first == "200" && access.last != "-")
        }

        @Test func `a client that leaves before its answer is 499`() throws {
            #expect(try get("/").status == 200)
            // Ends with the call.
            try HTTPConnection(port: site.port).send("GET /silent HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
            #expect(try access("/silent") == ["499", "\"shop.localhost\"", "-"])
        }

        @Test func `an upgrade that was not asked for is named`() throws {
            #expect(try get("/unasked").status == 502)
            #expect(try line("request answered by the front").contains("status 101"))
        }

        @Test func `a file that nobody sends is a warning`() throws {
            #expect(try get("/accel").status == 200)
            #expect(try line("sending a file").contains("X-Accel-Redirect"))
        }

        @Test(.enabled(if: Machine.isRoot, "needs root")) func `a closed document root is a warning, once`()
            throws
        {
            let home = site.directory.file("apps/shop")
            try Files.setMode(home, 0o700)
            _ = try get("/file.txt")
            _ = try get("/file.txt")
            let line = try line("the document root cannot be entered")
            #expect(line.contains(home) && line.contains("chmod o+x"))
            let count = try TestFile.text(site.frontLog).split(separator: "\n").count {
                $0.contains("cannot be entered")
            }
            #expect(count == 1)
        }
    }
}
