// SPDX-License-Identifier: MIT

/// What a front says of a session that it ends, or that lasts.
package struct SessionReport: Equatable, Sendable {
    /// Requests that it carried and that are over, whatever became of them.
    package let uses: Int
    /// Time since the last of them ended.
    package let idle: Duration
    /// The answer to the last of them asked for out-of-band work.
    package let requestsOutOfBandWork: Bool

    package init(uses: Int, idle: Duration = .zero, requestsOutOfBandWork: Bool = false) {
        self.uses = uses
        self.idle = idle
        self.requestsOutOfBandWork = requestsOutOfBandWork
    }
}

// Sessions that fronts may use for their next requests without asking. To the pool a leased session is busy; it is asked back
// for those who wait, when its process goes, and when what was known at the grant changes. From then on it is an ordinary one.
extension Pool {
    /// Requests that a lease of a process with `max_requests` may carry.
    static let boundedUses: UInt32 = 128

    /// A front's own oldest waiting request was served by a session that it leases.
    ///
    /// `hadWaited`: false if that request is not waiting any more, it was answered at the same time.
    package mutating func sessionReused(
        _ id: Session.ID,
        for ticket: Ticket,
        at now: Instant
    ) -> (hadWaited: Bool, orders: Orders) {
        var orders = Orders()
        guard let index = self.indices[ticket.group], self.groups[index].queue.remove(number: ticket.number) else {
            self.reuseCrossed(id)
            return (false, orders)
        }
        self.queueShrank(of: index, at: now, orders: &orders)
        self.recallForWaiters(of: index, at: now, orders: &orders)
        return (true, orders)
    }

    /// A request had been answered when its front used a lease for it: the session of that answer comes back unused.
    package mutating func reuseCrossed(_ id: Session.ID) {
        guard let index = self.sessions[id].flatMap({ self.indices[$0.group] }) else { return }
        self.groups[index].leases.crossed()
    }

    /// The request that a leased session carries takes long: from now on it is an ordinary session, with that request.
    ///
    /// nil: there is no such session.
    package mutating func sessionLasts(_ id: Session.ID, _ report: SessionReport, at now: Instant) -> Orders? {
        guard let session = self.sessions[id], let index = self.indices[session.group] else { return nil }
        var orders = Orders()
        self.groups[index].leases.used(report.uses)
        self.groups[index].changeProcess(session.process) { $0.processed += report.uses }
        self.makeOrdinary(id, at: now, orders: &orders)
        return orders
    }

    /// A connection of a front has ended.
    package mutating func holderGone(_ holder: LeaseHolder) { self.withheld.remove(holder) }

    /// While a group's restart files ask for a new process for each request, nobody may keep a session.
    package mutating func leasesSuspended(_ isSuspended: Bool, of id: Group.ID, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.indices[id] else { return orders }
        self.groups[index].areLeasesSuspended = isSuspended
        if isSuspended { self.recallAll(of: index, at: now, orders: &orders) }
        return orders
    }

    /// Whether somebody may use sessions of a group without asking.
    package func hasLeases(_ id: Group.ID) -> Bool {
        self.indices[id].map { !self.groups[$0].leases.held.isEmpty } ?? false
    }

    // MARK: Grants

    /// How many requests a new session may carry; 1: its front must ask for the next one.
    func uses(for holder: LeaseHolder?, on process: Int, of index: Int) -> UInt32 {
        guard let holder, self.groups[index].mayLease, !self.withheld.contains(holder) else { return 1 }
        let limit = self.groups[index].limits.maxRequests
        guard limit > 0 else { return .max }
        let process = self.groups[index].processes[process]
        let spare = limit - process.processed - process.sessions - process.promised
        return spare > 2 * Int(Self.boundedUses) ? Self.boundedUses : 1
    }

    /// Takes a session that is over out of all books.
    mutating func removeSession(_ id: Session.ID) -> Session? {
        guard let session = self.sessions.removeValue(forKey: id) else { return nil }
        guard session.holder != nil, let index = self.indices[session.group] else { return session }
        self.groups[index].leases.closed(id, session)
        if session.promised > 0 {
            self.groups[index].changeProcess(session.process) { $0.promised -= session.promised }
        }
        return session
    }

    // MARK: Recalls

    /// Asks leases back for those who are next in line, after the ones that are on their way back already.
    mutating func recallForWaiters(of index: Int, at now: Instant, orders: inout Orders) {
        while !self.groups[index].leases.held.isEmpty {
            let group = self.groups[index]
            guard let next = group.queue.waiter(after: group.returning) else { return }
            switch group.leases.choice(for: next, in: group.queue, slots: group.slots, at: now) {
            case .none: return
            case .later(let instant): return self.checkLeases(of: index, at: instant)
            case .recall(let session): self.recall(session, of: index, at: now, orders: &orders)
            }
        }
    }

    /// The same for a request that waits for one certain process, and for all that have to do with a process that goes.
    mutating func recallAll(of index: Int, on process: Process.ID? = nil, at now: Instant, orders: inout Orders) {
        guard !self.groups[index].leases.held.isEmpty else { return }
        for entry in self.groups[index].leases.held where process == nil || entry.process == process {
            self.recall(entry.session, of: index, at: now, orders: &orders)
        }
    }

