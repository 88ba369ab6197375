// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import NIOCore
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Sessions that the link keeps for the next request of their app.
struct LeaseLinkTests {
    private typealias Owner = DaemonLinkTests.Owner

    private let app = FrontApp(
        id: 3,
        groupName: "/srv/shop",
        settings: SettingsList([.init(name: "app_root", value: "/srv/shop")])
    )

    private func grant(_ request: RequestID, uses: UInt32?) -> Granted {
        Granted(
            request: request,
            session: SessionID(rawValue: 7),
            process: ProcessID(rawValue: 9),
            streamToken: StreamToken(high: 1, low: 2),
            pid: 4711,
            stickyID: 0,
            queueTimeMicroseconds: 0,
            concurrency: 1,
            transport: .session,
            uses: uses
        )
    }

    private func session(_ event: Owner.Event) -> UInt64? {
        guard case .granted(let grant) = event else { return nil }
        return grant.session.rawValue
    }

    @Test func `the request that waits longest gets the session of one that is over, then the next one that comes`()
        throws
    {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let owners = (0..<3).map { _ in Owner() }
        let ids = try owners.prefix(2).map { try link.checkout(app, owner: $0) }
        for _ in 0..<3 { _ = try connection.next() }
        try connection.send(.granted(grant(ids[0], uses: .max)))
        #expect(try session(owners[0].first()) == 7)
        let next = app
        let last = owners[2]
        try link.on { link in
            link.release(SessionID(rawValue: 7), outcome: .ok)
            link.release(SessionID(rawValue: 7), outcome: .ok)
            _ = link.checkout(next, stickyID: 0, deadline: nil, method: "GET", path: "/", host: "x", owner: last)
        }
        #expect(try session(owners[1].first()) == 7)
        #expect(try session(last.first()) == 7)
        #expect(try connection.next() == .reuse(Reuse(session: SessionID(rawValue: 7), request: ids[1])))
        try link.on { $0.release(SessionID(rawValue: 7), outcome: .ok) }
        guard case .release(let release) = try connection.next() else {
            Issue.record("no release")
            return
        }
        #expect(release.outcome == .ok && release.carried?.uses == 3)
    }

    @Test func `a recall brings back what is kept`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        for _ in 0..<2 { _ = try connection.next() }
        try connection.send(.granted(grant(id, uses: .max)))
        _ = try owner.first()
        try connection.send(.recall(Recall(session: SessionID(rawValue: 7))))
        try connection.send(.ping(1))
        // The session is in use: the answer to what came behind the recall is the first word.
        #expect(try connection.next() == .pong(1))
        try link.on { $0.release(SessionID(rawValue: 7), outcome: .ok) }
        guard case .release(let release) = try connection.next() else {
            Issue.record("no release")
            return
        }
        #expect(release.carried?.uses == 1)
    }

    @Test func `with a daemon that knows no leases every session goes back`() throws {
        let daemon = try FakeDaemon()
        let link = try DaemonLinkTests.LinkOnLoop(daemon.path)
        let connection = try daemon.accept()
        _ = try connection.hello()
        let features = WireFeature.supported & ~WireFeature.keptSessions
        try connection.send(.helloReply(HelloReply(features: features)))
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        for _ in 0..<2 { _ = try connection.next() }
        try connection.send(.granted(grant(id, uses: nil)))
        _ = try owner.first()
        try link.on { $0.release(SessionID(rawValue: 7), outcome: .ok) }
        #expect(try connection.next() == .release(Release(session: SessionID(rawValue: 7), outcome: .ok)))
    }
}
