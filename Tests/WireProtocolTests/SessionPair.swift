// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

/// Both session machines with two queues between them.
///
/// Behind one stands a model of the pool, behind the other one of the requests' owners. It notes what either side
/// made of each message and asserts nothing by itself.
struct SessionPair {
    enum FrontEvent: Hashable, Sendable {
        case checkout(UInt64, app: UInt32)
        case cancel(UInt64)
        case release(UInt64)
        case upgraded(UInt64)
        case abandoned(UInt64)
        case redefine(app: UInt32, valid: Bool)
        case askReport(String, app: UInt32)
        /// Of a stream with the number of the session that is held.
        case askFate(UInt64)
        /// So many milliseconds pass.
        case time(Int64)
    }

    enum DaemonEvent: Hashable, Sendable {
        case grant(UInt64, session: UInt64, process: UInt64)
        /// The same, and the front may keep the session.
        case lease(UInt64, session: UInt64, process: UInt64)
        case recall(UInt64)
        case refuse(UInt64, RefusalReason)
        case processGone(UInt64)
        case abort(UInt64)
        case drain(UInt64)
        case goodbye
        case lookUp(UInt64, wasUnread: Bool)
        case fateTime(UInt64)
    }

    private(set) var front: FrontSession
    private(set) var daemon = DaemonSession(mayManifest: false, features: WireFeature.supported)
    private(set) var toDaemon: [FrontMessage] = []
    private(set) var toFront: [DaemonMessage] = []
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// Sessions that the pool counts as used, with their process.
    private(set) var poolSessions: [UInt64: UInt64] = [:]
    private(set) var poolWaiting: Set<UInt64> = []
    /// Checkouts that an owner still wants, and sessions that an owner uses.
    private(set) var ownersWaiting: Set<UInt64> = []
    private(set) var ownersHolding: Set<UInt64> = []
    /// Sessions that the front keeps, with their process; no owner uses them.
    private(set) var kept: [UInt64: UInt64] = [:]
    private(set) var ownersAsking: Set<ReportQuery> = []
    private(set) var ownersInDoubt: Set<UInt64> = []
    /// Streams that the relay is to look up, and those whose process has its time to end.
    private(set) var lookUps: Set<UInt64> = []
    private(set) var fateTimers: Set<UInt64> = []

    private(set) var frontNotes: [String] = []
    private(set) var daemonNotes: [String] = []
    private(set) var violations: [String] = []

    init() {
        self.front = FrontSession(hello: Hello(role: .control), at: self.now)
    }

    static func settings(valid: Bool) -> SettingsList {
        SettingsList([.init(name: "app_root", value: "/foo"), .init(name: "valid", value: String(valid))])
    }

    static func definition(_ app: UInt32, valid: Bool = true) -> DefineApp {
        DefineApp(app: AppNumber(rawValue: app), groupName: "/foo", settings: Self.settings(valid: valid))
    }

    // MARK: Connection

    mutating func connect() {
        _ = self.front.connectionOpened(at: self.now)
        self.daemon = DaemonSession(mayManifest: false, features: WireFeature.supported)
        self.toFront.append(.helloReply(HelloReply()))
    }

    /// Everything on the way is lost; the daemon's streams are drained at once.
    mutating func disconnect() {
        self.toDaemon.removeAll()
        self.toFront.removeAll()
        self.ownersAsking.removeAll()
        self.ownersInDoubt.removeAll()
        self.lookUps.removeAll()
        self.fateTimers.removeAll()
        for session in self.front.connectionClosed(at: self.now) { self.over(session) }
        let leftovers = self.daemon.connectionClosed()
        for request in leftovers.requests { self.poolWaiting.remove(request.rawValue) }
        for session in leftovers.sessions.values.joined() { self.poolSessions[session.rawValue] = nil }
    }

    private mutating func over(_ session: SessionID) {
        self.ownersHolding.remove(session.rawValue)
        self.kept[session.rawValue] = nil
    }

    private mutating func sendPending() {
        for message in self.front.takePending() {
            if case .release(let release) = message, self.kept.removeValue(forKey: release.session.rawValue) == nil {
                self.violations.append("a session was returned that was not kept")
            }
            self.toDaemon.append(message)
        }
    }

    mutating func clearNotes() {
        self.frontNotes.removeAll()
        self.daemonNotes.removeAll()
    }

    // MARK: Events

