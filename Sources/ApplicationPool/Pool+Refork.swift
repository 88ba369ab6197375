// SPDX-License-Identifier: MIT

// Refork: a process that has served for a while becomes what the group's next ones are forked from (`Refork`). It is out of
// service, as for out-of-band work, until it has forked; then those of the older generation are replaced one by one. A
// replacement has the room of the process that goes, which serves until the other one is there: so there is one more of
// them for the time of a fork, and never one less.
extension Pool {
    /// A process was told to, and has forked what is to become the next preloader: it serves again.
    package mutating func reforkForked(from id: Process.ID, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.groupOfProcess[id].flatMap({ self.indices[$0] }),
            self.groups[index].refork.state == .underWay(from: id)
        else { return orders }
        self.endRefork(of: id, in: index, at: now, orders: &orders)
        return orders
    }

    /// What came of a refork, once for each that was ordered.
    package mutating func reforkEnded(from id: Process.ID, _ outcome: Refork.Outcome, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.groups.firstIndex(where: { $0.refork.state == .underWay(from: id) }) else {
            return orders
        }
        let spawn = self.groups[index].spawn
        guard self.groups[index].refork.ended(from: id, outcome, beside: spawn) else { return orders }
        if outcome == .failed(isWorkerLost: true),
            let position = self.groups[index].processes.firstIndex(where: { $0.id == id && $0.isReforking })
        {
            self.detach(position, of: index, at: now, orders: &orders)
            self.serveWaiters(of: index, at: now, orders: &orders)
        } else {
            self.endRefork(of: id, in: index, at: now, orders: &orders)
        }
        self.noteOlder(of: index)
        self.fillCapacity(at: now, orders: &orders)
        return orders
    }

    /// A request has ended on a process in service, which may have served enough by now.
    mutating func noteRefork(of position: Int, in index: Int, at now: Instant) {
        let count = self.groups[index].limits.reforkAfter
        guard count > 0, let generation = self.groups[index].processes[position].forkGeneration,
            self.groups[index].refork.isDue(
                after: self.groups[index].processes[position].processed,
                of: generation,
                count: count
            )
        else { return }
        let group = self.groups[index]
        let process = group.processes[position]
        // Alone it has nobody to share with, and nobody to serve for it.
        guard group.processes.count > 1, process.state == .enabled, process.outOfBandWork == .none,
            !group.isWorn(process), !group.processes.contains(where: \.isReforking), group.older == nil
        else { return }
        self.groups[index].processes[position].task = .refork
        self.groups[index].processes[position].outOfBandWork = .requested(since: now)
        if !self.groupsWithWork.contains(group.id) { self.groupsWithWork.append(group.id) }
    }

    /// Starts what is to take the place of processes of an older generation, one of each group at a time.
    mutating func startReplacements(at now: Instant, orders: inout Orders) {
        guard !self.groupsWithOlder.isEmpty else { return }
        self.groupsWithOlder.removeAll { id in
            self.indices[id].map { self.groups[$0].older == nil } ?? true
        }
        for id in self.groupsWithOlder {
            guard self.hasSlot(at: now), let index = self.indices[id], let older = self.groups[index].older,
                self.groups[index].mayReplace(at: now)
            else { continue }
            self.startSpawn(for: index, replacing: older.id, at: now, orders: &orders)
        }
    }

    mutating func noteOlder(of index: Int) {
        let id = self.groups[index].id
        guard self.groups[index].older != nil, !self.groupsWithOlder.contains(id) else { return }
        self.groupsWithOlder.append(id)
    }

    /// A spawn that was to replace a process brought nothing: that one and its like stay.
    mutating func replacementFailed(of index: Int) {
        guard let oldest = self.groups[index].processes.compactMap(\.forkGeneration).min() else { return }
        self.groups[index].refork.replacementFailed(oldest: oldest)
    }

    /// A process leaves service: its room is free, or that of the spawn that was to replace it.
    mutating func freeRoom(of id: Process.ID, in index: Int) {
        if self.groups[index].replaced == id {
            self.groups[index].replaced = nil
        } else {
            self.usage -= 1
        }
    }

    /// The spawn under way of a group is over for it: so is its room, if it had some.
    mutating func freeRoomOfSpawn(in index: Int) {
        self.groups[index].spawn = nil
        if self.groups[index].replaced == nil { self.usage -= 1 }
        self.groups[index].replaced = nil
    }

    private mutating func endRefork(of id: Process.ID, in index: Int, at now: Instant, orders: inout Orders) {
        guard let position = self.groups[index].processes.firstIndex(where: { $0.id == id && $0.isReforking }) else {
            return
        }
        if self.groups[index].processes[position].outOfBandWork == .overdue {
            self.groups[index].processes[position].outOfBandWork = .none
            self.groups[index].processes[position].task = .ofApp
        } else {
            self.returnToService(position, of: index, at: now, orders: &orders)
        }
    }
}

extension Group {
    /// The process to be replaced next: of those that an older preloader has forked the one that came first.
    var older: Process? { self.processes.first { self.refork.isOlder($0.forkGeneration) } }

    fileprivate func mayReplace(at now: Instant) -> Bool {
        self.spawn == nil && self.standing != .retired && !self.backoff.isBlocking(at: now)
            && self.restartPace.end(after: now) == nil
    }
}

extension Process {
    var isReforking: Bool { self.task == .refork && self.outOfBandWork != .none }
}