    /// A group without any process needs room in a full pool, and what could be idle is leased: one such process is asked for.
    mutating func recallForRoom(at now: Instant, orders: inout Orders) {
        guard self.isFull, self.groups.contains(where: { !$0.leases.held.isEmpty }),
            self.hungry.contains(where: { id in
                self.indices[id].map { self.groups[$0].isStarving(at: now, in: self) } ?? false
            })
        else { return }
        var found: (group: Int, process: Process)?
        for index in self.groups.indices where !self.groups[index].leases.isEmpty {
            let group = self.groups[index]
            for process in group.enabled where process.sessions > 0 && group.queue.isEmpty {
                let held = group.leases.held.count { $0.process == process.id }
                let returning = group.leases.recalled.count {
                    $0.process == process.id && now.since($0.since) < LeaseBook.returnTime
                }
                guard held + returning == process.sessions else { continue }
                // It will be idle in a moment.
                if held == 0 { return }
                if let found, found.process.lastUsed <= process.lastUsed { continue }
                found = (index, process)
            }
        }
        guard let found else { return }
        self.recallAll(of: found.group, on: found.process.id, at: now, orders: &orders)
    }

    private mutating func recall(_ id: Session.ID, of index: Int, at now: Instant, orders: inout Orders) {
        guard self.groups[index].leases.recall(id, at: now) else { return }
        self.sessions[id]?.lease = .recalled
        self.startClock(of: id, of: index, at: now)
        orders.requests.append(.recall(id))
        self.checkLeases(of: index, at: now.advanced(by: LeaseBook.returnTime))
    }

    /// Whatever was true at its grant: from now on the session has the limits of any other.
    private mutating func startClock(of id: Session.ID, of index: Int, at now: Instant) {
        guard let limit = self.groups[index].limits.maxRequestTime, self.sessions[id]?.clock == Session.Clock.none
        else {
            return
        }
        let deadline = now.advanced(by: limit)
        self.sessions[id]?.clock = .runningOut(at: deadline)
        self.wake(at: deadline)
    }

    mutating func makeOrdinary(_ id: Session.ID, at now: Instant, orders: inout Orders) {
        guard let session = self.sessions[id], session.lease != .none, let index = self.indices[session.group] else {
            return
        }
        self.groups[index].leases.becameOrdinary(id, session)
        self.sessions[id]?.lease = .none
        self.startClock(of: id, of: index, at: now)
        guard session.lease == .recalled, !self.groups[index].queue.isEmpty else { return }
        // Those for whom it was asked back want another one.
        self.recallForWaiters(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
    }

    // MARK: Time

    /// Asks to be told the time then for the sake of a group's leases.
    private mutating func checkLeases(of index: Int, at instant: Instant) {
        let id = self.groups[index].id
        if let known = self.leaseChecks[id], known <= instant { return }
        self.leaseChecks[id] = instant
        self.leaseDeadline = min(self.leaseDeadline ?? instant, instant)
    }

    /// Does what is due about leases; it happens often, and concerns few groups.
    mutating func checkLeases(at now: Instant, orders: inout Orders) {
        guard let leaseDeadline, leaseDeadline <= now else { return }
        for (id, due) in self.leaseChecks where due <= now {
            self.leaseChecks[id] = nil
            guard let index = self.indices[id] else { continue }
            for entry in self.groups[index].leases.overdue(at: now) {
                self.makeOrdinary(entry.session, at: now, orders: &orders)
                if self.withheld.insert(entry.holder).inserted {
                    orders.requests.append(.withhold(entry.session, from: entry.holder))
                }
            }
            self.recallForWaiters(of: index, at: now, orders: &orders)
            if !self.groups[index].queue.isEmpty { self.noteNeed(of: index) }
            if !self.hungry.isEmpty { self.fillCapacity(at: now, orders: &orders) }
            if let next = self.groups[index].leases.nextMark(after: now) { self.checkLeases(of: index, at: next) }
        }
        self.leaseDeadline = self.leaseChecks.values.min()
    }
}

extension Group {
    /// Whether new sessions may be kept by their fronts.
    ///
    /// A queue that is half full is to be known exactly.
    var mayLease: Bool {
        self.limits.allowsLeases && self.limits.maxRequestTime == nil && !self.areLeasesSuspended
            && (self.limits.maxQueueSize == 0 || 2 * self.queue.count < self.limits.maxQueueSize)
    }

    /// Leases that were asked back of processes that take further requests.
    var returning: Int {
        self.leases.recalled.count { entry in self.enabled.contains { $0.id == entry.process } }
    }

    /// Those of them that were asked back a moment ago and will be here soon.
    func returning(at now: Instant) -> Int {
        self.leases.recalled.count { entry in
            now.since(entry.since) < LeaseBook.returnTime && self.enabled.contains { $0.id == entry.process }
        }
    }

    /// Sessions that its processes may have at a time; those without a limit leave nobody waiting.
    var slots: Int {
        self.enabled.reduce(0) { $0 + ($1.concurrency > 0 ? min($1.concurrency, 1 << 20) : 1 << 20) }
    }

    fileprivate func isStarving(at now: Instant, in pool: Pool) -> Bool {
        self.need(at: now, maxInstances: pool.maxInstances(of: self)).isStarving
    }

    mutating func changeProcess(_ id: Process.ID, _ change: (inout Process) -> Void) {
        if let index = self.processes.firstIndex(where: { $0.id == id }) {
            change(&self.processes[index])
        } else if let index = self.detached.firstIndex(where: { $0.id == id }) {
            change(&self.detached[index])
        }
    }
}
