// SPDX-License-Identifier: MIT

/// The daemon's side of one control connection: what the peer may still say, what it holds.
///
///     open ──goodbye──▶ leaving ──connectionClosed──▶ closed          app: judging ▶ accepted | rejected
///       └────────────────connectionClosed──────────────▲
///
///     checkout: waiting ──granted──▶ session held ──Release, processGone, abort──▶ (gone)
///                  └─ refused, Cancel ▶ (gone)
///
/// Each checkout gets exactly one answer, unless its `Cancel` came first. What crossed something else on the way is
/// ignored; what no honest front can send is a violation and ends the connection.
package struct DaemonSession: Sendable {
    package enum State: Hashable, Sendable {
        /// Leaves by `goodbye` or `connectionClosed`.
        case open
        /// New checkouts are refused. Leaves by `connectionClosed`.
        case leaving
        case closed
    }

    enum Verdict: Hashable {
        case judging
        case accepted
        case rejected(reason: String)
    }

    package let mayManifest: Bool
    /// Features that both ends named.
    let features: UInt64
    package private(set) var state = State.open
    private var apps: [AppNumber: Verdict] = [:]
    private var requests: Set<RequestID> = []
    private var sessions: [SessionID: ProcessID] = [:]
    /// Processes that this peer holds or held sessions of, with how many it holds now.
    private var processes: [ProcessID: Int] = [:]
    /// Streams whose fate is asked for.
    var fates: [StreamNumber: ProcessID] = [:]

    /// - Parameters:
    ///   - mayManifest: The peer has authority over settings.
    ///   - features: Those that both ends named.
    package init(mayManifest: Bool, features: UInt64) {
        self.mayManifest = mayManifest
        self.features = features
    }

    package var waitingCheckouts: Int { self.requests.count }
    package var heldSessions: Int { self.sessions.count }

    package func holds(_ session: SessionID) -> Bool { self.sessions[session] != nil }

    package enum Action: Hashable, Sendable {
        case manifest(Manifest)
        /// It has no effect but that connections with its token need not wait for another one.
        case manifestWithoutAuthority(WorkerToken)
        /// Decide on the settings and tell `appJudged`.
        case define(DefineApp)
        /// Of an accepted app; answer by `granted` or `refused`.
        case checkout(Checkout)
        case cancel(RequestID)
        case release(Release)
        /// A session that it keeps carries a checkout that waited: take that back.
        case reused(SessionID, RequestID)
        /// The same, but the checkout was answered at the same time: the session of that answer comes back.
        case reuseCrossed(SessionID)
        /// The request that a kept session carries takes long.
        case lasting(Lasting)
        case upgraded(SessionID)
        /// Nobody waits for its answer; end it when the process has had its time.
        case abandoned(Abandoned, ProcessID)
        /// Look at the stream, and tell `streamLookedUp`.
        case fateQuery(FateQuery)
        /// Of an accepted app: to be answered by a `Report`.
        case reportQuery(ReportQuery)
        case send(DaemonMessage)
        case nothing
        /// Crossed something that made it void.
        case ignored(reason: String)
        /// The front broke the protocol: close.
        case violation(reason: String)
    }

    package mutating func received(_ message: FrontMessage) -> Action {
        guard self.state != .closed else { return .ignored(reason: "message after the end") }
        switch message {
        case .manifest(let manifest):
            guard self.mayManifest else { return .manifestWithoutAuthority(manifest.workerToken) }
            return .manifest(manifest)
        case .defineApp(let definition): return self.define(definition)
        case .checkout(let checkout): return self.checkout(checkout)
        case .cancel(let cancel):
            guard self.requests.remove(cancel.request) != nil else {
                return .ignored(reason: "cancel of a checkout that was answered")
            }
            return .cancel(cancel.request)
        case .release(let release):
            guard self.keepsSessions || release.carried == nil else {
                return .violation(reason: "kept sessions were not negotiated")
            }
            guard self.end(release.session) else {
                return .ignored(reason: "release of a session that is over")
            }
            return .release(release)
        case .upgraded(let upgraded):
            guard self.holds(upgraded.session) else {
                return .ignored(reason: "upgrade of a session that is over")
            }
            return .upgraded(upgraded.session)
        case .abandoned(let abandoned):
            guard self.features & WireFeature.abandonedSessions != 0 else {
                return .violation(reason: "Abandoned was not negotiated")
            }
            guard let process = self.sessions[abandoned.session], self.end(abandoned.session) else {
                return .ignored(reason: "abandoned session is over")
            }
            return .abandoned(abandoned, process)
        case .reuse(let reuse): return self.reused(reuse)
        case .lasting(let lasting):
            guard self.keepsSessions else { return .violation(reason: "Lasting was not negotiated") }
            guard self.holds(lasting.session) else { return .ignored(reason: "lasting session is over") }
            return .lasting(lasting)
        case .fateQuery(let query): return self.fateQuery(query)
        case .reportQuery(let query): return self.reportQuery(query)
        case .resume: return .violation(reason: "Resume was not negotiated")
        case .ping(let number): return .send(.pong(number))
        case .pong: return .nothing
        }
    }

    private mutating func define(_ definition: DefineApp) -> Action {
        guard self.apps[definition.app] != nil || self.apps.count < WireLimits.appsPerConnection else {
            return .violation(reason: "more than \(WireLimits.appsPerConnection) apps on one connection")
        }
        self.apps[definition.app] = .judging
        return .define(definition)
    }

    private mutating func checkout(_ checkout: Checkout) -> Action {
        guard !self.requests.contains(checkout.request) else { return .violation(reason: "request id used twice") }
        guard self.state == .open else { return self.refuse(checkout, .shuttingDown) }
        guard self.requests.count < WireLimits.waitingCheckoutsPerConnection,
            self.sessions.count < WireLimits.sessionsPerConnection
        else { return self.refuse(checkout, .tooManyCheckouts) }
        switch self.apps[checkout.app] {
        case nil, .judging: return self.refuse(checkout, .unknownApp)
        case .rejected(let reason): return self.refuse(checkout, .settingsRejected, reason)
        case .accepted:
            self.requests.insert(checkout.request)
            return .checkout(checkout)
        }
    }

    private mutating func reused(_ reuse: Reuse) -> Action {
        guard self.keepsSessions else { return .violation(reason: "Reuse was not negotiated") }
        guard self.holds(reuse.session) else {
            // Its process has ended: the front learns it from what is on its way to it, and asks again if it may.
            guard self.requests.remove(reuse.request) != nil else { return .ignored(reason: "reuse after the end") }
            return .cancel(reuse.request)
        }
        guard self.requests.remove(reuse.request) != nil else { return .reuseCrossed(reuse.session) }
        return .reused(reuse.session, reuse.request)
    }

    /// Whether the front may use sessions for further requests without asking.
    package var keepsSessions: Bool { self.features & WireFeature.keptSessions != 0 }

    private func reportQuery(_ query: ReportQuery) -> Action {
        guard self.hasReports else { return .violation(reason: "ReportQuery was not negotiated") }
        switch self.apps[query.app] {
        case nil, .judging, .rejected: return .send(.report(.none(for: query)))
        case .accepted: return .reportQuery(query)
        }
    }

    private var hasReports: Bool { self.features & WireFeature.failureReports != 0 }

    private func refuse(_ checkout: Checkout, _ reason: RefusalReason, _ text: String? = nil) -> Action {
        let report = text.map { SpawnReport(errorID: "", summary: $0) }
        return .send(.refused(Refused(request: checkout.request, reason: reason, report: report)))
    }

    private mutating func end(_ session: SessionID) -> Bool {
        guard let process = self.sessions.removeValue(forKey: session) else { return false }
        self.processes[process, default: 1] -= 1
        return true
    }
}

