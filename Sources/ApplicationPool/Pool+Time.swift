// SPDX-License-Identifier: MIT

extension Pool {
    /// Time has passed: does what has become due, and finds out when the next thing will.
    ///
    /// Events only move the deadline forward when something is due earlier; what was due may be gone when the time
    /// comes. One look at everything then is cheaper than keeping count at each request.
    package mutating func timeReached(_ now: Instant) -> Orders {
        var orders = Orders()
        self.checkLeases(at: now, orders: &orders)
        guard let generalDeadline, generalDeadline <= now else { return orders }
        // What is done now may ask for a time of its own: when an idle process has rested long enough to be taken.
        self.generalDeadline = nil
        for index in self.groups.indices {
            self.refuseExpiredWaiters(of: index, at: now, orders: &orders)
            self.hastenDetached(of: index, at: now, orders: &orders)
            self.endOverdueOutOfBandWork(of: index, at: now, orders: &orders)
        }
        self.endOverdueSessions(at: now, orders: &orders)
        self.detachUnused(at: now, orders: &orders)
        // Backoffs may be over.
        for index in self.groups.indices { self.serveWaiters(of: index, at: now, orders: &orders) }
        self.noteNeedOfAll()
        self.fillCapacity(at: now, orders: &orders)
        if let deadline = self.earliestDeadline(after: now) { self.wake(at: deadline) }
        return orders
    }

    private mutating func refuseExpiredWaiters(of index: Int, at now: Instant, orders: inout Orders) {
        let group = self.groups[index].id
        for waiter in self.groups[index].queue.removeExpired(at: now) {
            orders.requests.append(.refuse(Ticket(group: group, number: waiter.number), .queueTimeout))
        }
    }

    private mutating func hastenDetached(of index: Int, at now: Instant, orders: inout Orders) {
        for position in self.groups[index].detached.indices {
            switch self.groups[index].detached[position].state {
            case .draining(let until, thenKill: true) where until <= now:
                self.kill(position, of: index, orders: &orders)
            case .draining(let until, thenKill: false) where until <= now:
                self.stop(position, of: index, at: now, orders: &orders)
            case .stopping(let killAt) where killAt <= now:
                self.kill(position, of: index, orders: &orders)
            case .enabled, .disabling, .disabled, .draining, .stopping, .killed:
                break
            }
        }
    }

    /// A request that lasts too long is given up, and its process with it: nobody else can end the request there.
    ///
    /// Other sessions of the process get a short grace.
    private mutating func endOverdueSessions(at now: Instant, orders: inout Orders) {
        let overdue = self.sessions.filter { $0.value.isOverdue(at: now) }
        for (id, session) in overdue {
            if case .abandoned = session.clock {
                self.giveUp(id, at: now, orders: &orders)
                continue
            }
            self.sessions[id]?.clock = .none
            orders.requests.append(.abort(id, .maxRequestTime))
            guard let index = self.indices[session.group] else { continue }
            self.giveUp(session.process, in: index, at: now, orders: &orders)
        }
    }

    /// An answer that nobody waits for has taken too long.
    ///
    /// A process that takes one request at a time is of no use until it is done: it goes as one that was detached, and
    /// its session with it. Elsewhere the slot is all that it costs.
    private mutating func giveUp(_ id: Session.ID, at now: Instant, orders: inout Orders) {
        guard let session = self.sessions[id], let index = self.indices[session.group] else { return }
        orders.requests.append(.gaveUp(id, on: session.process))
        let group = self.groups[index]
        guard let process = (group.processes + group.detached).first(where: { $0.id == session.process }),
            process.concurrency == 1
        else {
            _ = self.removeSession(id)
            self.end(session, of: index, SessionReport(uses: 1), at: now, orders: &orders)
            return
        }
        self.sessions[id]?.clock = .none
        guard let position = group.processes.firstIndex(where: { $0.id == process.id }) else { return }
        self.detach(position, of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
    }

    private mutating func giveUp(_ id: Process.ID, in index: Int, at now: Instant, orders: inout Orders) {
        if let position = self.groups[index].processes.firstIndex(where: { $0.id == id }) {
            self.detach(position, of: index, limit: Self.hurry, thenKill: true, at: now, orders: &orders)
        }
        guard let position = self.groups[index].detached.firstIndex(where: { $0.id == id }) else { return }
        let process = self.groups[index].detached[position]
        switch process.state {
        case .draining where process.sessions == 1:
            self.kill(position, of: index, orders: &orders)
        case .draining(let until, _):
            let soon = min(until, now.advanced(by: Self.hurry))
            self.groups[index].detached[position].state = .draining(until: soon, thenKill: true)
        case .enabled, .disabling, .disabled, .stopping, .killed:
            break
        }
    }

    /// The longest idle first, down to the group's minimum; none while it may be the only one that serves.
    private mutating func detachUnused(at now: Instant, orders: inout Orders) {
        guard let idleTime = self.limits.poolIdleTime, self.phase == .running else { return }
        for index in self.groups.indices where !self.groups[index].hasOutOfBandWork {
            while self.groups[index].processes.count > self.groups[index].minimum,
                let idle = self.groups[index].longestIdle,
                self.groups[index].processes[idle].lastUsed.advanced(by: idleTime) <= now
            {
                self.detach(idle, of: index, at: now, orders: &orders)
            }
        }
    }

    private func earliestDeadline(after now: Instant) -> Instant? {
        var earliest: Instant?
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            earliest = min(earliest ?? instant, instant)
        }
        for group in self.groups {
            consider(group.queue.nextDeadline)
            group.detached.forEach { consider($0.deadline) }
            group.processes.forEach { consider($0.outOfBandDeadline) }
            consider(group.backoff.nextEnd(after: now))
            consider(group.restartPace.end(after: now))
            guard let idleTime = self.limits.poolIdleTime, self.phase == .running else { continue }
            guard !group.hasOutOfBandWork else { continue }
            guard group.processes.count > group.minimum, let idle = group.longestIdle else { continue }
            consider(group.processes[idle].lastUsed.advanced(by: idleTime))
        }
        self.sessions.values.forEach { consider($0.deadline) }
        self.spawns.values.forEach { consider($0.nextMark(after: now)) }
        return earliest
    }
}

extension Session {
    var deadline: Instant? {
        switch self.clock {
        case .runningOut(let deadline), .abandoned(let deadline): deadline
        case .none, .upgraded: nil
        }
    }

    func isOverdue(at now: Instant) -> Bool {
        guard let deadline else { return false }
        return deadline <= now
    }
}

extension Process {
    fileprivate var deadline: Instant? {
        switch self.state {
        case .draining(let until, _): until
        case .stopping(let killAt): killAt
        case .enabled, .disabling, .disabled, .killed: nil
        }
    }
}
