// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

/// Kept sessions that meet what the daemon does: one winner each time, and both ends know it.
struct LeaseCrossingTests {
    /// Session 100 of process 1 is leased and carries checkout 1; checkout 2 waits if `isWaiting`.
    private static func pair(isWaiting: Bool) -> SessionPair {
        var pair = SessionPair()
        pair.connect()
        pair.deliverAll()
        pair.apply(.checkout(1, app: 1))
        if isWaiting { pair.apply(.checkout(2, app: 1)) }
        pair.deliverAll()
        pair.apply(.lease(1, session: 100, process: 1))
        pair.deliverAll()
        pair.clearNotes()
        return pair
    }

    static let daemonEvents: [(String, [SessionPair.DaemonEvent])] = [
        ("grant", [.grant(2, session: 200, process: 1)]), ("lease", [.lease(2, session: 200, process: 1)]),
        ("refuse", [.refuse(2, .queueTimeout)]), ("recall", [.recall(100)]), ("process gone", [.processGone(1)]),
        ("abort", [.abort(100)]), ("drain", [.recall(100), .drain(1)]), ("goodbye", [.goodbye]),
    ]

    /// What front and daemon make of the other's message when the end of a request crosses it, while another one waits.
    static let reuse: [(String, front: String, daemon: String)] = [
        ("grant", "reused for 2, releaseLate 200", "reuse 100 crossed, release 200 unused"),
        ("lease", "reused for 2, releaseLate 200", "reuse 100 crossed, release 200 unused"),
        ("refuse", "reused for 2, ignored", "reuse 100 crossed"),
        ("recall", "reused for 2", "reuse 100 for 2"),
        ("process gone", "reused for 2, gone with 1", "cancel 2"),
        ("abort", "reused for 2, aborted 100", "cancel 2"),
        ("drain", "reused for 2, draining", "reuse 100 for 2"),
        ("goodbye", "reused for 2, goodbye, ignored", "reuse 100 crossed"),
    ]

    @Test(arguments: reuse.indices)
    func `a lease that carries a waiting request crosses what the daemon does`(row: Int) throws {
        let (name, front, daemon) = Self.reuse[row]
        var pair = Self.pair(isWaiting: true)
        pair.apply(.release(100))
        for event in try #require(Self.daemonEvents.first { $0.0 == name }).1 { pair.apply(event) }
        pair.deliverAll()
        #expect(pair.disagreements == [], "\(name)")
        #expect(pair.frontNotes.joined(separator: ", ") == front, "\(name)")
        #expect(pair.daemonNotes.joined(separator: ", ") == daemon, "\(name)")
    }

    /// The same with a session that is kept and carries nothing.
    static let idle: [(String, front: String, daemon: String)] = [
        ("recall", "", "release 100 ok of 1"), ("process gone", "gone with 1", ""), ("abort", "aborted 100", ""),
        ("drain", "draining", "release 100 ok of 1"), ("goodbye", "goodbye", "release 100 ok of 1"),
    ]

    @Test(arguments: idle.indices)
    func `a kept session that carries nothing goes back, or is over`(row: Int) throws {
        let (name, front, daemon) = Self.idle[row]
        var pair = Self.pair(isWaiting: false)
        pair.apply(.release(100))
        #expect(Array(pair.kept.keys) == [100])
        for event in try #require(Self.daemonEvents.first { $0.0 == name }).1 { pair.apply(event) }
        pair.deliverAll()
        #expect(pair.disagreements == [], "\(name)")
        #expect(pair.kept.isEmpty)
        #expect(pair.frontNotes.joined(separator: ", ") == front, "\(name)")
        #expect(pair.daemonNotes.joined(separator: ", ") == daemon, "\(name)")
    }

    @Test func `the next request of an app uses a kept session without a word`() {
        var pair = Self.pair(isWaiting: false)
        for request in UInt64(2)...5 {
            pair.apply(.release(100))
            pair.apply(.time(1))
            pair.apply(.checkout(request, app: 1))
            #expect(pair.toDaemon.isEmpty)
        }
        pair.apply(.release(100))
        pair.apply(.time(3))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["release 100 ok of 5"])
        #expect(pair.disagreements == [])
    }

    @Test func `a session that was idle for too long goes back before the daemon is asked`() {
        var pair = Self.pair(isWaiting: false)
        pair.apply(.release(100))
        pair.now = pair.now + .milliseconds(2)
        pair.apply(.checkout(2, app: 1))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["release 100 ok of 1", "checkout 2"])
    }

    @Test func `a lease ends with the first request after its time`() {
        var pair = Self.pair(isWaiting: false)
        for request in UInt64(2)..<102 {
            pair.now = pair.now + .milliseconds(1)
            pair.apply(.release(100))
            pair.apply(.checkout(request, app: 1))
        }
        pair.deliverAll()
        #expect(pair.daemonNotes == ["release 100 ok of 100", "checkout 101"])
        #expect(pair.disagreements == [])
    }

    @Test func `after a recall of what was idle the front asks for a while`() {
        var pair = Self.pair(isWaiting: false)
        pair.apply(.release(100))
        pair.apply(.recall(100))
        pair.deliverAll()
        for (request, isKept) in [(UInt64(2), false), (3, true)] {
            pair.apply(.checkout(request, app: 1))
            pair.deliverAll()
            pair.apply(.lease(request, session: request, process: 1))
            pair.deliverAll()
            pair.apply(.release(request))
            #expect((pair.kept[request] != nil) == isKept)
            pair.apply(.time(50))
        }
    }

    @Test func `a request that lasts makes its session an ordinary one`() {
        var pair = Self.pair(isWaiting: false)
        pair.apply(.release(100))
        pair.apply(.checkout(2, app: 1))
        pair.apply(.time(49))
        #expect(pair.toDaemon.isEmpty)
        pair.apply(.time(1))
        pair.apply(.time(50))
        pair.apply(.release(100))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["lasting 100", "release 100 ok of 1"])
        #expect(pair.kept.isEmpty)
        #expect(pair.disagreements == [])
    }

    @Test func `requests of another app and those that want one process ask`() {
        var pair = Self.pair(isWaiting: false)
        pair.apply(.release(100))
        pair.apply(.checkout(2, app: 2))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["define", "checkout 2"])
        #expect(Array(pair.kept.keys) == [100])
    }

    @Test func `an upgraded session is not kept`() {
        var pair = Self.pair(isWaiting: false)
        pair.apply(.upgraded(100))
        pair.apply(.release(100))
        pair.deliverAll()
        #expect(pair.daemonNotes == ["upgraded 100", "release 100 ok of 1"])
    }

    @Test func `without the feature the daemon takes none of it`() {
        var session = DaemonSession(mayManifest: false, features: WireFeature.supported & ~WireFeature.keptSessions)
        let id = SessionID(rawValue: 1)
        let lasting = Lasting(session: id, carried: Carried(uses: 1), method: "GET", path: "/", host: "")
        #expect(
            session.received(.reuse(Reuse(session: id, request: .init(rawValue: 1))))
                == .violation(reason: "Reuse was not negotiated")
        )
        #expect(session.received(.lasting(lasting)) == .violation(reason: "Lasting was not negotiated"))
        let release = Release(session: id, outcome: .ok, carried: Carried(uses: 1))
        #expect(session.received(.release(release)) == .violation(reason: "kept sessions were not negotiated"))
    }
}
