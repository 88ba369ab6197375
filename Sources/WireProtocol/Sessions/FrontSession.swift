// SPDX-License-Identifier: MIT

package import NIOCore

/// The front's side of its control connection, over all reconnects: which apps the daemon was told on this
/// connection, which checkouts wait, which sessions are held.
///
///     disconnected ──connectionOpened──▶ greeting ──HelloReply──▶ open ──Goodbye──▶ leaving
///          ▲                                │ refusal               │                  │
///          └────────── connectionClosed ────┴───────────────────────┴──────────────────┘
///
///     checkout: waiting ──sent──▶ asked ──Granted──▶ held ──release, ProcessGone, Abort──▶ (gone)
///                  ▲                │ Refused ▶ (gone)     cancelled, or carried by a kept session, while asked: a late
///                  │                │                      grant is released
///                  └─ connectionClosed, Refused(shuttingDown)
///
///     one of an app whose sessions are kept here, while another is asked: behind ──takes the other's ticket, or sent──▶ asked
package struct FrontSession: Sendable {
    package enum State: Hashable, Sendable {
        /// Leaves by `connectionOpened`.
        case disconnected
        /// `Hello` was sent. Leaves by its answer, by `timePassed`, or by `connectionClosed`.
        case greeting(since: NIODeadline)
        /// Leaves by `Goodbye` or `connectionClosed`.
        case open(ProtocolVersion, features: UInt64)
        /// No new checkouts are made here. Leaves by `connectionClosed`.
        case leaving(features: UInt64)
    }

    enum Phase: Hashable {
        /// For a connection.
        case waiting
        case asked
        /// For another request of its app, which is asked.
        case behind
    }

    struct Request: Hashable {
        var checkout: Checkout
        /// When it came, or came to wait for a connection.
        var since: NIODeadline
        var phase: Phase
        /// What the daemon knows it by while it is asked.
        var ticket: Ticket?
    }

    package private(set) var state = State.disconnected
    let hello: Hello
    var requests: [RequestID: Request] = [:]
    var waiting = WaitingCheckouts()
    /// Who is meant by an answer to a checkout whose own request is served already.
    var successors: [RequestID: RequestID] = [:]
    var sessions: [SessionID: HeldSession] = [:]
    var shelf = LeaseShelf()
    var definitions: [AppNumber: DefineApp] = [:]
    /// Apps that the daemon was told on this connection and has not rejected.
    var defined: Set<AppNumber> = []
    var reports = ReportQueries()
    /// Streams whose fate is asked for.
    var fates: Set<StreamNumber> = []
    var liveness: Liveness

    package init(hello: Hello, at now: NIODeadline) {
        self.hello = hello
        self.liveness = Liveness(at: now)
    }

    package var isOpen: Bool {
        if case .open = self.state { true } else { false }
    }

    package var heldSessions: Int { self.sessions.count }
    /// Checkouts without an answer, sent or not.
    package var outstandingCheckouts: Int { self.requests.count }

    // MARK: Connection

    /// The transport is connected: returns what has to be written first.
    package mutating func connectionOpened(at now: NIODeadline) -> Hello {
        self.state = .greeting(since: now)
        self.liveness = Liveness(at: now)
        self.defined.removeAll(keepingCapacity: true)
        return self.hello
    }

    /// The transport ended, however: held sessions are lost, checkouts without an answer wait for the next one, queries
    /// are forgotten.
    package mutating func connectionClosed(at now: NIODeadline) -> [SessionID] {
        self.state = .disconnected
        self.defined.removeAll(keepingCapacity: true)
        self.reports = ReportQueries()
        self.fates.removeAll()
        self.shelf.clear()
        self.successors.removeAll()
        let sent = self.requests.filter { $0.value.phase != .waiting }.keys.sorted { $0.rawValue < $1.rawValue }
        for id in sent { self.wait(id, since: now) }
        self.waiting.prepend(sent, since: now)
        defer { self.sessions.removeAll(keepingCapacity: true) }
        return Array(self.sessions.keys)
    }

    package enum HelloAction: Hashable, Sendable {
        /// Write these, in order: everything that waited, with the settings of its apps.
        case opened(HelloReply, send: [FrontMessage])
        /// Close; the text goes to the log and to pages. `isVersionMismatch`: trying again soon is of no use.
        case refused(String, isVersionMismatch: Bool)
        case ignored(reason: String)
    }

    mutating func helloAnswered(_ reply: HelloReply, at now: NIODeadline) -> HelloAction {
        guard case .greeting = self.state else { return .ignored(reason: "second answer to Hello") }
        let agreement = VersionAgreement.between(
            own: self.hello.version,
            ownProduct: self.hello.product,
            peer: reply.version,
            peerProduct: reply.product
        )
        switch agreement {
        case .refused(let text): return .refused(reply.refusal ?? text, isVersionMismatch: true)
        case .speak(let version):
            if let refusal = reply.refusal { return .refused(refusal, isVersionMismatch: false) }
            self.state = .open(version, features: self.hello.features & reply.features)
            return .opened(reply, send: self.sendWaiting(at: now))
        }
    }

    mutating func goodbyeReceived() {
        guard case .open(_, let features) = self.state else { return }
        self.state = .leaving(features: features)
    }

    /// The daemon goes away: the checkout is sent to the next one.
    mutating func requeue(_ id: RequestID, at now: NIODeadline) {
        self.wait(id, since: now)
        self.waiting.append(id, since: now)
    }

    private mutating func wait(_ id: RequestID, since now: NIODeadline) {
        self.requests[id]?.phase = .waiting
        self.requests[id]?.ticket = nil
        self.requests[id]?.since = now
    }

    private mutating func sendWaiting(at now: NIODeadline) -> [FrontMessage] {
        self.waiting.takeAll().sorted { $0.rawValue < $1.rawValue }.flatMap { id -> [FrontMessage] in
            guard let request = self.requests[id], case .waiting = request.phase else { return [] }
            return self.ask(id, at: now)
        }
    }

    /// What asks for it, its app's definition first if the daemon was not told of it on this connection.
    mutating func ask(_ id: RequestID, at now: NIODeadline) -> [FrontMessage] {
        guard let checkout = self.requests[id]?.checkout else { return [] }
        self.requests[id]?.phase = .asked
        self.requests[id]?.ticket = Ticket(id: id, askedAt: now)
        self.noteAsked(checkout)
        let definition = self.undefined(checkout.app).map(FrontMessage.defineApp)
        return [definition, .checkout(self.understood(checkout))].compactMap(\.self)
    }

    /// Whether sessions may be used for further requests without asking.
    var keepsSessions: Bool { self.features & WireFeature.keptSessions != 0 }

    /// Whether the daemon takes `Abandoned` for sessions whose answer nobody waits for.
    package var endsAbandonedSessions: Bool { self.features & WireFeature.abandonedSessions != 0 }

    package enum FateAction: Hashable, Sendable {
        /// Write it; the answer comes as `Action.streamFate`, unless the connection ends first.
        case send(FrontMessage)
        /// There will be no answer.
        case unavailable
    }

    /// Asks why a stream to `process` ended, while the session it was used for is still held.
    package mutating func askFate(of stream: StreamNumber, to process: ProcessID) -> FateAction {
        guard self.features & WireFeature.streamFates != 0, self.fates.insert(stream).inserted else {
            return .unavailable
        }
        return .send(.fateQuery(FateQuery(process: process, stream: stream)))
    }

    /// A checkout as this daemon can read it.
    func understood(_ checkout: Checkout) -> Checkout {
        guard self.features & WireFeature.requestHosts == 0 else { return checkout }
        var checkout = checkout
        checkout.host = nil
        return checkout
    }

    private var features: UInt64 {
        switch self.state {
        case .open(_, let features), .leaving(let features): features
        case .disconnected, .greeting: 0
        }
    }

    /// The definition that has to be sent before the next checkout of `app`; nil if the daemon has it.
    mutating func undefined(_ app: AppNumber) -> DefineApp? {
        guard self.defined.insert(app).inserted else { return nil }
        return self.definitions[app]
    }

    // MARK: Time

    package struct TimeAction: Hashable, Sendable {
        /// Checkouts that waited too long for a connection; they are forgotten.
        package var expired: [RequestID] = []
        package var ping: UInt64?
        /// What the daemon is to be told of leases, beside `takePending`.
        package var reports: [FrontMessage] = []
        /// Close the connection: why.
        package var giveUp: String?
    }

    package mutating func timePassed(to now: NIODeadline) -> TimeAction {
        var action = TimeAction()
        action.expired = self.expire(at: now)
        action.reports = self.checkLeases(at: now)
        self.settleBehind(at: now)
        switch self.state {
        case .disconnected: break
        case .greeting(let since):
            if now - since >= self.greetingTime {
                action.giveUp = "no answer to Hello"
            }
        case .open, .leaving:
            switch self.liveness.timePassed(to: now) {
            case .nothing: break
            case .ping(let number): action.ping = number
            case .giveUp: action.giveUp = "the daemon is silent"
            }
        }
        return action
    }

    /// When `timePassed` has to be called at the latest.
    package var nextDeadline: NIODeadline? {
        let connection: NIODeadline? =
            switch self.state {
            case .disconnected: nil
            case .greeting(let since): since + self.greetingTime
            case .open, .leaving: self.liveness.nextDeadline
            }
        return Self.earlier(Self.earlier(connection, self.waiting.firstEnd), self.shelf.deadline)
    }

    private static func earlier(_ one: NIODeadline?, _ other: NIODeadline?) -> NIODeadline? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// A worker's connection may have to wait for the manifest that its master sends.
    private var greetingTime: TimeAmount {
        let wait = self.hello.workerToken == nil ? 0 : WireLimits.manifestWaitMilliseconds
        return .milliseconds(WireLimits.helloMilliseconds + wait)
    }

    private mutating func expire(at now: NIODeadline) -> [RequestID] {
        guard let firstEnd = self.waiting.firstEnd, firstEnd <= now else { return [] }
        var expired: [RequestID] = []
        var left: [(id: RequestID, since: NIODeadline)] = []
        for id in self.waiting.takeAll() {
            guard let request = self.requests[id], case .waiting = request.phase else { continue }
            if request.since + WaitingCheckouts.patience <= now {
                self.requests[id] = nil
                expired.append(id)
            } else {
                left.append((id, request.since))
            }
        }
        for (id, since) in left { self.waiting.append(id, since: since) }
        return expired
    }
}
