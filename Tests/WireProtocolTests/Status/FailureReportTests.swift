// SPDX-License-Identifier: MIT

import ShownText
import Testing
import WireProtocol

struct FailureReportTests {
    static func report(output: String = "", detail: String = "", summary: String = "the app exited") -> FailureReport {
        FailureReport(
            errorID: "1a2b3c4d",
            time: 1_700_000_000_000_000,
            category: "application",
            kind: "exception",
            title: "The app raised an exception",
            summary: summary,
            app: .init(
                groupName: "/srv/shop",
                root: "/srv/shop",
                startupFile: "config.ru",
                type: "rack",
                environment: "production",
                baseURI: "/",
                command: ["ruby", "loader"]
            )
        ) {
            $0.explanation = "why"
            $0.remedies = [.init("Fix it."), .init("Own it:", shell: "chown joe: /srv/shop/config.ru")]
            $0.detail = detail
            $0.output = output
            $0.failedStep = "load-app"
            $0.steps = [
                .init(name: "load-app", state: "failed", microseconds: 1200),
                .init(name: "listen", state: "not started", microseconds: nil),
            ]
            $0.user = .init(
                name: "joe",
                uid: 1000,
                groups: ["joe (1000)"],
                home: "/home/joe",
                reason: "runs as joe because joe owns config.ru"
            )
            $0.variables = [.init(name: "PATH", value: "/bin")]
            $0.limits = [.init(name: "open files", value: "1024")]
            $0.machine = [.init(name: "load", value: "0.1")]
        }
    }

    @Test func `a report comes back from JSON as it was`() throws {
        let report = Self.report(output: "\u{1B}[31mno\nsuch gem ü", detail: "x.rb:1\u{0}")
        #expect(FailureReport(json: try #require(report.json())) == report)
        var without = report
        without.user = nil
        #expect(FailureReport(json: try #require(without.json())) == without)
    }

    @Test(arguments: ["x", "\u{1B}", "€", "\""])
    func `whatever the app wrote, the JSON fits its limit and keeps the end of the output`(piece: String) throws {
        let noise = String(repeating: piece, count: 200_000)
        let report = Self.report(output: noise + "the end", detail: "the start" + noise, summary: noise)
        let json = try #require(report.json())
        #expect(json.count <= WireLimits.reportBytes)
        #expect(json.count > 1000)
        let short = try #require(FailureReport(json: json))
        #expect(short.output.hasSuffix("the end"))
        #expect(short.detail.hasPrefix("the start"))
        #expect(short.errorID == report.errorID && short.remedies == report.remedies)
    }

    @Test func `a limit that nothing fits gives nothing`() {
        #expect(Self.report().json(limit: 10) == nil)
        #expect(Self.report(output: "x").json(limit: 1200) != nil)
    }

    @Test func `bytes that are no report are none`() {
        for text in ["", "{}", "[]", "null", #"{"errorID":3}"#] { #expect(FailureReport(json: text.utf8) == nil) }
    }
}
