// SPDX-License-Identifier: MIT

import FrontConfiguration
import Logging
import NIOCore
import WireProtocol

/// The control connection of one event loop to the daemon; confined to that loop.
///
/// It never gives up: without a connection checkouts wait a few seconds for the next one and are refused then.
final class DaemonLink {
    enum State: Hashable {
        case connecting
        case connected
        /// The daemon speaks another protocol; the text names both versions.
        case refused(String)
    }

    let eventLoop: SocketLoop
    let socketPath: String
    /// Hears of processes that end; set before `start`.
    weak var streamPool: StreamPool?
    private(set) var state = State.connecting
    private let logger: Logger
    private let presence: DaemonPresence
    private var session: FrontSession
    private var nextRequest: UInt64 = 1
    private var owners: [RequestID: any CheckoutOwner] = [:]
    private var holders: [SessionID: any CheckoutOwner] = [:]
    private var rejections: [AppNumber: String] = [:]
    private var appNames: [AppNumber: String] = [:]
    var desk = DetailsDesk()
    var fates = FateDesk()
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
    private lazy var transport = DaemonTransport(eventLoop: eventLoop, socketPath: socketPath, delegate: self)

    /// Seconds that clients are told to wait when there is no daemon.
    private static let retryAfterSeconds = 5

    init(
        eventLoop: SocketLoop,
        socketPath: String,
        hello: Hello,
        presence: DaemonPresence,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.socketPath = socketPath
        self.presence = presence
        self.logger = logger
        session = FrontSession(hello: hello, at: .now())
    }

    func start() { transport.connect() }

    /// Ends the connection for good; nothing may be asked afterwards.
    func stop() {
        transport.stop()
        detailsLost()
        fatesLost()
        timer?.task.cancel()
        timer = nil
    }

    // MARK: From the data path

    /// Asks for a session; the owner may hear of it before this has returned.
    func checkout(
        _ app: FrontApp,
        stickyID: UInt32,
        deadline: TimeAmount?,
        method: String,
        path: String,
        host: String,
        owner: any CheckoutOwner
    ) -> RequestID {
        let id = RequestID(rawValue: nextRequest)
        nextRequest += 1
        owners[id] = owner
        if case .refused(let text) = state {
            refuseSoon(id, LinkRefusal(.versionMismatch(text)))
            return id
        }
        let number = AppNumber(rawValue: UInt32(app.id))
        let checkout = Checkout(
            request: id,
            app: number,
            stickyID: stickyID,
            deadlineMilliseconds: deadline.map { UInt32(clamping: max(1, $0.nanoseconds / 1_000_000)) } ?? 0,
            method: method,
            path: path,
            host: host
        )
        let definition = { DefineApp(app: number, groupName: app.groupName, settings: app.settings) }
        let action = session.checkout(checkout, of: definition(), at: .now())
        // Those too old to be used free a process, which this one may be for; those ahead of it are asked for first.
        sendPending()
        switch action {
        case .send(let definition, let checkout):
            if let definition {
                appNames[number] = app.groupName
                transport.send(.defineApp(definition))
            }
            transport.send(.checkout(checkout))
        case .granted(let grant):
            hand(grant, to: id)
            armTimer()
        case .wait: armTimer()
        case .rejected(let reason): refuseSoon(id, LinkRefusal(.settingsRejected(reason)))
        }
        return id
    }

    /// The owner hears nothing more; a grant that is on its way is given back.
    func cancel(_ id: RequestID) {
        guard owners.removeValue(forKey: id) != nil else { return }
        switch session.cancel(id, at: .now()) {
        case .send(let cancel): transport.send(.cancel(cancel))
        case .forgotten: break
        case .ignored(let reason): logger.debug("cancel without effect", metadata: [LogKeys.reason: "\(reason)"])
        }
        sendPending()
    }