    mutating func apply(_ event: FrontEvent) {
        switch event {
        case .checkout(let id, let app):
            let checkout = Checkout(request: .init(rawValue: id), app: .init(rawValue: app), method: "GET", path: "/")
            let action = self.front.checkout(checkout, of: Self.definition(app), at: self.now)
            self.sendPending()
            switch action {
            case .granted(let granted):
                if self.kept.removeValue(forKey: granted.session.rawValue) == nil {
                    self.violations.append("a session was used that was not kept")
                }
                self.ownersHolding.insert(granted.session.rawValue)
                self.frontNotes.append("kept session for \(granted.request)")
            case .send(let definition, let checkout):
                if let definition { self.toDaemon.append(.defineApp(definition)) }
                self.toDaemon.append(.checkout(checkout))
                self.ownersWaiting.insert(id)
            case .wait: self.ownersWaiting.insert(id)
            case .rejected(let reason): self.violations.append("front rejected a checkout: \(reason)")
            }
        case .cancel(let id):
            guard self.ownersWaiting.remove(id) != nil else { return }
            switch self.front.cancel(.init(rawValue: id), at: self.now) {
            case .send(let cancel): self.toDaemon.append(.cancel(cancel))
            case .forgotten: break
            case .ignored(let reason): self.violations.append("owner waits for nothing: \(reason)")
            }
            self.sendPending()
        case .release(let id):
            guard self.ownersHolding.remove(id) != nil else { return }
            switch self.front.release(.init(rawValue: id), outcome: .ok, at: self.now) {
            case .send(let message): self.toDaemon.append(message)
            case .kept: self.kept[id] = self.poolSessions[id] ?? 0
            case .reused(let granted, let reuse):
                if self.ownersWaiting.remove(granted.request.rawValue) == nil {
                    self.violations.append("a kept session for nobody who waits")
                }
                self.ownersHolding.insert(id)
                if let reuse { self.toDaemon.append(.reuse(reuse)) }
                self.frontNotes.append("reused for \(granted.request)")
            case .ignored: self.violations.append("owner holds nothing")
            }
            self.sendPending()
        case .time(let milliseconds):
            self.now = self.now + .milliseconds(milliseconds)
            self.toDaemon += self.front.timePassed(to: self.now).reports
            self.sendPending()
        case .upgraded(let id):
            guard self.ownersHolding.contains(id) else { return }
            guard case .send(let message) = self.front.upgraded(.init(rawValue: id), at: self.now) else {
                self.violations.append("owner holds nothing")
                return
            }
            self.toDaemon.append(message)
            self.sendPending()
        case .abandoned(let id):
            guard self.ownersHolding.remove(id) != nil else { return }
            guard case .send(let message) = self.front.abandoned(.init(rawValue: id), at: self.now) else {
                self.violations.append("owner holds nothing")
                return
            }
            self.toDaemon.append(message)
            self.sendPending()
        case .redefine(let app, let valid):
            if case .send(let definition) = self.front.redefine(Self.definition(app, valid: valid)) {
                self.toDaemon.append(.defineApp(definition))
            }
        case .askReport(let errorID, let app):
            switch self.front.askReport(errorID, of: .init(rawValue: app)) {
            case .send(let query):
                self.toDaemon.append(.reportQuery(query))
                self.ownersAsking.insert(query)
            case .wait: self.ownersAsking.insert(ReportQuery(app: .init(rawValue: app), errorID: errorID))
            case .unavailable: break
            }
        case .askFate(let id):
            guard self.ownersHolding.contains(id), let process = self.poolSessions[id] else { return }
            if case .send(let message) = self.front.askFate(of: .init(rawValue: id), to: .init(rawValue: process)) {
                self.toDaemon.append(message)
                self.ownersInDoubt.insert(id)
            }
        }
    }

