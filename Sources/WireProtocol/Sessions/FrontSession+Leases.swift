// SPDX-License-Identifier: MIT

package import NIOCore

/// The leases of a front's connection, by their apps.
struct LeaseShelf: Sendable {
    /// Sessions that carry no request, the one used last at the end.
    private(set) var idle: [AppNumber: [SessionID]] = [:]
    /// Asked and not answered, in their order; may hold some that were answered since.
    var asked: [AppNumber: CircularBuffer<RequestID>] = [:]
    /// Those that wait for one that is asked, in their order; never empty, but may hold some that were taken back since.
    var behind: [AppNumber: CircularBuffer<RequestID>] = [:]
    /// Apps whose processes take any number of requests: nobody has to wait for another one's end.
    var unlimited: Set<AppNumber> = []
    /// How many requests of an app may wait without a word to the daemon.
    var rooms: [AppNumber: Int] = [:]
    /// Apps whose sessions are not kept until then: the last one was needed elsewhere as soon as it was idle.
    private var pauses: [AppNumber: NIODeadline] = [:]
    /// At the earliest then a lease is to be looked at.
    var deadline: NIODeadline?
    /// To be written now.
    var pending: [FrontMessage] = []

    mutating func consider(_ instant: NIODeadline) { self.deadline = min(self.deadline ?? instant, instant) }

    mutating func put(_ session: SessionID, of app: AppNumber) { self.idle[app, default: []].append(session) }

    mutating func takeLast(of app: AppNumber) -> SessionID? { self.idle[app]?.popLast() }

    mutating func remove(_ session: SessionID, of app: AppNumber) { self.idle[app]?.removeAll { $0 == session } }

    mutating func pause(_ app: AppNumber, until end: NIODeadline) { self.pauses[app] = end }

    mutating func isPaused(_ app: AppNumber, at now: NIODeadline) -> Bool {
        guard !self.pauses.isEmpty, let end = self.pauses[app] else { return false }
        if end <= now { self.pauses[app] = nil }
        return end > now
    }

    /// Nothing of a connection is true for the next one.
    mutating func clear() {
        self.idle.removeAll(keepingCapacity: true)
        self.asked.removeAll(keepingCapacity: true)
        self.behind.removeAll()
        self.unlimited.removeAll()
        self.pauses.removeAll()
        self.pending.removeAll()
        self.deadline = nil
    }
}

// Sessions that are used for the next request of their app without asking.
extension FrontSession {
    package enum ReleaseAction: Hashable, Sendable {
        /// The session is over.
        case send(FrontMessage)
        /// It is kept for the app's next request.
        case kept
        /// It carries the request that waited longest: hand the grant to whoever asked, and write the message now.
        case reused(Granted, Reuse?)
        /// The session is over already: its process or its connection ended.
        case ignored(reason: String)
    }

    /// The request that a session carried is over.
    package mutating func release(_ id: SessionID, outcome: ReleaseOutcome, at now: NIODeadline) -> ReleaseAction {
        let action = self.end(id, outcome: outcome, at: now)
        // A session that is over because its time is serves whom the daemon knows; more need not be asked for.
        self.settleBehind(at: now, isServed: outcome == .ok)
        return action
    }

    private mutating func end(_ id: SessionID, outcome: ReleaseOutcome, at now: NIODeadline) -> ReleaseAction {
        guard var held = self.sessions[id] else { return .ignored(reason: "no such session") }
        guard outcome == .ok, self.isOpen, held.mayGoOn(at: now), !self.shelf.isPaused(held.app, at: now) else {
            self.sessions[id] = nil
            if outcome.kind == .upstreamFailed { self.returnIdle(at: now) { $0.process == held.process } }
            return .send(.release(held.release(outcome, at: now)))
        }
        held.becomeIdle(at: now)
        if let request = self.takeOldest(of: held.app) {
            held.reuse(for: request.checkout, since: request.since, at: now)
            self.sessions[id] = held
            self.shelf.consider(now + .milliseconds(WireLimits.lastingMilliseconds))
            return .reused(held.grant, self.served(request, at: now).map { Reuse(session: id, request: $0) })
        }
        self.sessions[id] = held
        self.shelf.put(id, of: held.app)
        self.shelf.consider(now + .milliseconds(WireLimits.idleLeaseMilliseconds + WireLimits.reportMilliseconds))
        return .kept
    }

    /// To be written now: releases of what was kept, and checkouts that stayed behind until now.
    package mutating func takePending() -> [FrontMessage] {
        guard !self.shelf.pending.isEmpty else { return [] }
        defer { self.shelf.pending.removeAll(keepingCapacity: true) }
        return self.shelf.pending
    }