    func release(_ session: SessionID, outcome: ReleaseOutcome) {
        holders[session] = nil
        switch self.session.release(session, outcome: outcome, at: .now()) {
        case .send(let message): transport.send(message)
        case .kept: armTimer()
        case .reused(let grant, let reuse):
            if let reuse { transport.send(.reuse(reuse)) }
            armTimer()
            hand(grant, to: grant.request)
        // Its process or connection has ended: there is nothing to tell.
        case .ignored: break
        }
        sendPending()
        leaveIfUnused()
    }

    /// Releases of sessions that were kept, and checkouts that were not sent at once.
    private func sendPending() {
        for message in session.takePending() { transport.send(message) }
    }

    private func hand(_ grant: Granted, to id: RequestID) {
        // The machine grants only what was not cancelled, so there is an owner.
        guard let owner = owners.removeValue(forKey: id) else { return release(grant.session, outcome: .unused) }
        holders[grant.session] = owner
        owner.granted(grant)
    }

    /// Whether the daemon ends sessions by itself whose answer nobody waits for; else these are read to their end.
    var endsAbandonedSessions: Bool { session.endsAbandonedSessions }

    /// The stream of this session was left before the app had answered: ending the session is up to the daemon.
    func abandoned(_ session: SessionID, stream: StreamNumber?) {
        holders[session] = nil
        send(self.session.abandoned(session, stream: stream, at: .now()))
        sendPending()
        leaveIfUnused()
    }

    func upgraded(_ session: SessionID) {
        send(self.session.upgraded(session, at: .now()))
        sendPending()
    }

    func askReport(_ query: ReportQuery) -> FrontSession.ReportAction {
        session.askReport(query.errorID, of: query.app)
    }

    func askFate(of stream: StreamNumber, to process: ProcessID) -> FrontSession.FateAction {
        session.askFate(of: stream, to: process)
    }

    func send(_ message: FrontMessage) { transport.send(message) }

    func note(_ message: Logger.Message, _ reason: String) {
        logger.debug(message, metadata: [LogKeys.reason: "\(reason)"])
    }

    private func send(_ action: FrontSession.SessionAction) {
        switch action {
        case .send(let message): transport.send(message)
        // Its process or connection has ended: there is nothing to tell.
        case .ignored: break
        }
    }

    /// Refuses on the next turn of the loop, because the caller does not know the id yet.
    private func refuseSoon(_ id: RequestID, _ refusal: LinkRefusal) {
        eventLoop.assumeIsolated().execute { self.refuse(id, refusal) }
    }

    private func refuse(_ id: RequestID, _ refusal: LinkRefusal) {
        owners.removeValue(forKey: id)?.refused(refusal)
    }

    // MARK: Messages

    private func perform(_ action: FrontSession.Action) {
        switch action {
        case .granted(let grant):
            if grant.uses ?? 1 > 1 { armTimer() }
            hand(grant, to: grant.request)
        case .refused(let refused): refuse(refused.request, refusal(refused))
        case .releaseLate(let release): transport.send(.release(release))
        case .requeued: armTimer()
        case .processGone(let gone, let sessions):
            for session in sessions { holders[session] = nil }
            streamPool?.processGone(gone.process, exitCode: gone.exitCode, signal: gone.signal)
            leaveIfUnused()
        case .draining(let draining): streamPool?.processDraining(draining.process)
        case .aborted(let session, let reason):
            holders.removeValue(forKey: session)?.aborted(session, reason: .byDaemon(reason))
            leaveIfUnused()
        case .streamFate(let fate): received(fate)
        case .send(let message): transport.send(message)
        case .hello(let action): greeted(action)
        case .appAccepted(let app): rejections[app] = nil
        case .appRejected(let app, let reason): rejected(app, reason: reason)
        case .report(let report, let next):
            if let next { transport.send(.reportQuery(next)) }
            received(report)
        case .goodbye(let reason):
            logger.info("the daemon takes no more requests", metadata: [LogKeys.reason: "\(reason)"])
            armTimer()
            leaveIfUnused()
        case .nothing: break
        case .ignored(let reason): logger.debug("message without effect", metadata: [LogKeys.reason: "\(reason)"])
        case .violation(let reason): transport.drop(reason: "the daemon broke the protocol: \(reason)")
        }
    }