    mutating func apply(_ event: DaemonEvent) {
        switch event {
        case .grant(let id, let session, let process): self.grant(id, session, process, uses: 1)
        case .lease(let id, let session, let process): self.grant(id, session, process, uses: .max)
        case .recall(let session): self.send(self.daemon.recalled(.init(rawValue: session)))
        case .refuse(let id, let reason):
            guard self.poolWaiting.remove(id) != nil else { return }
            self.send(self.daemon.refused(Refused(request: .init(rawValue: id), reason: reason)))
        case .processGone(let process):
            for session in self.poolSessions.filter({ $0.value == process }).keys { self.poolSessions[session] = nil }
            self.send(self.daemon.processGone(ProcessGone(process: .init(rawValue: process), signal: 9)))
        case .abort(let session):
            guard self.poolSessions.removeValue(forKey: session) != nil else { return }
            self.send(self.daemon.aborted(.init(rawValue: session), reason: .maxRequestTime))
        case .drain(let process):
            self.send(self.daemon.processDraining(Draining(process: .init(rawValue: process), deadlineMilliseconds: 1)))
        case .goodbye:
            self.send(self.daemon.goodbye(reason: "stops"))
            // The pool refuses whatever waits when it shuts down.
            for id in self.poolWaiting.sorted() { self.apply(.refuse(id, .shuttingDown)) }
        case .lookUp(let id, let wasUnread):
            guard self.lookUps.remove(id) != nil else { return }
            self.tell(self.daemon.streamLookedUp(.init(rawValue: id), wasUnread: wasUnread), of: id)
        case .fateTime(let id):
            guard self.fateTimers.remove(id) != nil else { return }
            self.tell(self.daemon.fateTimePassed(.init(rawValue: id), isEnding: false), of: id)
        }
    }

    private mutating func grant(_ id: UInt64, _ session: UInt64, _ process: UInt64, uses: UInt32) {
        guard self.poolWaiting.remove(id) != nil else { return }
        self.poolSessions[session] = process
        var granted = Samples.granted(request: id, session: session, process: process)
        granted.uses = uses
        switch self.daemon.granted(granted) {
        case .send(let granted): self.toFront.append(.granted(granted))
        case .release(let session): self.poolSessions[session.rawValue] = nil
        }
    }

    private mutating func tell(_ action: DaemonSession.FateAction, of stream: UInt64) {
        switch action {
        case .send(let message): self.toFront.append(message)
        case .wait: self.fateTimers.insert(stream)
        case .ignored: self.violations.append("nobody asked for the fate of \(stream)")
        }
    }

    private mutating func send(_ action: DaemonSession.AnswerAction) {
        if case .send(let message) = action { self.toFront.append(message) }
    }

    // MARK: Delivery

    mutating func deliverAll() {
        while self.deliverToFront() || self.deliverToDaemon() {}
    }