// MARK: What the daemon does

extension DaemonSession {
    /// The settings of an app were decided on: accepted if `rejection` is nil.
    package mutating func appJudged(_ app: AppNumber, rejection: String?) -> DaemonMessage {
        guard let rejection else {
            self.apps[app] = .accepted
            return .appAccepted(AppAccepted(app: app))
        }
        self.apps[app] = .rejected(reason: rejection)
        return .appRejected(AppRejected(app: app, reason: rejection))
    }

    package enum GrantAction: Hashable, Sendable {
        case send(Granted)
        /// The front took the checkout back or left: nobody will use it.
        case release(SessionID)
    }

    package mutating func granted(_ granted: Granted) -> GrantAction {
        guard self.requests.remove(granted.request) != nil else { return .release(granted.session) }
        self.sessions[granted.session] = granted.process
        self.processes[granted.process, default: 0] += 1
        var granted = granted
        if !self.keepsSessions { granted.uses = nil }
        if granted.transport == .framedSession, self.features & WireFeature.framedBodies == 0 {
            granted.transport = .session
        }
        return .send(granted)
    }

    package enum AnswerAction: Hashable, Sendable {
        case send(DaemonMessage)
        case ignored(reason: String)
    }

    package mutating func refused(_ refused: Refused) -> AnswerAction {
        guard self.requests.remove(refused.request) != nil else {
            return .ignored(reason: "refusal of a checkout that was cancelled")
        }
        var refused = refused
        if !self.hasReports { refused.report?.hasDetails = false }
        return .send(.refused(refused))
    }

