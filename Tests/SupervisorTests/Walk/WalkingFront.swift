// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import NIOEmbedded
import WireProtocol

@testable import Supervisor

/// A front as the daemon sees it: its session machine, its requests, and what is on its way in either direction.
final class WalkingFront {
    let uid: UInt32
    let name: String
    let token: WorkerToken?
    private(set) var session: FrontSession
    private(set) var toDaemon: [FrontMessage] = []
    private(set) var toFront: [DaemonMessage] = []
    /// Requests without an answer, in the order of their arrival, with their apps.
    private(set) var asked: [(id: RequestID, app: Int)] = []
    private(set) var held: [(session: SessionID, process: ProcessID)] = []
    private(set) var answered = 0
    private(set) var problems: [String] = []
    private(set) var link: Link?
    /// Told of each grant: the process, and which app it was for.
    var granted: ((ProcessID, Int) -> Void)?
    private var lastRequest: UInt64 = 0

    /// A connection to the daemon.
    struct Link {
        let connection: FrontConnection
        let channel: EmbeddedChannel
        var decoder = FrameDecoder(phase: .fromDaemon)
    }

    init(uid: UInt32, name: String, token: WorkerToken? = nil, at now: NIODeadline) {
        self.uid = uid
        self.name = name
        self.token = token
        session = FrontSession(hello: Hello(role: .control, frontName: name, workerToken: token), at: now)
    }

    var isConnected: Bool { link != nil }

    static func appName(_ app: Int) -> String { "/srv/app\(app)" }

    /// What a front without authority may push as well; every app has other bounds.
    static func settings(_ app: Int) -> SettingsList {
        SettingsList([
            .init(name: "app_root", value: appName(app)), .init(name: "min_instances", value: "\(app % 2)"),
            .init(name: "max_request_queue_size", value: "\(10 + app)"), .init(name: "shutdown_timeout", value: "3"),
            .init(name: "max_requests", value: app % 3 == 0 ? "4" : "0"),
        ])
    }

    // MARK: Connection

    func connect(_ link: Link, at now: NIODeadline) {
        self.link = link
        _ = session.connectionOpened(at: now)
    }

    func disconnect(at now: NIODeadline) {
        guard let link else { return }
        self.link = nil
        toDaemon.removeAll()
        toFront.removeAll()
        held.removeAll()
        _ = session.connectionClosed(at: now)
        // Not by `finish`, which cancels all timers of the loop, those of others included.
        link.channel.close(promise: nil)
        link.channel.embeddedEventLoop.run()
    }

    // MARK: What its requests want

    func checkout(_ app: Int, at now: NIODeadline) {
        lastRequest += 1
        let number = AppNumber(rawValue: UInt32(app))
        let checkout = Checkout(
            request: .init(rawValue: lastRequest),
            app: number,
            method: "GET",
            path: "/\(lastRequest)"
        )
        let definition = DefineApp(app: number, groupName: Self.appName(app), settings: Self.settings(app))
        switch session.checkout(checkout, of: definition, at: now) {
        case .send(let definition, let checkout):
            if let definition { toDaemon.append(.defineApp(definition)) }
            toDaemon.append(.checkout(checkout))
            asked.append((checkout.request, app))
        case .granted(let granted):
            asked.append((checkout.request, app))
            take(granted)
        case .wait: asked.append((checkout.request, app))
        case .rejected(let reason): problems.append("a checkout was rejected by its own front: \(reason)")
        }
        sendPending()
    }

    func cancel(_ position: Int, at now: NIODeadline) {
        switch session.cancel(asked.remove(at: position).id, at: now) {
        case .send(let cancel): toDaemon.append(.cancel(cancel))
        case .forgotten: break
        case .ignored(let reason): problems.append("a request without an answer cannot be cancelled: \(reason)")
        }
        sendPending()
    }

