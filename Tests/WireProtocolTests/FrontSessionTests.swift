// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import Testing
import WireProtocol

struct FrontSessionTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func checkout(_ id: UInt64, app: UInt32 = 1) -> Checkout {
        Checkout(request: .init(rawValue: id), app: .init(rawValue: app), method: "GET", path: "/")
    }

    private func opened() -> FrontSession {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        _ = session.received(.helloReply(HelloReply()), at: self.start)
        return session
    }

    @Test func `the first checkout of an app carries its settings, the next ones do not`() {
        var session = self.opened()
        let definition = SessionPair.definition(1)
        #expect(
            session.checkout(self.checkout(1), of: definition, at: self.start) == .send(definition, self.checkout(1))
        )
        #expect(session.checkout(self.checkout(2), of: definition, at: self.start) == .send(nil, self.checkout(2)))
    }

    @Test func `checkouts wait for a connection and are sent in order, each app defined once`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        for id in UInt64(1)...3 {
            let app = UInt32(id % 2)
            let action = session.checkout(self.checkout(id, app: app), of: SessionPair.definition(app), at: self.start)
            #expect(action == .wait)
        }
        #expect(session.cancel(.init(rawValue: 2), at: .now()) == .forgotten)
        #expect(session.connectionOpened(at: self.start).role == .control)
        #expect(
            session.received(.helloReply(HelloReply()), at: self.start)
                == .hello(
                    .opened(
                        HelloReply(),
                        send: [
                            .defineApp(SessionPair.definition(1)), .checkout(self.checkout(1, app: 1)),
                            .checkout(self.checkout(3, app: 1)),
                        ]
                    )
                )
        )
    }

    @Test func `a checkout waits five seconds for a connection`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.checkout(self.checkout(1), of: SessionPair.definition(1), at: self.start)
        _ = session.checkout(self.checkout(2), of: SessionPair.definition(1), at: self.start + .seconds(1))
        #expect(session.nextDeadline == self.start + .seconds(5))
        #expect(session.timePassed(to: self.start + .seconds(4)).expired == [])
        #expect(session.timePassed(to: self.start + .seconds(5)).expired == [RequestID(rawValue: 1)])
        #expect(session.nextDeadline == self.start + .seconds(6))
        #expect(session.outstandingCheckouts == 1)
    }

    @Test func `a lost connection loses its sessions and keeps its unanswered checkouts`() {
        var session = self.opened()
        _ = session.checkout(self.checkout(1), of: SessionPair.definition(1), at: self.start)
        _ = session.checkout(self.checkout(2), of: SessionPair.definition(1), at: self.start)
        _ = session.checkout(self.checkout(3), of: SessionPair.definition(1), at: self.start)
        _ = session.received(.granted(Samples.granted(request: 1, session: 100)), at: self.start)
        _ = session.cancel(.init(rawValue: 3), at: .now())
        #expect(session.connectionClosed(at: self.start + .seconds(9)) == [SessionID(rawValue: 100)])
        #expect(
            session.release(.init(rawValue: 100), outcome: .ok, at: .uptimeNanoseconds(9))
                == .ignored(reason: "no such session")
        )
        _ = session.connectionOpened(at: self.start + .seconds(10))
        let action = session.received(.helloReply(HelloReply()), at: self.start + .seconds(10))
        let resent: [FrontMessage] = [.defineApp(SessionPair.definition(1)), .checkout(self.checkout(2))]
        #expect(action == .hello(.opened(HelloReply(), send: resent)))
    }

    @Test func `an unanswered Hello is given up after two seconds`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        #expect(session.nextDeadline == self.start + .seconds(2))
        #expect(session.timePassed(to: self.start + .seconds(1)).giveUp == nil)
        #expect(session.timePassed(to: self.start + .seconds(2)).giveUp == "no answer to Hello")
    }

    @Test func `a worker leaves the daemon time to wait for its manifest`() {
        var session = FrontSession(hello: Hello(role: .control, workerToken: Samples.workerToken), at: self.start)
        _ = session.connectionOpened(at: self.start)
        #expect(session.timePassed(to: self.start + .seconds(6)).giveUp == nil)
        #expect(session.timePassed(to: self.start + .seconds(7)).giveUp == "no answer to Hello")
    }

    @Test func `a daemon of another major is refused with both versions, whatever it answered`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        let reply = HelloReply(version: ProtocolVersion(major: 9, minor: 0), product: "Flying Passenger 9.0.0")
        guard
            case .hello(.refused(let text, isVersionMismatch: true)) = session.received(
                .helloReply(reply),
                at: self.start
            )
        else {
            Issue.record("not refused")
            return
        }
        #expect(text.contains("9.0.0") && text.contains(Product.version))
        #expect(text.contains("protocol 9.0") && text.contains("protocol \(ProtocolVersion.current)"))
    }

    @Test func `a refusal for another reason may be tried again`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        let action = session.received(.helloReply(HelloReply(refusal: "no manifest")), at: self.start)
        #expect(action == .hello(.refused("no manifest", isVersionMismatch: false)))
    }

    @Test func `a rejected app is told again with its next checkout`() {
        var session = self.opened()
        let definition = SessionPair.definition(1, valid: false)
        _ = session.checkout(self.checkout(1), of: definition, at: self.start)
        let rejected = AppRejected(app: .init(rawValue: 1), reason: "not valid")
        #expect(
            session.received(.appRejected(rejected), at: self.start)
                == .appRejected(.init(rawValue: 1), reason: "not valid")
        )
        #expect(
            session.checkout(self.checkout(2), of: definition, at: self.start) == .send(definition, self.checkout(2))
        )
    }

    @Test func `settings that do not fit into a frame are rejected without asking`() {
        var session = self.opened()
        let value = String(repeating: "x", count: Int(WireLimits.frame))
        let definition = DefineApp(
            app: .init(rawValue: 1),
            groupName: "/foo",
            settings: SettingsList([.init(name: "env_var", value: "A=\(value)")])
        )
        guard case .rejected(let reason) = session.checkout(self.checkout(1), of: definition, at: self.start) else {
            Issue.record("not rejected")
            return
        }
        #expect(reason.contains("limit is 262144"))
    }

    @Test func `the computed size of a definition is that of its frame`() {
        let bytes = Samples.bytes { FrontMessage.defineApp(Samples.definition).write(into: &$0) }
        #expect(Samples.definition.wireSize == bytes.readableBytes - 4)
    }

    @Test func `a silent daemon is asked and given up`() {
        var session = self.opened()
        #expect(session.timePassed(to: self.start + .seconds(10)).ping == 1)
        #expect(session.timePassed(to: self.start + .seconds(30)).giveUp == "the daemon is silent")
    }

    private func asking(features: UInt64 = WireFeature.supported) -> FrontSession {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        _ = session.received(.helloReply(HelloReply(features: features)), at: self.start)
        _ = session.checkout(self.checkout(1), of: SessionPair.definition(1), at: self.start)
        return session
    }

    private static let app = AppNumber(rawValue: 1)

    private static func report(_ id: String) -> Report {
        Report(app: Self.app, errorID: id, json: ByteBuffer(string: "{}"))
    }

    @Test func `details are asked for once, few at a time, the others in order`() {
        var session = self.asking()
        func query(_ id: String) -> ReportQuery { ReportQuery(app: Self.app, errorID: id) }
        for id in ["a", "b"] { #expect(session.askReport(id, of: Self.app) == .send(query(id))) }
        for id in ["a", "c", "d", "c"] { #expect(session.askReport(id, of: Self.app) == .wait) }
        let first = session.received(.report(Self.report("b")), at: self.start)
        #expect(first == .report(Self.report("b"), next: query("c")))
        let second = session.received(.report(Self.report("a")), at: self.start)
        #expect(second == .report(Self.report("a"), next: query("d")))
        let third = session.received(.report(Self.report("d")), at: self.start)
        #expect(third == .report(Self.report("d"), next: nil))
        guard case .violation = session.received(.report(Self.report("d")), at: self.start) else {
            Issue.record("an answer without a question")
            return
        }
    }

    @Test func `questions for details are bounded and end with their connection`() {
        var session = self.asking()
        for number in 0..<(WireLimits.waitingReportQueries + WireLimits.openReportQueries) {
            guard case .unavailable = session.askReport(String(number), of: Self.app) else { continue }
            Issue.record("number \(number) refused")
        }
        guard case .unavailable = session.askReport("one more", of: Self.app) else {
            Issue.record("no bound")
            return
        }
        _ = session.connectionClosed(at: self.start)
        #expect(session.askReport("a", of: Self.app) == .unavailable(reason: "no connection"))
        _ = session.connectionOpened(at: self.start)
        _ = session.received(.helloReply(HelloReply()), at: self.start)
        #expect(session.askReport("a", of: Self.app) == .send(ReportQuery(app: Self.app, errorID: "a")))
    }

    @Test func `nothing is asked of a daemon that does not know of details or of the app`() {
        var old = self.asking(features: 0)
        guard case .unavailable = old.askReport("a", of: Self.app) else {
            Issue.record("not negotiated")
            return
        }
        var session = self.asking()
        guard case .unavailable = session.askReport("a", of: .init(rawValue: 2)) else {
            Issue.record("the app was not defined")
            return
        }
    }

    static let unexpected: [DaemonMessage] = [.attached(Attached(mode: .relayed))]

    @Test(arguments: unexpected)
    func `messages that were not negotiated are violations`(message: DaemonMessage) {
        var session = self.opened()
        guard case .violation = session.received(message, at: self.start) else {
            Issue.record("taken")
            return
        }
    }

    @Test func `nothing is taken before the answer to Hello`() {
        var session = FrontSession(hello: Hello(role: .control), at: self.start)
        _ = session.connectionOpened(at: self.start)
        guard case .violation = session.received(.ping(1), at: self.start) else {
            Issue.record("taken")
            return
        }
    }
}
