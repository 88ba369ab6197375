// SPDX-License-Identifier: MIT

extension Pool {
    /// What is wrong with the pool, one sentence each; empty as long as the code is right.
    ///
    /// For tests and for diagnosis at run time; it looks at everything.
    package func violations(at now: Instant) -> [String] {
        self.countViolations(at: now) + self.groups.flatMap { self.violations(of: $0, at: now) }
            + self.idleRoomViolations(at: now)
    }

    private func countViolations(at now: Instant) -> [String] {
        var found: [String] = []
        let counted = self.groups.map(\.usage).reduce(0, +)
        if counted != self.usage { found.append("usage is \(self.usage), counted \(counted)") }
        let inProcesses = self.allProcesses.map(\.sessions).reduce(0, +)
        if inProcesses != self.sessions.count {
            found.append("\(self.sessions.count) sessions, processes count \(inProcesses)")
        }
        if self.groupOfProcess.count != self.allProcesses.count { found.append("process table out of step") }
        let spawns = self.groups.map { $0.discardedSpawns.count + ($0.spawn == nil ? 0 : 1) }.reduce(0, +)
        if spawns != self.spawns.count { found.append("spawn table out of step") }
        let young = self.spawns.values.count(where: { $0.holdsSlot(at: now) })
        if young > self.limits.simultaneousSpawns { found.append("\(young) young spawns") }
        if self.indices.count != self.groups.count { found.append("group table out of step") }
        for (index, group) in self.groups.enumerated() where self.indices[group.id] != index {
            found.append("group \(group.id.rawValue) is not where it is looked for")
        }
        return found
    }

    private func violations(of group: Group, at now: Instant) -> [String] {
        var found: [String] = []
        func check(_ holds: Bool, _ sentence: String) {
            if !holds { found.append("group \(group.id.rawValue): \(sentence)") }
        }
        for waiter in group.queue.waiters {
            let route = group.route(stickyID: waiter.stickyID)
            check(route == nil, "request \(waiter.number) waits while a process could take it")
        }
        for process in group.processes {
            check(process.sessions >= 0, "a process has \(process.sessions) sessions")
            check(process.concurrency == 0 || process.sessions <= process.concurrency, "a process is overloaded")
        }
        found += self.outOfBandViolations(of: group)
        for process in group.detached {
            check(process.state != .enabled, "a detached process is enabled")
            if case .draining = process.state { check(!process.isIdle, "a process waits for sessions that it has not") }
        }
        if let replaced = group.replaced {
            check(group.spawn != nil, "a process is to be replaced by nothing")
            check(group.processes.contains { $0.id == replaced }, "a process is replaced that is not in service")
        }
        check(
            group.older == nil || self.groupsWithOlder.contains(group.id),
            "processes of an old generation are forgotten"
        )
        check(group.queue.waiters.count == group.queue.count, "queue count is wrong")
        found += self.leaseViolations(of: group)
        if group.standing == .retired || self.phase != .running {
            check(group.usage == 0, "it has processes in service at its end")
            check(group.queue.isEmpty, "requests wait at its end")
        }
        return found
    }

    private func outOfBandViolations(of group: Group) -> [String] {
        var found: [String] = []
        for process in group.processes {
            switch (process.state, process.outOfBandWork) {
            case (.enabled, .none), (.enabled, .requested), (.enabled, .overdue): break
            case (.disabling, .requested) where process.sessions > 0: break
            case (.disabled, .underWay) where process.sessions == 0: break
            default: found.append("a process is \(process.state) with \(process.outOfBandWork)")
            }
            if process.hasRequestedWork, !self.groupsWithWork.contains(group.id) {
                found.append("group \(group.id.rawValue): out-of-band work is forgotten")
            }
        }
        let unavailable = group.processes.count { $0.state != .enabled }
        if unavailable > 1 { found.append("group \(group.id.rawValue): \(unavailable) processes work out of band") }
        if group.processes.contains(where: \.isDisabling), group.enabled.isEmpty {
            found.append("group \(group.id.rawValue): its last process is being disabled")
        }
        if self.mayWork(group) { found.append("group \(group.id.rawValue): nobody lets a process work that could") }
        return found
    }

    private func leaseViolations(of group: Group) -> [String] {
        var found: [String] = []
        let sessions = self.sessions.filter { $0.value.group == group.id && $0.value.holder != nil }
        for (lease, entries) in [(Session.Lease.held, group.leases.held), (.recalled, group.leases.recalled)] {
            let marked = sessions.filter { $0.value.lease == lease }.map(\.key)
            if Set(marked) != Set(entries.map(\.session)) || marked.count != entries.count {
                found.append("group \(group.id.rawValue): \(marked.count) sessions are \(lease), its book has others")
            }
        }
        var held: [LeaseHolder: Int] = [:]
        for session in sessions.values where session.lease != .recalled {
            if let holder = session.holder { held[holder, default: 0] += 1 }
        }
        if held != group.leases.sessions {
            found.append("group \(group.id.rawValue): sessions of connections are counted \(group.leases.sessions)")
        }
        for process in group.processes + group.detached {
            let promised = sessions.values.lazy.filter { $0.process == process.id }.map(\.promised).reduce(0, +)
            if promised != process.promised { found.append("a process has promised \(process.promised) requests") }
            if group.limits.maxRequests > 0, process.state == .enabled, promised > group.limits.maxRequests {
                found.append("a process has promised more requests than it may serve")
            }
        }
        return found
    }

    /// Nobody may starve while there is room, or an idle process that could give way.
    private func idleRoomViolations(at now: Instant) -> [String] {
        guard self.phase == .running, self.hasSlot(at: now) else { return [] }
        return self.groups.compactMap { group in
            let need = group.need(at: now, maxInstances: self.maxInstances(of: group))
            guard self.shareAllows(group, need) else { return nil }
            return switch need {
            case .starving where !self.isFull || self.groups.contains { $0.longestIdle != nil }:
                "group \(group.id.rawValue) starves while there is room or an idle process"
            case .starving where self.dispensableSpawn(for: group, at: now) != nil:
                "group \(group.id.rawValue) starves while a start that hangs keeps the room"
            case .busy where !self.isFull, .minimum where !self.isFull, .replacement where !self.isFull:
                "group \(group.id.rawValue) gets no process while there is room"
            case .none, .replacement, .minimum, .busy, .starving:
                nil
            }
        }
    }

    private var allProcesses: [Process] { self.groups.flatMap { $0.processes + $0.detached } }
}
