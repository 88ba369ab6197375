// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Connections that a Rack application takes over: WebSockets and whatever else begins with an upgrade.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct UpgradeTests {
        private let site: Site

        init() throws {
            let settings = ["passenger_max_instances 1;", "passenger_force_max_concurrent_requests_per_process 0;"]
            let waiting = settings + ["passenger_abort_websockets_on_process_shutdown off;"]
            site = try Site.running([
                .init("cut", from: "upgrades", owner: Integration.owner(0), settings: settings),
                .init("kept", from: "upgrades", owner: Integration.owner(0), settings: waiting),
                .init("wsgi", from: "wsgi", owner: Integration.owner(0)),
            ])
        }

        private func upgrade(_ path: String, app: String = "cut", headers: String = "") throws -> HTTPConnection {
            let client = try HTTPConnection(port: site.port)
            let fields = "Host: \(app).localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\(headers)"
            try client.send("GET \(path) HTTP/1.1\r\n\(fields)\r\n")
            return client
        }

        private func expectNoSession(of app: String = "cut") throws {
            try eventually("the session to end") { try site.processes(of: app).allSatisfy { $0.sessions == 0 } }
        }

        @Test(arguments: ["/full", "/partial", "/call"])
        func `a connection that was taken over carries bytes both ways until its client has finished`(
            path: String
        ) throws {
            let client = try upgrade(path)
            let head = try client.readResponse()
            #expect(head.status == 101 && head.header("upgrade") == "echo")
            #expect(head.header("connection")?.lowercased() == "upgrade")
            try client.send("first ")
            #expect(try client.read(6) == Array("first ".utf8))
            #expect(try site.processes(of: "cut").map(\.sessions) == [1])
            #expect(try site.page("cut").status == 200, "other requests go on")
            try client.send("second")
            try client.finishSending()
            #expect(try client.readToEnd() == Array("second".utf8))
            try eventually("the end to be seen") { try site.page("cut", "/ended").text == "EOFError" }
            try expectNoSession()
        }

        @Test func `an application sees that its client has gone, and a client that its application has finished`()
            throws
        {
            do {
                let client = try upgrade("/full")
                #expect(try client.readResponse().status == 101)
            }
            try eventually("the end to be seen") { try site.page("cut", "/ended").text == "EOFError" }
            let client = try upgrade("/first")
            #expect(try client.readResponse().status == 101)
            #expect(try client.readToEnd() == Array("bye".utf8))
            try eventually("the end to be seen") { try site.page("cut", "/ended").text == "heard " }
            try expectNoSession()
            #expect(!(try TestFile.text(site.frontLog)).contains("ERROR"))
        }

        @Test func `what is no upgrade is an answer like any other, and a page in its place is noted`() throws {
            for (path, app, status) in [
                ("/refused", "cut", 403), ("/unasked", "cut", 500), ("/", "cut", 200), ("/", "cut", 200),
                ("/", "wsgi", 200),
            ] {
                #expect(try upgrade(path, app: app).readResponse().status == status, "\(path)")
                try expectNoSession(of: app)
            }
            let lines = try TestFile.text(site.frontLog).split(separator: "\n").filter {
                $0.contains("the app did not take an upgrade that a client asked for")
            }
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains("INFO") && $0.contains("path=/") }, "\(lines)")
        }

        @Test func `a restart cuts connections that were taken over, or waits for them`() throws {
            let cut = try (1...3).map { _ in try upgrade("/full") }
            let kept = try upgrade("/full", app: "kept")
            for client in cut + [kept] { #expect(try client.readResponse().status == 101) }
            let pid = try #require(try site.processes(of: "kept").first?.pid)
            for app in ["cut", "kept"] {
                try site.directory.write("", to: "apps/\(app)/tmp/restart.txt")
                #expect(try site.page(app).status == 200)
            }
            for client in cut { #expect(try client.isClosed()) }
            try expectNoSession()
            try kept.send("still here")
            #expect(try kept.read(10) == Array("still here".utf8))
            try kept.finishSending()
            #expect(try kept.readToEnd().isEmpty)
            try eventually("the old process to end") { !ProcessFacts.isRunning(pid) }
            let log = try TestFile.text(site.frontLog)
            #expect(log.pieces(between: "upgraded connection cut").count == 2, "one line for all: \(log)")
            #expect(!log.contains("ERROR"))
        }

        private static let hasDriver =
            (try? Shell.run(["ruby", "-e", "require 'websocket/driver'"]).status.isSuccess) == true

        @Test(.enabled(if: hasDriver, "needs ruby-websocket-driver"))
        func `a WebSocket library of Ruby answers frames`() throws {
            let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            let client = try HTTPConnection(port: site.port)
            let fields = "Host: cut.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\(key)"
            try client.send("GET /socket HTTP/1.1\r\n\(fields)\r\n")
            let head = try client.readResponse()
            // Of the example in RFC 6455, section 1.3.
            #expect(head.status == 101 && head.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            // Frames of a client are masked; this mask changes nothing.
            let mask: [UInt8] = [0, 0, 0, 0]
            try client.send([0x81, 0x82] + mask + Array("hi".utf8))
            #expect(try client.read(4) == [0x81, 0x02] + Array("HI".utf8))
            try client.send([0x88, 0x82] + mask + [0x03, 0xE8])
            #expect(try client.readToEnd() == [0x88, 0x02, 0x03, 0xE8])
            try eventually("the end to be seen") { try site.page("cut", "/ended").text == "closed 1000" }
            try expectNoSession()
        }
    }
}