    package mutating func aborted(_ session: SessionID, reason: Abort.Reason) -> AnswerAction {
        guard self.end(session) else { return .ignored(reason: "abort of a session that is over") }
        return .send(.abort(Abort(session: session, reason: reason)))
    }

    /// The process ended and with it its sessions; told only to peers that had to do with it.
    package mutating func processGone(_ gone: ProcessGone) -> AnswerAction {
        guard self.processes.removeValue(forKey: gone.process) != nil else {
            return .ignored(reason: "process was never granted here")
        }
        self.sessions = self.sessions.filter { $0.value != gone.process }
        return .send(.processGone(gone))
    }

    /// The pool wants a session back that the peer may keep.
    package func recalled(_ session: SessionID) -> AnswerAction {
        guard self.keepsSessions, self.holds(session) else {
            return .ignored(reason: "recall of a session that is over")
        }
        return .send(.recall(Recall(session: session)))
    }

    package func processDraining(_ draining: Draining) -> AnswerAction {
        guard self.processes[draining.process] != nil else {
            return .ignored(reason: "process was never granted here")
        }
        return .send(.draining(draining))
    }

    /// Sessions of `process` that this peer holds.
    package func sessions(of process: ProcessID) -> Int { self.processes[process] ?? 0 }

    /// The daemon will not answer checkouts any more.
    package mutating func goodbye(reason: String) -> AnswerAction {
        guard self.state == .open else { return .ignored(reason: "already leaving") }
        self.state = .leaving
        return .send(.goodbye(Goodbye(reason: reason)))
    }

    package struct Leftovers: Hashable, Sendable {
        /// To be taken back from the pool.
        package var requests: [RequestID]
        /// To be ended when their streams are.
        package var sessions: [ProcessID: [SessionID]]
    }

    /// The connection ended, whoever ended it.
    package mutating func connectionClosed() -> Leftovers {
        self.state = .closed
        defer {
            self.apps.removeAll()
            self.requests.removeAll()
            self.sessions.removeAll()
            self.processes.removeAll()
            self.fates.removeAll()
        }
        let sessions = Dictionary(grouping: self.sessions.keys) { self.sessions[$0] ?? ProcessID(rawValue: 0) }
        return Leftovers(requests: Array(self.requests), sessions: sessions)
    }
}
