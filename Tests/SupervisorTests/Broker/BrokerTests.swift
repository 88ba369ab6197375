// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct BrokerTests {
    let bench: BrokerBench
    let app: EchoApp

    init() throws {
        self.bench = try BrokerBench()
        self.app = try EchoApp()
    }

    private func manifest(_ generation: UInt64, token: WorkerToken, preStart: Bool = false) -> FrontMessage {
        .manifest(
            Manifest(
                front: "front",
                generation: generation,
                workerUID: CurrentProcess.effectiveUID,
                workerToken: token,
                apps: [ManifestApp(groupName: "/foo", settings: BrokerBench.settings, preStart: preStart)]
            )
        )
    }

    @Test func `a request goes all the way: settings, session, stream, release`() throws {
        let front = try self.bench.front()
        let granted = try self.bench.granted(to: front, self.app)
        #expect(granted.pid == 4242 && granted.stickyID == 5 && granted.queueTimeMicroseconds == 3000)
        let stream = try self.bench.stream(granted.streamToken)
        let app = try self.app.accept()
        try stream.send("request")
        #expect(try app.read(7) == "request")
        try app.send("answer")
        #expect(try stream.read(6) == "answer")
        try front.send(.release(Release(session: granted.session, outcome: .ok)))
        try self.bench.waitForNote("release 1 ok")
        #expect(try self.bench.notes == ["define /foo full", "checkout 1 /foo GET /", "release 1 ok"])
    }

    @Test func `the details of a failure are asked of the pool, for apps of this connection only`() throws {
        let front = try self.bench.front()
        try self.bench.on { $1.reports["1a2b3c4d"] = #"{"kind":"crash"}"# }
        try front.send(BrokerBench.define)
        _ = try front.next()
        func answer(_ app: UInt32, _ id: String) throws -> String {
            let query = ReportQuery(app: AppNumber(rawValue: app), errorID: id)
            try front.send(.reportQuery(query))
            guard case .report(let report) = try front.next() else { throw WireClient.Ended() }
            #expect(report.app == query.app && report.errorID == id)
            return String(buffer: report.json)
        }
        #expect(try answer(1, "1a2b3c4d") == #"{"kind":"crash"}"#)
        #expect(try answer(1, "00000000") == "")
        #expect(try answer(2, "1a2b3c4d") == "")
        #expect(try self.bench.notes.filter { $0.contains("1a2b3c4d") } == ["report 1a2b3c4d of /foo"])
    }

    @Test func `a second grant of the process has the same token`() throws {
        let front = try self.bench.front()
        let first = try self.bench.granted(to: front, self.app)
        try front.send(BrokerBench.checkout(2))
        guard case .granted(let second) = try front.next() else { throw WireClient.Ended() }
        #expect(second.streamToken == first.streamToken)
        let other = try self.bench.granted(to: try self.bench.front(), self.app)
        #expect(other.streamToken != first.streamToken)
    }

    @Test func `invalid settings reject that app only`() throws {
        let front = try self.bench.front()
        let bad = DefineApp(
            app: AppNumber(rawValue: 2),
            groupName: "/bad",
            settings: SettingsList([
                .init(name: "app_root", value: "/bad"), .init(name: "max_instances", value: "many"),
            ])
        )
        let checkout = Checkout(request: .init(rawValue: 9), app: AppNumber(rawValue: 2), method: "GET", path: "/")
        try front.send(.defineApp(bad), .checkout(checkout))
        guard case .appRejected(let rejected) = try front.next(), case .refused(let refused) = try front.next() else {
            Issue.record("not rejected")
            return
        }
        #expect(rejected.reason.contains("max_instances"))
        #expect(refused.reason == .settingsRejected && refused.report?.summary == rejected.reason)
        _ = try self.bench.granted(to: front, self.app)
    }

    @Test func `a malformed frame closes its connection only`() throws {
        let bad = try self.bench.front()
        let good = try self.bench.front()
        try bad.send("\u{0}\u{0}\u{0}\u{1}\u{7F}")
        #expect(throws: WireClient.Ended.self) { try bad.next() }
        try good.send(.ping(3))
        #expect(try good.next() == .pong(3))
    }

    @Test func `a peer that does not read is closed, the daemon's memory stays bounded`() throws {
        let deaf = try self.bench.front()
        var pings = ByteBuffer()
        for number in UInt64(0)..<1000 { FrontMessage.ping(number).write(into: &pings) }
        let isClosed = pings.withUnsafeReadableBytes { bytes in
            for _ in 0..<10_000 {
                guard (try? deaf.socket.send(bytes)) != nil else { return true }
            }
            return false
        }
        #expect(isClosed)
        try self.bench.front().send(.ping(1))
    }

    // MARK: Manifests

    @Test func `a manifest pre-starts its apps and its generation is told`() throws {
        let master = try self.bench.front()
        try master.send(self.manifest(4, token: WorkerToken(high: 1, low: 1), preStart: true))
        try self.bench.waitForNote("define /foo full pre-start")
        let again = try self.bench.connect()
        try again.send(Hello(role: .control, frontName: "front"))
        guard case .helloReply(let reply) = try again.next() else { throw WireClient.Ended() }
        #expect(reply.highestGeneration == 4)
    }

    @Test func `a worker that is earlier than its manifest waits for it`() throws {
        let token = WorkerToken(high: 5, low: 6)
        let worker = try self.bench.connect()
        try worker.send(Hello(role: .control, frontName: "front", workerToken: token))
        try worker.send(BrokerBench.define, BrokerBench.checkout(1))
        try eventually("the worker is connected") { try self.bench.on { broker, _ in broker.connections.count == 1 } }
        #expect(try self.bench.notes == [])
        let master = try self.bench.front()
        try master.send(self.manifest(1, token: token))
        guard case .helloReply(let reply) = try worker.next() else { throw WireClient.Ended() }
        #expect(reply.highestGeneration == 1)
        #expect(try worker.next() == .appAccepted(AppAccepted(app: AppNumber(rawValue: 1))))
        try self.bench.waitForNote("checkout 1 /foo GET /")
    }

    // MARK: Ends

    @Test func `a lost front's session ends when the app has answered`() throws {
        var front: WireClient? = try self.bench.front()
        let granted = try self.bench.granted(to: try #require(front), self.app)
        var stream: WireClient? = try self.bench.stream(granted.streamToken)
        let app = try self.app.accept()
        try stream?.send("request")
        #expect(try app.read(7) == "request")
        front = nil
        stream = nil
        #expect(try app.readToEnd().readableBytes == 0)
        try eventually("the front is gone") { try self.bench.on { broker, _ in broker.connections.isEmpty } }
        #expect(try !self.bench.notes.contains { $0.hasPrefix("release") })
        try app.send("answer for nobody")
        try app.socket.shutdownBoth()
        try self.bench.waitForNote("release 1 clientGone")
    }

    @Test func `a lost front's connection does not count any more, although its session goes on`() throws {
        let place = ConnectionCounts.Kind(uid: CurrentProcess.effectiveUID, role: .control)
        var front: WireClient? = try self.bench.front()
        let granted = try self.bench.granted(to: try #require(front), self.app)
        let stream = try self.bench.stream(granted.streamToken)
        try stream.send("request")
        #expect(try self.app.accept().read(7) == "request")
        #expect(try self.bench.on { broker, _ in broker.counts.count(place) } == 1)
        front = nil
        try eventually("the place is free") { try self.bench.on { broker, _ in broker.counts.count(place) == 0 } }
        #expect(try self.bench.on { _, pool in !pool.sessionClients.isEmpty })
    }

    @Test func `what a lost front waited for is taken back, and its token is void`() throws {
        var front: WireClient? = try self.bench.front()
        let granted = try self.bench.granted(to: try #require(front), self.app)
        try self.bench.on { $1.address = nil }
        try front?.send(BrokerBench.checkout(2))
        try self.bench.waitForNote("checkout 2 /foo GET /")
        front = nil
        try self.bench.waitForNote("cancel 2")
        try self.bench.waitForNote("release 1 clientGone")
        #expect(throws: WireClient.Ended.self) { try self.bench.stream(granted.streamToken) }
    }

    @Test func `the end of a process is told with its cause, and its streams end`() throws {
        let front = try self.bench.front()
        let granted = try self.bench.granted(to: front, self.app)
        let stream = try self.bench.stream(granted.streamToken)
        let app = try self.app.accept()
        try app.send("last words")
        try self.bench.on { broker, _ in broker.processGone(FakePool.process, status: .signaled(9, coreDumped: false)) }
        #expect(try front.next() == .processGone(ProcessGone(process: FakePool.process, signal: 9)))
        #expect(try stream.readToEnd() == ByteBuffer(string: "last words"))
        #expect(throws: WireClient.Ended.self) { try self.bench.stream(granted.streamToken) }
    }

    @Test func `streams of a draining process end after their last session`() throws {
        let front = try self.bench.front()
        let granted = try self.bench.granted(to: front, self.app)
        let stream = try self.bench.stream(granted.streamToken)
        let app = try self.app.accept()
        try self.bench.on { broker, _ in broker.processDraining(FakePool.process, deadline: .seconds(600)) }
        #expect(try front.next() == .draining(Draining(process: FakePool.process, deadlineMilliseconds: 600_000)))
        try stream.send("request")
        #expect(try app.read(7) == "request")
        try front.send(.release(Release(session: granted.session, outcome: .ok)))
        #expect(try stream.readToEnd().readableBytes == 0)
        #expect(try app.readToEnd().readableBytes == 0)
    }

    @Test func `an aborted session is told with its reason`() throws {
        let front = try self.bench.front()
        let granted = try self.bench.granted(to: front, self.app)
        let session = granted.session
        try self.bench.on { $1.sessionClients[session]?.sessionAborted(session, reason: .maxRequestTime) }
        #expect(try front.next() == .abort(Abort(session: session, reason: .maxRequestTime)))
    }

    @Test func `a daemon that stops says goodbye, refuses fronts, and lets sessions go on`() throws {
        let front = try self.bench.front()
        let granted = try self.bench.granted(to: front, self.app)
        try self.bench.on { broker, _ in broker.stopAccepting() }
        #expect(try front.next() == .goodbye(Goodbye(reason: "the daemon stops")))
        try front.send(BrokerBench.checkout(2))
        #expect(try front.next() == .refused(Refused(request: .init(rawValue: 2), reason: .shuttingDown)))
        #expect(throws: WireClient.Ended.self) { try self.bench.front() }
        let stream = try self.bench.stream(granted.streamToken)
        try stream.send("request")
        #expect(try self.app.accept().read(7) == "request")
    }

    @Test func `connections are reported`() throws {
        let front = try self.bench.front()
        _ = try self.bench.granted(to: front, self.app)
        let reports = try self.bench.on { broker, _ in broker.connectionReports }
        #expect(reports.map(\.front) == ["front"])
        #expect(reports.map(\.sessions) == [1])
        #expect(reports.map(\.authority) == ["full"])
    }
}
