// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What a client sees when something went wrong.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(1)))
    struct PageTests {
        @Test func `a failed start gives 500 with an error ID that the log explains`() throws {
            let site = try Site.running([.init("rack", from: "rack", owner: Integration.owner(0))])
            try site.directory.write("raise 'broken on purpose'\n", to: "apps/rack/config.ru")
            if let owner = Integration.owner(0) {
                try TestDirectory.give("\(site.root(of: "rack"))/config.ru", to: owner)
            }
            let response = try site.get("rack")
            #expect(response.status == 500)
            #expect(response.header("cache-control")?.contains("no-store") == true)
            let id = try #require(response.text.firstMatch(of: #/\b[0-9a-f]{8}\b/#)).output
            #expect(!response.text.contains("broken on purpose"), "the short page hides what failed")
            let log = site.log()
            #expect(log.contains(id) && log.contains("broken on purpose"), "\(log.suffix(2000))")
            if let owner = Integration.owner(0) { #expect(log.contains(owner.name)) }
        }

        @Test func `a process that ends before it answers gives 502 and the log has its exit code`() throws {
            let site = try Site.running([.init("rack", from: "rack", owner: Integration.owner(0))])
            _ = try site.page("rack")
            let connection = try HTTPConnection(port: site.port)
            try connection.send("POST /exit HTTP/1.1\r\nHost: rack.localhost\r\nContent-Length: 0\r\n\r\n")
            #expect(try connection.readResponse().status == 502)
            try eventually("the exit code in the log") { site.log().contains("7") && site.log().contains("exit") }
            #expect(try site.page("rack").status == 200)
        }

        @Test func `no answer within the time limit gives 504`() throws {
            let site = try Site.running([
                .init("rack", from: "rack", owner: Integration.owner(0), settings: ["passenger_read_timeout 1;"])
            ])
            _ = try site.page("rack")
            #expect(try site.get("rack", "/sleep?ms=3000").status == 504)
        }

        @Test func `a host without a startup file has files and 404`() throws {
            let site = try Site.running([.init("empty", from: nil)])
            try site.directory.write("hello\n", to: "apps/empty/public/hello.txt")
            #expect(try site.get("empty", "/hello.txt").text == "hello\n")
            #expect(try site.get("empty", "/none").status == 404)
        }

        @Test func `a client that asks for JSON gets errors as JSON`() throws {
            let site = try Site.running([.init("empty", from: nil)])
            try site.directory.write("hello\n", to: "apps/empty/public/hello.txt")
            let response = try site.get(
                "empty",
                "/none",
                headers: "Content-Type: application/json\r\nAccept: application/json\r\n"
            )
            #expect(response.header("content-type")?.hasPrefix("application/json") == true, "\(response.text)")
        }

        @Test func `output of an application is in the log with its PID`() throws {
            let site = try Site.running([.init("rack", from: "rack", owner: Integration.owner(0))])
            let pid = try #require(try site.page("rack", "/pid").pid)
            _ = try site.page("rack", "/log")
            try eventually("the line") { site.log().contains("App \(pid) output: a line on standard error\n") }
        }

        @Test func `an exception in an application gives 500 and the next request an answer`() throws {
            let site = try Site.running([.init("rack", from: "rack", owner: Integration.owner(0))])
            let pid = try site.page("rack", "/pid").pid
            #expect(try site.get("rack", "/raise").status == 500)
            #expect(try site.page("rack", "/pid").pid == pid)
            try eventually("the message in the log") { site.log().contains("raised on purpose") }
        }
    }
}