    private func greeted(_ action: FrontSession.HelloAction) {
        switch action {
        case .opened(let reply, let messages):
            state = .connected
            transport.greeted()
            presence.connected(product: reply.product, atMilliseconds: Self.milliseconds(.now()))
            for message in messages { transport.send(message) }
            armTimer()
        case .refused(let text, let isVersionMismatch):
            if isVersionMismatch {
                if state != .refused(text) { logger.error("the daemon refused the connection: \(text)") }
                state = .refused(text)
                refuseAll(LinkRefusal(.versionMismatch(text)))
            }
            transport.drop(reason: text)
        case .ignored(let reason): logger.debug("message without effect", metadata: [LogKeys.reason: "\(reason)"])
        }
    }

    /// After a goodbye the connection is kept for the sessions on it only.
    private func leaveIfUnused() {
        guard case .leaving = session.state, session.heldSessions == 0 else { return }
        transport.drop(reason: "the daemon said goodbye")
    }

    private func rejected(_ app: AppNumber, reason: String) {
        guard rejections.updateValue(reason, forKey: app) != reason else { return }
        logger.error(
            "the daemon does not accept the settings of an app",
            metadata: [LogKeys.app: "\(appNames[app] ?? app.description)", LogKeys.reason: "\(reason)"]
        )
    }

    private func refusal(_ refused: Refused) -> LinkRefusal {
        let kind: LinkRefusal.Kind =
            switch refused.reason {
            case .settingsRejected: .settingsRejected(refused.report?.summary ?? "see the daemon's log")
            case .queueFull, .queueTimeout, .spawnFailed, .noApplication, .shuttingDown, .unknownApp, .notAllowed,
                .backoff, .tooManyCheckouts:
                .daemon(refused.reason)
            }
        return LinkRefusal(kind, retryAfterSeconds: Int(refused.retryAfterSeconds), report: refused.report)
    }

    private func refuseAll(_ refusal: LinkRefusal) {
        let waiting = owners
        owners = [:]
        for (id, owner) in waiting.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            // Nothing was sent: the machine only forgets it.
            _ = session.cancel(id, at: .now())
            owner.refused(refusal)
        }
    }

    // MARK: Time

    /// Makes sure that the timer fires when the session has something to do by then.
    private func armTimer() {
        guard let deadline = session.nextDeadline else { return }
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = eventLoop.assumeIsolated()
            .scheduleTask(deadline: deadline) {
                self.timer = nil
                self.timePassed()
            }
        timer = (deadline, task)
    }

    private func timePassed() {
        let action = session.timePassed(to: .now())
        for report in action.reports { transport.send(report) }
        sendPending()
        if let ping = action.ping { transport.send(.ping(ping)) }
        if let reason = action.giveUp { transport.drop(reason: reason) }
        for id in action.expired {
            refuse(id, LinkRefusal(.daemonUnavailable, retryAfterSeconds: Self.retryAfterSeconds))
        }
        armTimer()
    }

    private static func milliseconds(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds / 1_000_000) }
}

extension DaemonLink: DaemonTransportDelegate {
    func transportOpened() {
        transport.send(session.connectionOpened(at: .now()))
        armTimer()
    }

    func transportReceived(_ message: DaemonMessage) {
        let action = session.received(message, at: .now())
        sendPending()
        perform(action)
    }

    func transportClosed(reason: String) {
        if state == .connected { state = .connecting }
        presence.lost(reason: reason, atMilliseconds: Self.milliseconds(.now()))
        let lost = session.connectionClosed(at: .now())
        streamPool?.linkLost()
        detailsLost()
        fatesLost()
        armTimer()
        for session in lost {
            holders.removeValue(forKey: session)?.aborted(session, reason: .daemonLost)
        }
    }
}
