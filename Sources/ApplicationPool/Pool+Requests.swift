// SPDX-License-Identifier: MIT

/// What becomes of a request at once.
package enum CheckoutAction: Equatable, Sendable {
    /// The orders are for others: a process that takes its last request wants a successor.
    case grant(Grant, Orders)
    /// It is answered by a later order that names the ticket.
    case wait(Ticket, Orders)
    case refuse(Refusal)
    case ignored(reason: String)
}

package enum ReleaseAction: Equatable, Sendable {
    case released(Orders)
    /// The session had ended before: its process died, or the pool aborted it.
    case ignored(reason: String)
}

extension Pool {
    /// A request wants a process of `group`.
    ///
    /// `stickyID` names the process that served the visitor before, 0 = none; it is waited for if it is busy. `deadline`
    /// is how long the request may wait; the group's limit holds as well. `holder` is who may keep the session.
    package mutating func requestArrived(
        for group: Group.ID,
        stickyID: UInt32 = 0,
        deadline: Duration? = nil,
        from holder: LeaseHolder? = nil,
        at now: Instant
    ) -> CheckoutAction {
        guard let index = self.indices[group] else { return .ignored(reason: "unknown group") }
        guard self.phase == .running else { return .refuse(.shuttingDown) }
        guard self.groups[index].standing != .retired else { return .refuse(.retired) }
        // Those who wait already cannot use any process that is free now, so nobody is overtaken.
        if let process = self.groups[index].route(stickyID: stickyID) {
            let keeper = stickyID == 0 ? holder : nil
            let grant = self.openSession(on: process, of: index, for: keeper, queueTime: .zero, at: now)
            var orders = Orders()
            if self.groups[index].isAtItsLast(self.groups[index].processes[process]) {
                self.fillCapacity(at: now, orders: &orders)
            }
            return .grant(grant, orders)
        }
        return self.enqueue(in: index, stickyID: stickyID, deadline: deadline, from: holder, at: now)
    }

    /// The request behind a ticket is not wanted any more; nil when it had been answered already.
    package mutating func requestCancelled(_ ticket: Ticket, at now: Instant) -> Orders? {
        guard let index = self.indices[ticket.group], self.groups[index].queue.remove(number: ticket.number) else {
            return nil
        }
        var orders = Orders()
        self.queueShrank(of: index, at: now, orders: &orders)
        self.recallForWaiters(of: index, at: now, orders: &orders)
        return orders
    }

    mutating func queueShrank(of index: Int, at now: Instant, orders: inout Orders) {
        // A start that hangs, and that nobody waits for any more, gives way at once.
        if self.groups[index].queue.isEmpty, self.groups[index].spawn != nil, self.isFull {
            self.fillCapacity(at: now, orders: &orders)
        }
    }

    /// A session has ended: the app answered, or it will not; `wasUsed` is false when no byte was sent to it.
    package mutating func sessionClosed(_ id: Session.ID, wasUsed: Bool = true, at now: Instant) -> ReleaseAction {
        self.sessionClosed(id, SessionReport(uses: wasUsed ? 1 : 0), at: now)
    }

    /// The same for one that may have carried several requests.
    package mutating func sessionClosed(_ id: Session.ID, _ report: SessionReport, at now: Instant) -> ReleaseAction {
        guard let session = self.removeSession(id) else { return .ignored(reason: "unknown session") }
        guard let index = self.indices[session.group] else { return .ignored(reason: "session of an unknown group") }
        var orders = Orders()
        if report.uses > 1 { self.groups[index].leases.used(report.uses - 1) }
        self.end(session, of: index, report, at: now, orders: &orders)
        return .released(orders)
    }

    /// What follows from the end of a session that is not in the table any more.
    mutating func end(
        _ session: Session,
        of index: Int,
        _ report: SessionReport,
        at now: Instant,
        orders: inout Orders
    ) {
        if let process = self.groups[index].processes.firstIndex(where: { $0.id == session.process }) {
            self.groups[index].processes[process].close(report, at: now)
            if report.requestsOutOfBandWork { self.noteOutOfBandWork(of: process, in: index, at: now) }
            self.noteRefork(of: process, in: index, at: now)
            self.becameFree(process, of: index, at: now, orders: &orders)
        } else if let process = self.groups[index].detached.firstIndex(where: { $0.id == session.process }) {
            self.groups[index].detached[process].close(report, at: now)
            self.stopIfDrained(process, of: index, at: now, orders: &orders)
        }
    }

    /// The front has given up on the answer, or is gone: nobody waits for it any more.
    ///
    /// The session goes on until the app is done with it, because its slot is taken until then. A limit that strikes
    /// earlier stays in force. nil: the session had ended before.
    package mutating func sessionAbandoned(_ id: Session.ID, at now: Instant) -> Orders? {
        guard let session = self.sessions[id], let index = self.indices[session.group] else { return nil }
        var orders = Orders()
        self.makeOrdinary(id, at: now, orders: &orders)
        self.groups[index].leases.abandoned()
        let until = now.advanced(by: self.groups[index].limits.abandonedTimeout)
        if case .runningOut(let deadline) = self.sessions[id]?.clock, deadline <= until { return orders }
        self.sessions[id]?.clock = .abandoned(until: until)
        self.wake(at: until)
        return orders
    }

    /// The session's connection speaks another protocol from now on: no limit of time holds for it.
    package mutating func sessionUpgraded(_ id: Session.ID, at now: Instant) -> ReleaseAction {
        guard let session = self.sessions[id] else { return .ignored(reason: "unknown session") }
        var orders = Orders()
        self.makeOrdinary(id, at: now, orders: &orders)
        self.sessions[id]?.clock = .upgraded
        self.forgetOutOfBandWork(ofUpgraded: session, at: now, orders: &orders)
        if let index = self.indices[session.group],
            let process = self.groups[index].detached.firstIndex(where: { $0.id == session.process })
        {
            self.abortUpgradedSessions(of: process, in: index, orders: &orders)
            self.stopIfDrained(process, of: index, at: now, orders: &orders)
        }
        return .released(orders)
    }