    /// Sessions that are kept and carry no request.
    package var idleLeases: Int { self.shelf.idle.values.reduce(0) { $0 + $1.count } }

    /// A kept session for a request that has just come; those that are too old are given back.
    mutating func takeIdle(for checkout: Checkout, at now: NIODeadline) -> Granted? {
        guard checkout.stickyID == 0 else { return nil }
        while let id = self.shelf.takeLast(of: checkout.app) {
            guard var held = self.sessions[id] else { continue }
            guard case .idle = held.state, held.mayGoOn(at: now) else {
                self.giveBack(id, at: now)
                continue
            }
            held.reuse(for: checkout, since: now, at: now)
            self.sessions[id] = held
            self.shelf.consider(now + .milliseconds(WireLimits.lastingMilliseconds))
            return held.grant
        }
        return nil
    }

    /// Notes that a checkout is with the daemon.
    mutating func noteAsked(_ checkout: Checkout) {
        guard self.keepsSessions, checkout.stickyID == 0 else { return }
        var asked = self.shelf.asked[checkout.app] ?? []
        // Without this the buffer would be copied.
        self.shelf.asked[checkout.app] = nil
        while let first = asked.first, self.requests[first]?.phase != .asked { asked.removeFirst() }
        if asked.count > 2 * self.requests.count + 16 { asked.removeAll { self.requests[$0]?.phase != .asked } }
        asked.append(checkout.request)
        self.shelf.asked[checkout.app] = asked
    }

    private mutating func takeOldest(of app: AppNumber) -> Request? {
        while let id = self.shelf.asked[app]?.popFirst() {
            guard let request = self.requests[id], request.phase == .asked else { continue }
            // A grant that is on its way to it is given back unused, as any that nobody waits for.
            self.requests[id] = nil
            return request
        }
        return nil
    }

    mutating func recalled(_ id: SessionID, at now: NIODeadline) -> Action {
        guard self.keepsSessions else { return .violation(reason: "Recall was not negotiated") }
        guard let held = self.sessions[id] else { return .ignored(reason: "recall of a session that was released") }
        switch held.state {
        case .idle:
            self.shelf.remove(id, of: held.app)
            self.giveBack(id, at: now)
            self.shelf.pause(held.app, until: now + .milliseconds(WireLimits.leasePauseMilliseconds))
            return .nothing
        case .used:
            self.sessions[id]?.makeLast()
            return .nothing
        case .lastUse: return .ignored(reason: "recall of a session that is not kept")
        }
    }

    /// Gives back everything idle for which `isMeant` holds.
    mutating func returnIdle(at now: NIODeadline, where isMeant: (HeldSession) -> Bool = { _ in true }) {
        for (app, sessions) in self.shelf.idle {
            for id in sessions {
                guard let held = self.sessions[id], isMeant(held) else { continue }
                self.shelf.remove(id, of: app)
                self.giveBack(id, at: now)
            }
        }
    }

    /// Sessions are over without a word of ours.
    mutating func forget(_ id: SessionID) -> HeldSession? {
        guard let held = self.sessions.removeValue(forKey: id) else { return nil }
        if case .idle = held.state { self.shelf.remove(id, of: held.app) }
        return held
    }

    /// Gives back what was idle for too long, and tells the daemon of requests that last.
    mutating func checkLeases(at now: NIODeadline) -> [FrontMessage] {
        guard let deadline = self.shelf.deadline, deadline <= now else { return [] }
        self.shelf.deadline = nil
        self.askLate(at: now)
        let keepTime = TimeAmount.milliseconds(WireLimits.idleLeaseMilliseconds)
        self.returnIdle(at: now) { held in
            if case .idle(let since) = held.state { now - since >= keepTime } else { false }
        }
        var messages: [FrontMessage] = []
        for (id, held) in self.sessions {
            if case .idle(let since) = held.state {
                self.shelf.consider(since + keepTime + .milliseconds(WireLimits.reportMilliseconds))
            } else if let lastsFrom = held.lastsFrom {
                guard lastsFrom <= now else {
                    self.shelf.consider(lastsFrom)
                    continue
                }
                if let lasting = self.sessions[id]?.lasts() { messages.append(.lasting(lasting)) }
            }
        }
        return messages
    }

    private mutating func giveBack(_ id: SessionID, at now: NIODeadline) {
        guard var held = self.sessions.removeValue(forKey: id) else { return }
        self.shelf.pending.append(.release(held.release(.ok, at: now)))
    }
}
