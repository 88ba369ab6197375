// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

/// Why streams ended: both session machines.
struct FateTests {
    private static let process = ProcessID(rawValue: 0xABCD)
    private static let session = SessionID(rawValue: 0xDEAD_BEEF)

    private func query(_ stream: UInt64, of process: ProcessID = process) -> FateQuery {
        FateQuery(process: process, stream: StreamNumber(rawValue: stream))
    }

    private func verdict(_ stream: UInt64, _ verdict: StreamFate.Verdict) -> DaemonSession.FateAction {
        .send(.streamFate(StreamFate(stream: StreamNumber(rawValue: stream), verdict: verdict)))
    }

    /// A connection that holds a session.
    private func holding(features: UInt64 = WireFeature.supported) -> DaemonSession {
        var session = DaemonSession(mayManifest: false, features: features)
        _ = session.received(.defineApp(SessionPair.definition(1)))
        _ = session.appJudged(.init(rawValue: 1), rejection: nil)
        let checkout = Checkout(request: .init(rawValue: 9), app: .init(rawValue: 1), method: "GET", path: "/")
        _ = session.received(.checkout(checkout))
        _ = session.granted(Samples.granted())
        return session
    }

    @Test func `unread bytes are told at once`() {
        var session = self.holding()
        #expect(session.received(.fateQuery(self.query(1))) == .fateQuery(self.query(1)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: true) == self.verdict(1, .unread))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: true).isIgnored)
    }

    @Test func `a process is alive when it has had its time to end`() {
        var session = self.holding()
        _ = session.received(.fateQuery(self.query(1)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: false) == .wait)
        #expect(session.fateTimePassed(.init(rawValue: 1), isEnding: false) == self.verdict(1, .alive))
        #expect(session.fateTimePassed(.init(rawValue: 1), isEnding: false).isIgnored)
    }

    @Test func `a process that is ending is waited for, however long that takes`() {
        var session = self.holding()
        _ = session.received(.fateQuery(self.query(1)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: false) == .wait)
        for _ in 0..<3 { #expect(session.fateTimePassed(.init(rawValue: 1), isEnding: true) == .wait) }
        _ = session.processGone(ProcessGone(process: Self.process, signal: 9))
        #expect(session.fateTimePassed(.init(rawValue: 1), isEnding: true) == self.verdict(1, .ended))
    }

    @Test func `a process that ends in that time has ended`() {
        var session = self.holding()
        _ = session.received(.fateQuery(self.query(1)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: false) == .wait)
        _ = session.processGone(ProcessGone(process: Self.process, signal: 11))
        #expect(session.fateTimePassed(.init(rawValue: 1), isEnding: false) == self.verdict(1, .ended))
    }

    @Test func `bytes that a process left unread are told also after its end`() {
        var session = self.holding()
        _ = session.processGone(ProcessGone(process: Self.process, signal: 9))
        _ = session.received(.fateQuery(self.query(1)))
        _ = session.received(.fateQuery(self.query(2)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: true) == self.verdict(1, .unread))
        #expect(session.streamLookedUp(.init(rawValue: 2), wasUnread: false) == self.verdict(2, .ended))
    }

    @Test func `a process of which nothing is held counts as ended`() {
        var session = self.holding()
        let other = ProcessID(rawValue: 1)
        _ = session.received(.fateQuery(self.query(1, of: other)))
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: false) == self.verdict(1, .ended))
    }

    @Test func `a flood of questions is answered at once, one twice or without leave ends the connection`() {
        var session = self.holding()
        for number in 0..<UInt64(WireLimits.openFateQueries) {
            #expect(session.received(.fateQuery(self.query(number))) == .fateQuery(self.query(number)))
        }
        let ended = StreamFate(stream: .init(rawValue: 1_000_000), verdict: .ended)
        #expect(session.received(.fateQuery(self.query(1_000_000))) == .send(.streamFate(ended)))
        #expect(session.received(.fateQuery(self.query(0))) == .violation(reason: "the same fate asked for twice"))
        var old = self.holding(features: 0)
        #expect(old.received(.fateQuery(self.query(0))) == .violation(reason: "FateQuery was not negotiated"))
    }

    @Test func `questions end with their connection`() {
        var session = self.holding()
        _ = session.received(.fateQuery(self.query(1)))
        _ = session.connectionClosed()
        #expect(session.streamLookedUp(.init(rawValue: 1), wasUnread: true).isIgnored)
    }

    // MARK: The front

    private func front(features: UInt64) -> FrontSession {
        let now = NIODeadline.uptimeNanoseconds(1)
        var front = FrontSession(hello: Hello(role: .control), at: now)
        _ = front.connectionOpened(at: now)
        _ = front.received(.helloReply(HelloReply(features: features)), at: now)
        return front
    }

    @Test func `a front asks once, and takes what it asked for`() {
        let now = NIODeadline.uptimeNanoseconds(1)
        var front = self.front(features: WireFeature.supported)
        let fate = StreamFate(stream: .init(rawValue: 1), verdict: .alive)
        #expect(front.askFate(of: fate.stream, to: Self.process) == .send(.fateQuery(self.query(1))))
        #expect(front.askFate(of: fate.stream, to: Self.process) == .unavailable)
        #expect(front.received(.streamFate(fate), at: now) == .streamFate(fate))
        #expect(front.received(.streamFate(fate), at: now) == .violation(reason: "a fate that was not asked for"))
    }

    @Test func `an older daemon is not asked, a leaving one is`() {
        let now = NIODeadline.uptimeNanoseconds(1)
        var old = self.front(features: WireFeature.supported & ~WireFeature.streamFates)
        #expect(old.askFate(of: .init(rawValue: 1), to: Self.process) == .unavailable)
        var leaving = self.front(features: WireFeature.supported)
        _ = leaving.received(.goodbye(Goodbye(reason: "stops")), at: now)
        #expect(leaving.askFate(of: .init(rawValue: 1), to: Self.process) == .send(.fateQuery(self.query(1))))
        _ = leaving.connectionClosed(at: now)
        #expect(leaving.askFate(of: .init(rawValue: 2), to: Self.process) == .unavailable)
    }
}

extension DaemonSession.FateAction {
    fileprivate var isIgnored: Bool {
        if case .ignored = self { true } else { false }
    }
}
