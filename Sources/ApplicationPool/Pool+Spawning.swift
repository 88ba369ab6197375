// SPDX-License-Identifier: MIT

package enum SpawnedAction: Equatable, Sendable {
    /// The process is in service.
    case added(Orders)
    /// Nobody wants it any more; the orders stop it.
    case discarded(Orders)
    /// The pool did not ask for it: it must be ended.
    case ignored(reason: String)
}

extension Pool {
    /// A spawn brought a process.
    package mutating func spawnSucceeded(
        _ id: Spawn.ID,
        _ description: Process.Description,
        at now: Instant
    ) -> SpawnedAction {
        guard let index = self.spawnEnded(id) else { return .ignored(reason: "unknown spawn") }
        let group = self.groups[index]
        let process = Process(
            description,
            concurrencyOverride: group.limits.concurrencyOverride,
            generation: group.generation,
            at: now
        )
        self.groupOfProcess[process.id] = group.id
        var orders = Orders()
        if self.groups[index].discardedSpawns.remove(id) != nil {
            self.groups[index].detached.append(process)
            self.stop(self.groups[index].detached.count - 1, of: index, at: now, orders: &orders)
            self.fillCapacity(at: now, orders: &orders)
            return .discarded(orders)
        }
        let replaced = self.groups[index].replaced
        // For the moment there is one more.
        if replaced != nil { self.usage += 1 }
        self.groups[index].replaced = nil
        self.groups[index].spawn = nil
        self.groups[index].standing = .started
        self.groups[index].backoff.spawnSucceeded(at: now)
        self.groups[index].refork.processCame(of: process.forkGeneration, by: id)
        self.groups[index].processes.append(process)
        if let position = self.groups[index].processes.firstIndex(where: { $0.id == replaced }) {
            self.detach(position, of: index, at: now, orders: &orders)
        }
        self.noteOlder(of: index)
        // Whoever has a lease of another process would not come to this one.
        self.recallAll(of: index, at: now, orders: &orders)
        self.detachReplaced(in: index, at: now, orders: &orders)
        self.serveWaiters(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        if let idleTime = self.limits.poolIdleTime { self.wake(at: now.advanced(by: idleTime)) }
        return .added(orders)
    }

    /// A spawn brought nothing.
    ///
    /// All who wait for the group learn it; its processes stay in service. A failure is cheap when it came before
    /// anything was started: then requests may cause another try every second.
    package mutating func spawnFailed(_ id: Spawn.ID, isCheap: Bool = false, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.spawnEnded(id) else { return orders }
        if self.groups[index].discardedSpawns.remove(id) == nil {
            let wasReplacement = self.groups[index].replaced != nil
            self.freeRoomOfSpawn(in: index)
            if wasReplacement {
                // Nobody has waited for it.
                self.replacementFailed(of: index)
            } else {
                self.refuseAllWaiters(of: index, .spawnFailed, orders: &orders)
            }
            self.groups[index].backoff.spawnFailed(isCheap: isCheap, at: now)
            self.wakeAfterBackoff(of: index, at: now)
            self.standInFailed(of: index)
            self.noteNeed(of: index)
        }
        self.fillCapacity(at: now, orders: &orders)
        self.tidyUp(index, orders: &orders)
        return orders
    }

    /// The spawn under way of a group is not wanted any more; it counts as no process from now on.
    mutating func discardSpawn(of index: Int, orders: inout Orders) {
        if let spawn = self.takeSpawn(of: index) { orders.spawns.append(.cancel(spawn)) }
    }

    /// The same for a start that hangs, for the sake of another group.
    mutating func giveUpSpawn(of index: Int, orders: inout Orders) {
        guard let spawn = self.takeSpawn(of: index) else { return }
        self.groups[index].backoff.startGaveWay()
        orders.spawns.append(.giveUp(spawn))
        // Those who wait for it go on waiting, for another start behind the other groups.
        self.noteNeed(of: index)
    }

    private mutating func takeSpawn(of index: Int) -> Spawn.ID? {
        guard let spawn = self.groups[index].spawn else { return nil }
        self.freeRoomOfSpawn(in: index)
        self.groups[index].discardedSpawns.insert(spawn)
        return spawn
    }

    mutating func wakeAfterBackoff(of index: Int, at now: Instant) {
        if let until = self.groups[index].backoff.nextEnd(after: now) { self.wake(at: until) }
        if let until = self.groups[index].restartPace.end(after: now) { self.wake(at: until) }
    }

    private mutating func spawnEnded(_ id: Spawn.ID) -> Int? {
        guard let spawn = self.spawns.removeValue(forKey: id) else { return nil }
        return self.indices[spawn.group]
    }

    /// With a new process there, those that have served their `max_requests` can go.
    private mutating func detachReplaced(in index: Int, at now: Instant, orders: inout Orders) {
        let group = self.groups[index]
        for process in group.processes where group.isWorn(process) {
            guard let position = self.groups[index].processes.firstIndex(where: { $0.id == process.id }) else {
                continue
            }
            self.detach(position, of: index, at: now, orders: &orders)
        }
    }
}
