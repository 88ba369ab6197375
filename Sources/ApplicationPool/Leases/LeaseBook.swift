// SPDX-License-Identifier: MIT

/// A connection of a front as the pool knows it; it may keep sessions for its next requests.
package struct LeaseHolder: Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The sessions of a group that their holders may use for further requests without asking, and those asked back.
///
///     granted ──▶ held ──recalled──▶ asked back ──▶ (closed, or ordinary: its request lasts, or it was not returned)
///                   └── closed, or its request lasts ──▶ (closed, or ordinary)
struct LeaseBook: Sendable {
    struct Entry: Equatable, Sendable {
        let session: Session.ID
        let process: Process.ID
        let holder: LeaseHolder
        /// When it was granted, or asked back.
        var since: Instant
    }

    /// A lease of a holder that has not more than its share is left alone for so long, although somebody is waiting.
    static let slice = Duration.milliseconds(2)
    /// Idle leases come back within this time; whoever waits longer may want another process.
    static let returnTime = Duration.milliseconds(5)
    /// Who has neither returned a lease by then nor said that its request lasts gets no more.
    static let patience = Duration.seconds(1)

    /// The oldest first.
    private(set) var held: [Entry] = []
    /// Those asked back, the oldest first.
    private(set) var recalled: [Entry] = []
    /// Sessions of each holder, leases or not, but for those asked back.
    private(set) var sessions: [LeaseHolder: Int] = [:]
    private(set) var counts = LeaseCounts()

    var isEmpty: Bool { self.held.isEmpty && self.recalled.isEmpty }

    mutating func opened(
        _ session: Session.ID,
        on process: Process.ID,
        by holder: LeaseHolder,
        isLease: Bool,
        at now: Instant
    ) {
        self.sessions[holder, default: 0] += 1
        guard isLease else { return }
        self.held.append(Entry(session: session, process: process, holder: holder, since: now))
        self.counts.granted += 1
    }

    /// A session has ended.
    mutating func closed(_ id: Session.ID, _ session: Session) {
        guard let holder = session.holder else { return }
        switch session.lease {
        case .none: self.count(-1, of: holder)
        case .held:
            self.held.removeAll { $0.session == id }
            self.count(-1, of: holder)
        case .recalled: self.recalled.removeAll { $0.session == id }
        }
    }

    /// A lease is an ordinary session from now on.
    mutating func becameOrdinary(_ id: Session.ID, _ session: Session) {
        guard let holder = session.holder else { return }
        switch session.lease {
        case .none: break
        case .held: self.held.removeAll { $0.session == id }
        case .recalled:
            self.recalled.removeAll { $0.session == id }
            self.count(1, of: holder)
        }
    }

    /// Asks a lease back; false: it is none, or was asked back before.
    mutating func recall(_ id: Session.ID, at now: Instant) -> Bool {
        guard let index = self.held.firstIndex(where: { $0.session == id }) else { return false }
        var entry = self.held.remove(at: index)
        entry.since = now
        self.recalled.append(entry)
        self.count(-1, of: entry.holder)
        self.counts.recalled += 1
        return true
    }

    mutating func used(_ requests: Int) { self.counts.reused += requests }
    mutating func crossed() { self.counts.duplicates += 1 }
    mutating func abandoned() { self.counts.abandoned += 1 }

    // MARK: Who gives back

    /// Those that should have been returned by now.
    func overdue(at now: Instant) -> [Entry] { self.recalled.filter { now.since($0.since) >= Self.patience } }

    /// When something that was asked back is late, or later.
    func nextMark(after now: Instant) -> Instant? {
        self.recalled.lazy
            .flatMap { entry in [Self.returnTime, Self.patience].map { entry.since.advanced(by: $0) } }
            .filter { $0 > now }.min()
    }

    enum Choice: Equatable {
        case none
        case recall(Session.ID)
        /// Nothing before.
        case later(Instant)
    }

    /// The lease to ask back for `waiter`, which is next in line: one of a connection that holds more than its share of the
    /// `slots`, else, for a waiter whose connection has less than its own, the oldest that has had its slice.
    func choice(for waiter: Waiter, in queue: RequestQueue, slots: Int, at now: Instant) -> Choice {
        var most: (surplus: Int, session: Session.ID)?
        var oldest: Entry?
        for entry in self.held where entry.holder != waiter.holder {
            if oldest == nil { oldest = entry }
            let surplus = (self.sessions[entry.holder] ?? 0) - Self.share(of: entry.holder, in: queue, slots: slots)
            if surplus > most?.surplus ?? 0 { most = (surplus, entry.session) }
        }
        if let most { return .recall(most.session) }
        guard let oldest, self.hasTooFew(waiter.holder, queue, slots) else { return .none }
        let end = oldest.since.advanced(by: Self.slice)
        return end <= now ? .recall(oldest.session) : .later(end)
    }

    /// The part of the slots that a connection's waiting requests are of all that wait, rounded up.
    static func share(of holder: LeaseHolder, in queue: RequestQueue, slots: Int) -> Int {
        guard queue.count > 0 else { return slots }
        return (queue.count(of: holder) * slots + queue.count - 1) / queue.count
    }

    private func hasTooFew(_ holder: LeaseHolder?, _ queue: RequestQueue, _ slots: Int) -> Bool {
        // Who cannot have leases asks for each request and has nothing to go on with.
        guard let holder else { return true }
        return (self.sessions[holder] ?? 0) < Self.share(of: holder, in: queue, slots: slots)
    }

    private mutating func count(_ change: Int, of holder: LeaseHolder) {
        let count = (self.sessions[holder] ?? 0) + change
        self.sessions[holder] = count > 0 ? count : nil
    }
}

/// What became of leases of a group since it is known.
package struct LeaseCounts: Equatable, Sendable {
    package internal(set) var granted = 0
    /// Requests that came without asking.
    package internal(set) var reused = 0
    package internal(set) var recalled = 0
    /// Requests that were granted a session while their front used a lease for them.
    package internal(set) var duplicates = 0
    /// Sessions whose answer nobody waited for.
    package internal(set) var abandoned = 0

    package init() {}
}
