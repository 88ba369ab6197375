// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

struct DaemonLinkTests {
    /// What an owner heard, in order; asked from the test's thread.
    final class Owner: CheckoutOwner, Sendable {
        enum Event: Equatable {
            case granted(Granted)
            case refused(LinkRefusal)
            case aborted(SessionID, SessionLoss)
        }

        private let heard = Mutex<[Event]>([])

        func granted(_ grant: Granted) { heard.withLock { $0.append(.granted(grant)) } }
        func refused(_ refusal: LinkRefusal) { heard.withLock { $0.append(.refused(refusal)) } }
        func aborted(_ session: SessionID, reason: SessionLoss) {
            heard.withLock { $0.append(.aborted(session, reason)) }
        }

        func first() throws -> Event {
            try eventually("word from the link") { heard.withLock { !$0.isEmpty } }
            return heard.withLock { $0.removeFirst() }
        }

        var isSilent: Bool { heard.withLock { $0.isEmpty } }
    }

    /// A link on a loop of its own.
    final class LinkOnLoop {
        private let loop: SocketLoop
        private let link: NIOLoopBound<DaemonLink>

        init(_ path: String) throws {
            let loop = try SocketLoop { error in fatalError("\(error)") }
            self.loop = loop
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let quiet = logger
            link = try loop.submit {
                let link = DaemonLink(
                    eventLoop: loop,
                    socketPath: path,
                    hello: Hello(role: .control, frontName: "test"),
                    presence: DaemonPresence(socketPath: path, logger: quiet),
                    logger: quiet
                )
                link.start()
                return NIOLoopBound(link, eventLoop: loop)
            }
            .wait()
        }

        func on<Result: Sendable>(_ body: @escaping @Sendable (DaemonLink) -> Result) throws -> Result {
            let link = link
            return try loop.submit { body(link.value) }.wait()
        }

        func checkout(_ app: FrontApp, owner: Owner) throws -> RequestID {
            try on { $0.checkout(app, stickyID: 0, deadline: nil, method: "GET", path: "/", host: "x", owner: owner) }
        }

        deinit { loop.shutdownGracefully { _ in } }
    }

    private let app = FrontApp(
        id: 3,
        groupName: "/srv/shop",
        settings: SettingsList([.init(name: "app_root", value: "/srv/shop")])
    )

    private func grant(_ request: RequestID, session: UInt64 = 7) -> Granted {
        Granted(
            request: request,
            session: SessionID(rawValue: session),
            process: ProcessID(rawValue: 9),
            streamToken: StreamToken(high: 1, low: 2),
            pid: 4711,
            stickyID: 0,
            queueTimeMicroseconds: 0,
            concurrency: 1,
            transport: .session
        )
    }

    private func request(_ message: FrontMessage) -> RequestID? {
        guard case .checkout(let checkout) = message else { return nil }
        return checkout.request
    }

    private var definition: FrontMessage {
        .defineApp(DefineApp(app: AppNumber(rawValue: 3), groupName: app.groupName, settings: app.settings))
    }

    @Test func `an app is defined right before its first checkout only`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let first = try link.checkout(app, owner: Owner())
        #expect(try connection.next() == definition)
        #expect(try request(connection.next()) == first)
        let second = try link.checkout(app, owner: Owner())
        #expect(try request(connection.next()) == second)
    }

    @Test func `a granted session is the owner's until it is released`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        try connection.send(.granted(grant(id)))
        #expect(try owner.first() == .granted(grant(id)))
        try link.on { $0.release(SessionID(rawValue: 7), outcome: .ok) }
        _ = try connection.next()
        _ = try connection.next()
        #expect(try connection.next() == .release(Release(session: SessionID(rawValue: 7), outcome: .ok)))
    }

    @Test func `a grant that crosses its cancel is given back`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        _ = try connection.next()
        _ = try connection.next()
        try link.on { $0.cancel(id) }
        try connection.send(.granted(grant(id)))
        #expect(try connection.next() == .cancel(Cancel(request: id)))
        #expect(try connection.next() == .release(Release(session: SessionID(rawValue: 7), outcome: .unused)))
        #expect(owner.isSilent)
    }

    @Test func `after a lost connection sessions are over and checkouts are asked again`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let holder = Owner()
        let waiter = Owner()
        do {
            let connection = try daemon.greet()
            let held = try link.checkout(app, owner: holder)
            try connection.send(.granted(grant(held)))
            #expect(try holder.first() == .granted(grant(held)))
            _ = try link.checkout(app, owner: waiter)
            for _ in 0..<3 { _ = try connection.next() }
        }
        #expect(try holder.first() == .aborted(SessionID(rawValue: 7), .daemonLost))
        let second = try daemon.greet()
        #expect(try second.next() == definition)
        let again = try #require(try request(second.next()))
        try second.send(.granted(grant(again, session: 8)))
        #expect(try waiter.first() == .granted(grant(again, session: 8)))
    }

    @Test func `checkouts wait for a daemon that is late`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        let connection = try daemon.greet()
        #expect(try connection.next() == definition)
        #expect(try request(connection.next()) == id)
    }

    @Test func `another protocol refuses waiting and later checkouts with both versions`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let waiting = Owner()
        _ = try link.checkout(app, owner: waiting)
        let connection = try daemon.accept()
        _ = try connection.hello()
        let version = ProtocolVersion(major: 99, minor: 1)
        try connection.send(.helloReply(HelloReply(version: version, product: "Other 9")))
        guard case .refused(let refusal) = try waiting.first(), case .versionMismatch(let text) = refusal.kind else {
            Issue.record("not refused")
            return
        }
        #expect(text.contains("99.1") && text.contains(ProtocolVersion.current.description))
        let later = Owner()
        _ = try link.checkout(app, owner: later)
        #expect(try later.first() == .refused(LinkRefusal(.versionMismatch(text))))
    }

    @Test func `rejected settings refuse that app with the reason`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        let owner = Owner()
        let id = try link.checkout(app, owner: owner)
        try connection.send(.appRejected(AppRejected(app: AppNumber(rawValue: 3), reason: "no")))
        let report = SpawnReport(errorID: "", summary: "no")
        try connection.send(.refused(Refused(request: id, reason: .settingsRejected, report: report)))
        #expect(try owner.first() == .refused(LinkRefusal(.settingsRejected("no"), report: report)))
    }

    @Test func `a ping is answered`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        try connection.send(.ping(5))
        #expect(try connection.next() == .pong(5))
        withExtendedLifetime(link) {}
    }

    @Test func `bytes that are no message end the connection, not the link`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        try connection.send([0, 0, 0, 1, 0xEE])
        #expect(try connection.isClosed())
        _ = try daemon.greet()
        withExtendedLifetime(link) {}
    }

    @Test func `after a goodbye an unused connection is made again`() throws {
        let daemon = try FakeDaemon()
        let link = try LinkOnLoop(daemon.path)
        let connection = try daemon.greet()
        try connection.send(.goodbye(Goodbye(reason: "upgrade")))
        #expect(try connection.isClosed())
        _ = try daemon.greet()
        withExtendedLifetime(link) {}
    }
}
