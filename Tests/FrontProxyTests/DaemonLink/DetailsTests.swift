// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Details of failed starts over the control connection.
struct DetailsTests {
    /// What those who asked were told: error IDs of reports, or nil; from the test's thread.
    final class Answers: Sendable {
        private let heard = Mutex<[String?]>([])
        func add(_ details: FailureDetails?) { heard.withLock { $0.append(details?.report.errorID) } }
        var all: [String?] { heard.withLock { $0 } }
    }

    private let app = FrontApp(
        id: 3,
        groupName: "/srv/shop",
        settings: SettingsList([.init(name: "app_root", value: "/srv/shop")])
    )

    private func report(_ errorID: String = "0badcafe") -> Report {
        var report = FailureReport.sample
        report.errorID = errorID
        let json = ByteBuffer(bytes: report.json() ?? [])
        return Report(app: AppNumber(rawValue: 3), errorID: errorID, json: json)
    }

    private func ask(_ link: DaemonLinkTests.LinkOnLoop, _ answers: Answers, _ errorID: String = "0badcafe") throws {
        let app = self.app
        try link.on { $0.details(of: errorID, app: app) { answers.add($0) } }
    }

    /// A connection on which the app is known.
    private func connected(
        to daemon: FakeDaemon,
        _ link: DaemonLinkTests.LinkOnLoop
    ) throws -> FakeDaemonConnection {
        let connection = try daemon.greet()
        _ = try link.checkout(app, owner: DaemonLinkTests.Owner())
        guard case .defineApp = try connection.next(), case .checkout = try connection.next() else {
            throw FakeDaemonFailure(description: "no checkout")
        }
        return connection
    }

    @Test func `many who ask at once share one question, and later ones the answer`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try connected(to: daemon, link)
        let answers = Answers()
        for _ in 0..<5 { try ask(link, answers) }
        #expect(try connection.next() == .reportQuery(ReportQuery(app: AppNumber(rawValue: 3), errorID: "0badcafe")))
        #expect(answers.all.isEmpty)
        try connection.send(.report(report()))
        try eventually("the answers") { answers.all == Array(repeating: "0badcafe", count: 5) }
        try ask(link, answers)
        #expect(answers.all.count == 6)
        // The next message is about the next question: none was asked in between.
        try ask(link, answers, "11111111")
        #expect(try connection.next() == .reportQuery(ReportQuery(app: AppNumber(rawValue: 3), errorID: "11111111")))
    }

    @Test func `a daemon that has nothing to tell, or nothing that can be read, is answered without`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try connected(to: daemon, link)
        let answers = Answers()
        for text in ["", "{}", "nonsense"] {
            try ask(link, answers)
            _ = try connection.next()
            var report = report()
            report.json = ByteBuffer(string: text)
            try connection.send(.report(report))
            let count = answers.all.count
            try eventually("the answer to \(text)") { answers.all.count > count || answers.all.last == .some(nil) }
        }
        try eventually("all answers") { answers.all == [nil, nil, nil] }
    }

    @Test func `nobody waits longer than two seconds, and a late answer serves the next one`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try connected(to: daemon, link)
        let answers = Answers()
        try ask(link, answers)
        _ = try connection.next()
        try eventually("the limit", within: .seconds(10)) { answers.all == [nil] }
        try connection.send(.report(report()))
        try eventually("the details are here") {
            try ask(link, answers)
            return answers.all.last == "0badcafe"
        }
    }

    @Test func `the end of the connection is the end of the wait`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let answers = Answers()
        var connection: FakeDaemonConnection? = try connected(to: daemon, link)
        try ask(link, answers)
        _ = try connection?.next()
        connection = nil
        try eventually("the end", within: .seconds(1)) { answers.all == [nil] }
        // Without a connection there is nothing to wait for.
        try ask(link, answers)
        #expect(answers.all == [nil, nil])
    }

    @Test func `details used least recently make room`() {
        var recent = RecentDetails()
        func query(_ number: Int) -> ReportQuery {
            ReportQuery(app: AppNumber(rawValue: 1), errorID: "\(number)")
        }
        for number in 0..<RecentDetails.capacity { recent.insert(FailureDetails(.sample), for: query(number)) }
        #expect(recent.find(query(0)) != nil)
        recent.insert(FailureDetails(.sample), for: query(99))
        #expect(recent.count == RecentDetails.capacity)
        #expect(recent.find(query(0)) != nil && recent.find(query(1)) == nil && recent.find(query(99)) != nil)
        #expect(recent.find(ReportQuery(app: AppNumber(rawValue: 2), errorID: "0")) == nil)
    }
}
