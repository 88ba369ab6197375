// SPDX-License-Identifier: MIT

@testable import ApplicationPool

/// What the pool orders is done, and noted where it cannot be right.
extension PoolModel {
    mutating func opened(_ grant: Grant, by holder: LeaseHolder?) {
        if grant.uses > 1 {
            if let holder, let group = self.processes[grant.process]?.group {
                self.leases[grant.session] = FakeLease(holder: holder, group: group, bound: grant.uses)
            } else {
                self.problems.append("a lease for nobody")
            }
        }
        guard let process = self.processes[grant.process] else {
            self.problems.append("grant of an unknown process")
            return
        }
        if self.isAtWork(grant.process) {
            self.problems.append("grant of a process that works out of band")
        }
        if process.isDraining || process.isStopped || process.isKilled {
            self.problems.append("grant of a process that is on its way out")
        }
        if process.concurrency > 0, process.sessions.count >= process.concurrency {
            self.problems.append("grant of a busy process")
        }
        if self.sessions.updateValue(grant.process, forKey: grant.session) != nil {
            self.problems.append("session number used twice")
        }
        self.processes[grant.process]?.sessions.insert(grant.session)
    }

    mutating func carryOut(_ orders: Orders) {
        for order in orders.requests { self.carryOut(order) }
        for order in orders.processes { self.carryOut(order) }
        for order in orders.spawns { self.carryOut(order) }
        for notice in orders.notices {
            switch notice {
            case .groupGone(let id):
                if self.processes.values.contains(where: { $0.group == id }) {
                    self.problems.append("a group is gone before its processes")
                }
                self.goneGroups.insert(id)
            case .drained:
                if !self.processes.isEmpty || !self.spawns.isEmpty { self.problems.append("drained too early") }
                self.isDrained = true
            }
        }
    }

    private mutating func carryOut(_ order: RequestOrder) {
        switch order {
        case .grant(let ticket, let grant):
            if self.waiting.remove(ticket) == nil { self.problems.append("grant for nobody who waits") }
            self.grants[ticket] = grant
            self.grantOrder.append(ticket)
            self.opened(grant, by: self.holders[ticket])
        case .refuse(let ticket, let refusal):
            if self.waiting.remove(ticket) == nil { self.problems.append("refusal for nobody who waits") }
            self.refusals[ticket] = refusal
        case .abort(let session, let reason):
            if self.sessions[session] == nil { self.problems.append("abort of an unknown session") }
            self.aborted[session] = reason
            // Cut upgraded sessions are over for the pool at once; others end like all sessions do.
            guard reason == .processDetached, let process = self.sessions.removeValue(forKey: session) else { return }
            self.processes[process]?.sessions.remove(session)
        case .recall(let session):
            if self.sessions[session] == nil { self.problems.append("recall of an unknown session") }
            if self.leases[session]?.isRecalled != false { self.problems.append("recall twice, or of no lease") }
            self.leases[session]?.isRecalled = true
        case .withhold(let session, let holder):
            if self.leases.removeValue(forKey: session)?.isRecalled != true {
                self.problems.append("a lease counts as not returned that was not asked back")
            }
            self.withheld.append(holder)
        case .gaveUp(let session, let process):
            if self.sessions[session] != process { self.problems.append("an unknown session was given up") }
            self.gaveUp.append(session)
            // Where it was not the only one that the process may have, its slot is free at once.
            guard self.processes[process]?.concurrency != 1 else { return }
            self.sessions[session] = nil
            self.processes[process]?.sessions.remove(session)
        }
    }

    private mutating func carryOut(_ order: ProcessOrder) {
        switch order {
        case .announceDraining(let id, _):
            if self.processes[id]?.isDraining != false { self.problems.append("draining announced twice or of nobody") }
            self.processes[id]?.isDraining = true
        case .stop(let id):
            if self.processes[id]?.isStopped != false { self.problems.append("stop twice or of nobody") }
            self.processes[id]?.isStopped = true
        case .kill(let id):
            if self.processes[id]?.isKilled != false { self.problems.append("kill twice or of nobody") }
            self.processes[id]?.isKilled = true
        case .beginOutOfBandWork(let id):
            self.begins(id)
        case .beginRefork(let id):
            self.begins(id)
            if self.reforks.contains(id) { self.problems.append("refork of a process twice") }
            self.reforks.append(id)
            self.processes[id]?.isReforking = true
        case .outOfBandWorkOverdue(let id, let isReplaced):
            if self.processes[id]?.isWorking != true { self.problems.append("overdue work of nobody") }
            self.overdue[id] = isReplaced
        }
    }

    /// One that did not answer in time serves again.
    private func isAtWork(_ id: Process.ID) -> Bool {
        self.processes[id]?.isWorking == true && self.overdue[id] == nil
    }

    private mutating func begins(_ id: Process.ID) {
        guard let process = self.processes[id] else { return self.problems.append("work for an unknown process") }
        if !process.sessions.isEmpty { self.problems.append("work for a process that has sessions") }
        if process.isWorking { self.problems.append("work for a process that works") }
        if process.isDraining || process.isStopped { self.problems.append("work for a process on its way out") }
        let others = self.processes.filter { $0.key != id && $0.value.group == process.group && !$0.value.isDraining }
        if others.isEmpty { self.problems.append("work for the last process that serves") }
        if others.keys.contains(where: self.isAtWork) { self.problems.append("work for two of a group at once") }
        let working = self.processes.count { self.isAtWork($0.key) && !$0.value.isDraining }
        let limit = self.pool.limits.outOfBandLimit
        if limit > 0, working >= limit { self.problems.append("work for more than the limit at once") }
        self.processes[id]?.isWorking = true
        self.overdue[id] = nil
    }

    private mutating func carryOut(_ order: SpawnOrder) {
        switch order {
        case .start(let id, let group):
            if self.spawns.contains(where: { $0.group == group && !$0.isCancelled }) {
                self.problems.append("two spawns at a time for one group")
            }
            let young = self.spawns.count { self.now.since($0.began) < .seconds(5) }
            if young >= self.pool.limits.simultaneousSpawns { self.problems.append("too many spawns") }
            if self.pool.usage > self.pool.limits.maxPoolSize { self.problems.append("spawn beyond max_pool_size") }
            self.spawns.append(FakeSpawn(id: id, group: group, began: self.now))
        case .cancel(let id):
            _ = self.cancelled(id)
        case .giveUp(let id):
            guard let spawn = self.cancelled(id) else { return }
            if self.now.since(spawn.began) < .seconds(5) { self.problems.append("a young start was given up") }
            self.gaveWay.append(spawn.group)
        }
    }

    private mutating func cancelled(_ id: Spawn.ID) -> FakeSpawn? {
        guard let index = self.spawns.firstIndex(where: { $0.id == id }) else {
            self.problems.append("cancel of an unknown spawn")
            return nil
        }
        if self.spawns[index].isCancelled { self.problems.append("cancel twice") }
        self.spawns[index].isCancelled = true
        return self.spawns[index]
    }
}