    /// Gives waiters of a group the processes that can take them.
    mutating func serveWaiters(of index: Int, at now: Instant, orders: inout Orders) {
        while let (waiter, process) = self.groups[index].nextServable() {
            let time = now.since(waiter.since)
            let keeper = waiter.stickyID == 0 ? waiter.holder : nil
            let grant = self.openSession(on: process, of: index, for: keeper, queueTime: time, at: now)
            orders.requests.append(.grant(Ticket(group: self.groups[index].id, number: waiter.number), grant))
        }
    }

    mutating func refuseAllWaiters(of index: Int, _ refusal: Refusal, orders: inout Orders) {
        let group = self.groups[index].id
        for waiter in self.groups[index].queue.removeAll() {
            orders.requests.append(.refuse(Ticket(group: group, number: waiter.number), refusal))
        }
    }

    private mutating func openSession(
        on process: Int,
        of index: Int,
        for holder: LeaseHolder?,
        queueTime: Duration,
        at now: Instant
    ) -> Grant {
        let session = Session.ID(rawValue: self.sessionNumbers.next())
        let processID = self.groups[index].processes[process].id
        self.groups[index].processes[process].sessions += 1
        let uses = self.uses(for: holder, on: process, of: index)
        let promised = uses == .max ? 0 : Int(uses) - 1
        self.groups[index].processes[process].promised += promised
        if let holder {
            self.groups[index].leases.opened(session, on: processID, by: holder, isLease: uses > 1, at: now)
        }
        if self.groups[index].isAtItsLast(self.groups[index].processes[process]) { self.noteNeed(of: index) }
        self.groups[index].processes[process].lastUsed = now
        var clock = Session.Clock.none
        if let limit = self.groups[index].limits.maxRequestTime {
            let deadline = now.advanced(by: limit)
            clock = .runningOut(at: deadline)
            self.wake(at: deadline)
        }
        self.sessions[session] = Session(
            group: self.groups[index].id,
            process: processID,
            clock: clock,
            holder: holder,
            lease: uses > 1 ? .held : .none,
            promised: promised
        )
        return Grant(session: session, process: processID, queueTime: queueTime, uses: uses)
    }

    private mutating func enqueue(
        in index: Int,
        stickyID: UInt32,
        deadline: Duration?,
        from holder: LeaseHolder?,
        at now: Instant
    ) -> CheckoutAction {
        if let until = self.groups[index].refusing(at: now) { return .refuse(.backingOff(until: until)) }
        let limits = self.groups[index].limits
        if limits.maxQueueSize > 0, self.groups[index].queue.count >= limits.maxQueueSize { return .refuse(.queueFull) }
        let patience = [deadline, limits.maxQueueTime].compactMap { $0 }.min().map { now.advanced(by: $0) }
        let ticket = Ticket(group: self.groups[index].id, number: self.nextTicket)
        self.nextTicket += 1
        self.groups[index].queue.append(
            Waiter(number: ticket.number, stickyID: stickyID, holder: holder, since: now, deadline: patience)
        )
        if let patience { self.wake(at: patience) }
        var orders = Orders()
        self.recall(for: stickyID, of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        return .wait(ticket, orders)
    }

    /// A request has begun to wait: what is leased may be for it.
    private mutating func recall(for stickyID: UInt32, of index: Int, at now: Instant, orders: inout Orders) {
        guard !self.groups[index].leases.held.isEmpty else { return }
        if !self.groups[index].mayLease { return self.recallAll(of: index, at: now, orders: &orders) }
        let known = stickyID == 0 ? nil : self.groups[index].processes.first { $0.id.stickyID == stickyID }
        if let known { self.recallAll(of: index, on: known.id, at: now, orders: &orders) }
        self.recallForWaiters(of: index, at: now, orders: &orders)
    }

    /// What follows from the end of a session, or of other work, on a process in service: it may be worn out or one too
    /// many, or have out-of-band work to do, else it takes the next waiter, else it may be needed for another group.
    mutating func becameFree(_ process: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let isOneTooMany =
            self.usage > self.limits.maxPoolSize
            || self.groups[index].processes.count > self.maxInstances(of: self.groups[index])
        if isOneTooMany {
            self.detach(process, of: index, at: now, orders: &orders)
        } else if self.groups[index].isWorn(self.groups[index].processes[process]) {
            self.cancelDisabling(process, of: index)
            self.replace(process, of: index, at: now, orders: &orders)
        } else {
            self.endDisabling(process, of: index, at: now, orders: &orders)
        }
        // Before those who wait get the process that asked for it.
        self.beginOutOfBandWork(at: now, orders: &orders)
        if !self.groups[index].queue.isEmpty {
            self.serveWaiters(of: index, at: now, orders: &orders)
            self.recallForWaiters(of: index, at: now, orders: &orders)
        }
        if !self.hungry.isEmpty { self.fillCapacity(at: now, orders: &orders) }
        if let idleTime = self.limits.poolIdleTime, self.groups[index].processes.count > self.groups[index].minimum {
            self.wake(at: now.advanced(by: idleTime))
        }
    }
}

extension Process {
    fileprivate mutating func close(_ report: SessionReport, at now: Instant) {
        self.sessions -= 1
        self.processed += report.uses
        let used = report.idle < .seconds(1) ? now.before(report.idle) : now
        self.lastUsed = max(self.lastUsed, used)
    }
}