    /// Delivers the oldest message that is on its way to the daemon.
    mutating func deliverToDaemon() -> Bool {
        guard !self.toDaemon.isEmpty else { return false }
        switch self.daemon.received(self.toDaemon.removeFirst()) {
        case .manifest, .manifestWithoutAuthority: self.violations.append("manifest")
        case .define(let definition):
            let valid = definition.settings == Self.settings(valid: true)
            self.toFront.append(self.daemon.appJudged(definition.app, rejection: valid ? nil : "not valid"))
            self.daemonNotes.append("define")
        case .checkout(let checkout):
            self.poolWaiting.insert(checkout.request.rawValue)
            self.daemonNotes.append("checkout \(checkout.request)")
        case .cancel(let id):
            if self.poolWaiting.remove(id.rawValue) == nil { self.violations.append("cancel of nothing") }
            self.daemonNotes.append("cancel \(id)")
        case .release(let release):
            let session = release.session.rawValue
            if self.poolSessions.removeValue(forKey: session) == nil { self.violations.append("release of nothing") }
            let uses = release.carried.map { " of \($0.uses)" } ?? ""
            self.daemonNotes.append("release \(session) \(release.outcome.kind)\(uses)")
        case .reused(let session, let id):
            if self.poolSessions[session.rawValue] == nil { self.violations.append("reuse of nothing") }
            if self.poolWaiting.remove(id.rawValue) == nil { self.violations.append("reuse for nobody") }
            self.daemonNotes.append("reuse \(session.rawValue) for \(id)")
        case .reuseCrossed(let session): self.daemonNotes.append("reuse \(session.rawValue) crossed")
        case .lasting(let lasting): self.daemonNotes.append("lasting \(lasting.session.rawValue)")
        case .upgraded(let session): self.daemonNotes.append("upgraded \(session.rawValue)")
        case .abandoned(let abandoned, let process):
            if self.poolSessions.removeValue(forKey: abandoned.session.rawValue) != process.rawValue {
                self.violations.append("abandoned session of another process")
            }
            self.daemonNotes.append("abandoned \(abandoned.session.rawValue)")
        case .reportQuery(let query):
            let json = ByteBuffer(string: #"{"id":"\#(query.errorID)"}"#)
            self.toFront.append(.report(Report(app: query.app, errorID: query.errorID, json: json)))
            self.daemonNotes.append("report query \(query.errorID)")
        case .fateQuery(let query):
            self.lookUps.insert(query.stream.rawValue)
            self.daemonNotes.append("fate query \(query.stream.rawValue)")
        case .send(let message):
            self.toFront.append(message)
            if case .report = message { self.daemonNotes.append("no report") }
            if case .refused(let refused) = message {
                self.daemonNotes.append("refuse \(refused.request) \(refused.reason)")
            }
        case .nothing: break
        case .ignored: self.daemonNotes.append("ignored")
        case .violation(let reason): self.violations.append("daemon: \(reason)")
        }
        return true
    }

    /// Delivers the oldest message that is on its way to the front.
    mutating func deliverToFront() -> Bool {
        guard !self.toFront.isEmpty else { return false }
        let action = self.front.received(self.toFront.removeFirst(), at: self.now)
        self.sendPending()
        switch action {
        case .hello(.opened(_, let messages)): self.toDaemon += messages
        case .hello(let action): self.violations.append("hello: \(action)")
        case .granted(let granted):
            if self.ownersWaiting.remove(granted.request.rawValue) == nil { self.violations.append("unwanted grant") }
            self.ownersHolding.insert(granted.session.rawValue)
            self.frontNotes.append("granted \(granted.request)")
        case .releaseLate(let release):
            self.toDaemon.append(.release(release))
            self.frontNotes.append("releaseLate \(release.session.rawValue)")
        case .refused(let refused):
            if self.ownersWaiting.remove(refused.request.rawValue) == nil { self.violations.append("unwanted refusal") }
            self.frontNotes.append("refused \(refused.request) \(refused.reason)")
        case .requeued(let id): self.frontNotes.append("requeued \(id)")
        case .appAccepted: self.frontNotes.append("accepted")
        case .appRejected: self.frontNotes.append("rejected")
        case .processGone(_, let sessions):
            for session in sessions { self.over(session) }
            self.frontNotes.append("gone with \(sessions.count)")
        case .draining: self.frontNotes.append("draining")
        case .aborted(let session, _):
            self.over(session)
            self.frontNotes.append("aborted \(session.rawValue)")
        case .goodbye: self.frontNotes.append("goodbye")
        case .report(let report, let next):
            if self.ownersAsking.remove(ReportQuery(app: report.app, errorID: report.errorID)) == nil {
                self.violations.append("unwanted report")
            }
            if let next { self.toDaemon.append(.reportQuery(next)) }
            self.frontNotes.append(report.json.readableBytes > 0 ? "report" : "empty report")
        case .streamFate(let fate):
            if self.ownersInDoubt.remove(fate.stream.rawValue) == nil { self.violations.append("unwanted fate") }
            self.frontNotes.append("fate \(fate.stream.rawValue) \(fate.verdict)")
        case .send(let message): self.toDaemon.append(message)
        case .nothing: break
        case .ignored: self.frontNotes.append("ignored")
        case .violation(let reason): self.violations.append("front: \(reason)")
        }
        return true
    }

    /// With nothing on its way both ends, the pool and the owners have to agree.
    var disagreements: [String] {
        var found = self.violations
        let used = self.ownersHolding.union(self.kept.keys)
        if Set(self.poolSessions.keys) != used || used.count != self.ownersHolding.count + self.kept.count {
            found.append("pool uses \(self.poolSessions.keys.sorted()), owners hold \(self.ownersHolding.sorted())")
        }
        if self.front.idleLeases != self.kept.count { found.append("front keeps \(self.front.idleLeases) sessions") }
        if self.front.heldSessions != self.daemon.heldSessions || self.front.heldSessions != used.count {
            found.append("front holds \(self.front.heldSessions), daemon \(self.daemon.heldSessions)")
        }
        let behind = self.front.requestsBehind
        if self.front.isOpen, self.poolWaiting.count + behind != self.ownersWaiting.count {
            found.append("pool queues \(self.poolWaiting.sorted()), owners wait for \(self.ownersWaiting.sorted())")
        }
        if behind > 0, self.poolWaiting.isEmpty { found.append("\(behind) requests are behind nobody") }
        if self.front.isOpen, !self.ownersAsking.isEmpty { found.append("owners still wait for reports") }
        if self.lookUps.isEmpty, self.fateTimers.isEmpty, !self.ownersInDoubt.isEmpty {
            found.append("owners still wait for fates")
        }
        if self.daemon.waitingCheckouts != self.poolWaiting.count { found.append("daemon counts other checkouts") }
        if self.front.outstandingCheckouts != self.ownersWaiting.count { found.append("front counts other checkouts") }
        return found
    }
}
