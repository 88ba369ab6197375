// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// The answers to requests for an app that could not be started.
struct FailedStartTests {
    private static func refusal(
        _ reason: RefusalReason = .spawnFailed,
        hasDetails: Bool = true,
        retryAfter: Int = 0
    ) -> LinkRefusal {
        let report = SpawnReport(errorID: "0badcafe", summary: "s", hasDetails: hasDetails)
        return LinkRefusal(.daemon(reason), retryAfterSeconds: retryAfter, report: report)
    }

    private func path(
        _ refusals: [LinkRefusal],
        report: FailureReport? = .sample,
        change: (inout RouteModel.Values) -> Void = { _ in }
    ) throws -> DataPath {
        let path = try DataPath(change: change) { _ in .ok("fine") }
        path.notes.refusals.withLock { $0 = refusals }
        path.notes.report.withLock { $0 = report }
        return path
    }

    @Test(arguments: [
        ("text/html", "text/html; charset=utf-8", "<h1>A gem is missing</h1>"),
        ("application/json", "application/json", "\"kind\":\"missing-gem\""),
        ("*/*", "text/plain; charset=utf-8", "Install the gems of the Gemfile."),
    ])
    func `the friendly page comes in the form that the client wants`(
        accept: String,
        type: String,
        piece: String
    ) throws {
        let path = try path([Self.refusal(), Self.refusal(.backoff, retryAfter: 7)]) { $0.spawnErrorStatus = 521 }
        let client = try path.connect()
        let response = try client.get("/", headers: "Accept: \(accept)\r\n")
        #expect(response.status == 521 && response.header("content-type") == type && response.text.contains(piece))
        #expect(response.header("cache-control") == "no-cache, no-store, must-revalidate")
        #expect(response.header("x-content-type-options") == "nosniff" && response.header("vary") == "Accept")
        #expect((response.header("content-security-policy") != nil) == (accept == "text/html"))
        #expect(response.header("retry-after") == nil && response.header("connection") == nil)
        try client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept: \(accept)\r\n\r\n")
        let head = try client.readResponse(toHead: true)
        #expect(head.status == 521 && head.header("retry-after") == "7")
        #expect(head.header("content-length") == "\(response.body.count)")
        #expect(try client.get("/").text == "fine")
        #expect(path.notes.detailQueries.load(ordering: .relaxed) == 2)
    }

    @Test func `without details the page is short and says where to look`() throws {
        let path = try path([Self.refusal(hasDetails: false), Self.refusal()], report: nil)
        let client = try path.connect()
        for _ in 0..<2 {
            let response = try client.get("/", headers: "Accept: text/html\r\n")
            #expect(response.status == 500 && response.text.contains("Error ID: <code>0badcafe</code>"))
            #expect(response.text.contains("failures/0badcafe.txt"))
            #expect(response.text.contains("passenger_friendly_error_pages on;"))
        }
        #expect(path.notes.detailQueries.load(ordering: .relaxed) == 1)
    }

    @Test func `whoever waits for details holds nobody up, and may leave`() throws {
        let path = try path([Self.refusal(), Self.refusal()])
        path.notes.isHoldingDetails.store(true, ordering: .relaxed)
        let waiting = try path.connect()
        try waiting.send("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n")
        var leaving: HTTPConnection? = try path.connect()
        try leaving?.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("both wait") { path.notes.detailQueries.load(ordering: .relaxed) == 2 }
        #expect(try path.connect().get("/").text == "fine")
        leaving = nil
        try eventually("one has left") { try path.onLoop { $0.connectionCount } == 1 }
        try path.handOverDetails()
        #expect(try waiting.readResponse().text.contains("A gem is missing"))
        #expect(try waiting.get("/").text == "fine")
    }

    @Test func `a custom page stands for the short one, for those who take HTML`() throws {
        let short = Self.refusal(hasDetails: false)
        let place = try TestDirectory()
        let path = try path([short, short, Self.refusal(.backoff, hasDetails: false, retryAfter: 3), short]) {
            $0.customErrorPage = place.file("sorry.html")
        }
        try place.write("<script>ours</script>", to: "sorry.html")
        let client = try path.connect()
        let response = try client.get("/", headers: "Accept: text/html\r\n")
        #expect(response.status == 500 && response.text == "<script>ours</script>")
        #expect(response.header("content-type") == "text/html; charset=utf-8")
        #expect(response.header("cache-control") == "no-cache, no-store, must-revalidate")
        #expect(response.header("content-security-policy") == nil)
        let json = try client.get("/", headers: "Accept: application/json\r\n")
        #expect(json.text.contains("\"error_id\":\"0badcafe\""))
        try client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
        let head = try client.readResponse(toHead: true)
        #expect(head.header("content-length") == "21" && head.header("retry-after") == "3")
        try Files.remove(place.file("sorry.html"))
        #expect(try client.get("/", headers: "Accept: text/html\r\n").text.contains("0badcafe"))
    }

    @Test func `a custom page is for failed starts only, and never instead of the friendly one`() throws {
        let place = try TestDirectory()
        try place.write("ours", to: "sorry.html")
        let path = try path([LinkRefusal(.daemon(.queueFull)), LinkRefusal(.daemon(.noApplication)), Self.refusal()]) {
            $0.customErrorPage = place.file("sorry.html")
        }
        let client = try path.connect()
        #expect(try client.get("/").text.contains("heavy load"))
        #expect(try client.get("/").text.contains("no application"))
        #expect(try client.get("/", headers: "Accept: text/html\r\n").text.contains("A gem is missing"))
    }
}