    /// The request that a session carried is over; the session may carry another one.
    func release(_ position: Int, _ outcome: ReleaseOutcome = .ok, at now: NIODeadline) {
        switch session.release(held.remove(at: position).session, outcome: outcome, at: now) {
        case .send(let message): toDaemon.append(message)
        case .kept: break
        case .reused(let granted, let reuse):
            if let reuse { toDaemon.append(.reuse(reuse)) }
            take(granted)
        case .ignored(let reason): problems.append("a session that is held is unknown: \(reason)")
        }
        sendPending()
    }

    /// Sessions that were kept and go back, and requests that the daemon did not know of until now.
    private func sendPending() { toDaemon += session.takePending() }

    /// The process whose answer nobody waits for any more.
    func abandon(_ position: Int, at now: NIODeadline) -> ProcessID {
        let (session, process) = held.remove(at: position)
        send(self.session.abandoned(session, at: now))
        sendPending()
        return process
    }

    func upgrade(_ position: Int, at now: NIODeadline) {
        send(session.upgraded(held[position].session, at: now))
        sendPending()
    }

    private func send(_ action: FrontSession.SessionAction) {
        switch action {
        case .send(let message): toDaemon.append(message)
        case .ignored(let reason): problems.append("a session that is held is unknown: \(reason)")
        }
    }

    // MARK: The wire

    func say(_ message: FrontMessage) { toDaemon.append(message) }

    /// The next messages reach the daemon, in one read.
    func deliver(_ count: Int) throws {
        guard let link, count > 0 else { return }
        var bytes = ByteBuffer()
        for message in toDaemon.prefix(count) { message.write(into: &bytes) }
        toDaemon.removeFirst(min(count, toDaemon.count))
        if bytes.readableBytes > 0 { try link.channel.writeInbound(bytes) }
    }

    /// What the daemon has written since.
    func collect() throws {
        while let bytes = try link?.channel.readOutbound(as: ByteBuffer.self) {
            link?.decoder.append(bytes)
            while var decoder = link?.decoder, let message = try DaemonMessage.next(from: &decoder) {
                link?.decoder = decoder
                toFront.append(message)
            }
        }
        if let link, !link.channel.isActive { problems.append("the daemon has closed the connection of \(name)") }
    }

    /// The next messages of the daemon arrive.
    func hear(_ count: Int, at now: NIODeadline) {
        for message in toFront.prefix(count) { take(session.received(message, at: now)) }
        toFront.removeFirst(min(count, toFront.count))
        sendPending()
    }

    private func take(_ action: FrontSession.Action) {
        switch action {
        case .hello(.opened(_, let messages)): toDaemon += messages
        case .hello(let other): problems.append("the greeting went wrong: \(other)")
        case .granted(let granted): take(granted)
        case .releaseLate(let release): toDaemon.append(.release(release))
        case .refused(let refused): _ = answer(refused.request)
        case .processGone(_, let sessions): held.removeAll { sessions.contains($0.session) }
        case .aborted(let session, _): held.removeAll { $0.session == session }
        case .send(let message): toDaemon.append(message)
        case .violation(let reason): problems.append("the daemon broke the protocol: \(reason)")
        case .appRejected(_, let reason):
            // The worker of a front may ask for an app that the latest manifest does not have.
            if token == nil { problems.append("settings were rejected: \(reason)") }
        case .requeued, .appAccepted, .draining, .goodbye, .report, .streamFate, .nothing, .ignored: break
        }
    }

    private func take(_ granted: Granted) {
        guard let app = answer(granted.request) else { return }
        held.append((granted.session, granted.process))
        self.granted?(granted.process, app)
    }

    private func answer(_ id: RequestID) -> Int? {
        guard let position = asked.firstIndex(where: { $0.id == id }) else {
            problems.append("an answer to nobody: \(id)")
            return nil
        }
        answered += 1
        return asked.remove(at: position).app
    }

    /// Requests that waited too long for a connection.
    func timePassed(to now: NIODeadline) {
        let action = session.timePassed(to: now)
        asked.removeAll { action.expired.contains($0.id) }
        toDaemon += action.reports
        if let ping = action.ping { toDaemon.append(.ping(ping)) }
        sendPending()
        if let reason = action.giveUp { problems.append("the daemon was given up: \(reason)") }
    }
}
