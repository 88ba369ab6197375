// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

/// Requests that wait behind another one of their app, of which alone the daemon knows.
struct BehindTests {
    /// Session 100 of process 1 is leased and carries checkout 1; 2 is asked, and all up to `last` are behind it.
    private static func pair(upTo last: UInt64) -> SessionPair {
        var pair = SessionPair()
        pair.connect()
        pair.deliverAll()
        pair.apply(.checkout(1, app: 1))
        pair.deliverAll()
        pair.apply(.lease(1, session: 100, process: 1))
        pair.deliverAll()
        for id in 2...last { pair.apply(.checkout(id, app: 1)) }
        pair.deliverAll()
        pair.clearNotes()
        return pair
    }

    @Test func `those behind are served without a word, and the ticket is used up by the last`() {
        var pair = Self.pair(upTo: 5)
        #expect(pair.poolWaiting == [2])
        for _ in 2...5 { pair.apply(.release(100)) }
        pair.deliverAll()
        #expect(pair.frontNotes == (2...5).map { "reused for \($0)" })
        #expect(pair.daemonNotes == ["reuse 100 for 2"])
        #expect(pair.disagreements == [])
    }

    @Test func `a ticket passes on for a short time only`() {
        var pair = Self.pair(upTo: 4)
        pair.now = pair.now + .milliseconds(20)
        pair.apply(.release(100))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["reuse 100 for 2", "checkout 3"])
        pair.apply(.release(100))
        pair.deliverAll()
        #expect(pair.front.requestsBehind == 0)
        #expect(pair.poolWaiting == [3])
        #expect(pair.disagreements == [])
    }

    @Test func `the daemon hears of those that wait for long`() {
        var pair = Self.pair(upTo: 4)
        pair.apply(.time(19))
        #expect(pair.front.requestsBehind == 2)
        pair.apply(.time(1))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["checkout 3", "checkout 4"])
        #expect(pair.disagreements == [])
    }

    static let events: [(String, [SessionPair.DaemonEvent], front: String, daemon: String)] = [
        ("grant without a lease", [.grant(2, session: 200, process: 2)], "reused for 2, granted 3", "checkout 4"),
        ("lease", [.lease(2, session: 200, process: 2)], "reused for 2, granted 3", "checkout 4"),
        ("refuse", [.refuse(2, .queueTimeout)], "reused for 2, refused 3 queueTimeout", "checkout 4"),
        ("recall", [.recall(100)], "reused for 2", "checkout 4"),
        ("process gone", [.processGone(1)], "reused for 2, gone with 1", "checkout 4"),
        ("abort", [.abort(100)], "reused for 2, aborted 100", "checkout 4"),
        ("goodbye", [.goodbye], "reused for 2, goodbye, requeued 3", ""),
    ]

    @Test(arguments: events.indices)
    func `an answer is for whoever has the ticket, and what is behind is asked where no session will serve it`(row: Int)
    {
        let (name, events, front, daemon) = Self.events[row]
        var pair = Self.pair(upTo: 4)
        pair.apply(.release(100))
        for event in events { pair.apply(event) }
        pair.deliverAll()
        #expect(pair.frontNotes.joined(separator: ", ") == front, "\(name)")
        #expect(pair.daemonNotes.joined(separator: ", ") == daemon, "\(name)")
        #expect(pair.disagreements == [], "\(name)")
    }

    @Test func `a request that is taken back leaves its ticket to the next`() {
        var pair = Self.pair(upTo: 4)
        pair.apply(.cancel(2))
        pair.apply(.cancel(4))
        #expect(pair.toDaemon.isEmpty)
        pair.apply(.lease(2, session: 200, process: 2))
        pair.deliverAll()
        #expect(pair.frontNotes == ["granted 3"])
        #expect(pair.disagreements == [])
        pair = Self.pair(upTo: 2)
        pair.apply(.cancel(2))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["cancel 2"])
    }

    @Test func `the daemon knows of all before it would have to refuse some`() {
        var pair = Self.pair(upTo: 51)
        #expect(pair.poolWaiting.count == 1)
        pair.apply(.checkout(52, app: 1))
        pair.deliverAll()
        #expect(pair.daemonNotes == (3...52).map { "checkout \($0)" })
        #expect(pair.disagreements == [])
    }

    @Test(arguments: [(UInt32(1), UInt64(1)), (1, 0), (0, 1)])
    func `nobody stays behind where there is room`(_ concurrency: UInt32, _ queueTime: UInt64) {
        let start = NIODeadline.uptimeNanoseconds(1)
        var session = FrontSession(hello: Hello(role: .control), at: start)
        _ = session.connectionOpened(at: start)
        _ = session.received(.helloReply(HelloReply()), at: start)
        func checkout(_ id: UInt64) -> FrontSession.CheckoutAction {
            let checkout = Checkout(request: .init(rawValue: id), app: .init(rawValue: 1), method: "GET", path: "/")
            return session.checkout(checkout, of: SessionPair.definition(1), at: start)
        }
        func grant(_ id: UInt64) {
            var granted = Samples.granted(request: id, session: 100 + id, process: id)
            granted.uses = .max
            granted.concurrency = concurrency
            granted.queueTimeMicroseconds = queueTime
            _ = session.received(.granted(granted), at: start)
        }
        _ = checkout(1)
        grant(1)
        _ = checkout(2)
        let waits = (3...5).filter { checkout($0) == .wait }
        #expect(waits == (concurrency == 0 ? [] : [3, 4, 5]))
        grant(2)
        #expect(session.takePending().count == (concurrency == 0 ? 0 : queueTime == 0 ? 3 : 1))
    }

    @Test func `a lost connection loses none of them`() {
        var pair = Self.pair(upTo: 4)
        pair.apply(.release(100))
        pair.disconnect()
        pair.connect()
        pair.deliverAll()
        #expect(pair.daemonNotes == ["define", "checkout 3", "checkout 4"])
        #expect(pair.disagreements == [])
    }
}
