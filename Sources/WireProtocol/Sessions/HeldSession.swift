// SPDX-License-Identifier: MIT

import NIOCore

/// A session that a front holds, with what it carries.
///
///     granted ──▶ used ──request ended──▶ idle ──next request──▶ used
///                   │                       └── recalled, idle or held for too long ──▶ (given back)
///                   └── recalled, upgraded, or its request lasts ──▶ lastUse ──request ended──▶ (given back)
///
/// One that may carry one request only begins with `lastUse`.
struct HeldSession: Sendable {
    enum State: Hashable, Sendable {
        /// Carries a request, and may carry the next one.
        case used(since: NIODeadline)
        /// Carries its last request.
        case lastUse(since: NIODeadline)
        /// Is kept for the next request of its app.
        case idle(since: NIODeadline)
    }

    var state: State
    /// As for the request that it carries, or carried last.
    var grant: Granted
    var checkout: Checkout
    private let grantedAt: NIODeadline
    /// What it carried before, as far as the daemon was not told.
    private var carried = Carried(uses: 0)
    private var usesLeft: UInt32
    /// Whether the daemon knows that it carries its last request, and which.
    private var isTold = false

    init(_ grant: Granted, for checkout: Checkout, at now: NIODeadline) {
        self.grant = grant
        self.checkout = checkout
        self.grantedAt = now
        self.usesLeft = max(1, grant.uses ?? 1) - 1
        self.state = self.usesLeft > 0 ? .used(since: now) : .lastUse(since: now)
    }

    var app: AppNumber { self.checkout.app }
    var process: ProcessID { self.grant.process }

    /// Whether it may carry another request, which begins now.
    func mayGoOn(at now: NIODeadline) -> Bool {
        guard self.usesLeft > 0, now - self.grantedAt < .milliseconds(WireLimits.leaseMilliseconds) else {
            return false
        }
        return switch self.state {
        case .used: true
        case .idle(let since): now - since < .milliseconds(WireLimits.idleLeaseMilliseconds)
        case .lastUse: false
        }
    }

    /// Carries another request from now on, which was waited for since `since`.
    mutating func reuse(for checkout: Checkout, since: NIODeadline, at now: NIODeadline) {
        self.checkout = checkout
        self.grant.request = checkout.request
        self.grant.queueTimeMicroseconds = UInt64(clamping: (now - since).nanoseconds / 1000)
        self.usesLeft -= 1
        self.state = .used(since: now)
    }

    mutating func becomeIdle(at now: NIODeadline) {
        self.count(at: now)
        self.state = .idle(since: now)
    }

    /// It carries no other request after this one, and the daemon knows about it.
    mutating func becomeUpgraded() {
        self.makeLast()
        self.isTold = true
    }

    /// It carries no other request after this one.
    mutating func makeLast() {
        if case .used(let since) = self.state { self.state = .lastUse(since: since) }
    }

    /// The report of its end; `wasUsed` is whether its last request reached the app.
    mutating func release(_ outcome: ReleaseOutcome, at now: NIODeadline) -> Release {
        let session = self.grant.session
        // What was one request only needs no account.
        guard self.isLease else { return Release(session: session, outcome: outcome) }
        var outcome = outcome
        switch self.state {
        case .idle(let since):
            let idle = (now - since).nanoseconds / 1000
            self.carried.idleMicroseconds = UInt32(clamping: idle)
            outcome = .ok
        case .used, .lastUse: if outcome.kind != .unused { self.count(at: now) }
        }
        return Release(session: session, outcome: outcome, carried: self.carried)
    }

    /// When its request lasts so long that the daemon has to hear of it; nil: it has, or there is none.
    var lastsFrom: NIODeadline? {
        guard self.isLease, !self.isTold else { return nil }
        return switch self.state {
        case .idle: nil
        case .used(let since), .lastUse(let since): since + .milliseconds(WireLimits.lastingMilliseconds)
        }
    }

    /// Its request lasts: what the daemon is told.
    mutating func lasts() -> Lasting {
        defer { self.carried = Carried(uses: 0) }
        self.makeLast()
        self.isTold = true
        return Lasting(
            session: self.grant.session,
            carried: self.carried,
            method: self.checkout.method,
            path: self.checkout.path,
            host: self.checkout.host ?? ""
        )
    }

    var isLease: Bool { self.grant.uses ?? 1 > 1 }

    private mutating func count(at now: NIODeadline) {
        switch self.state {
        case .used(let since), .lastUse(let since):
            self.carried.uses += 1
            self.carried.busyMicroseconds += UInt64(clamping: (now - since).nanoseconds / 1000)
        case .idle: break
        }
    }
}
