// SPDX-License-Identifier: MIT

extension Pool {
    /// The daemon's limits changed.
    ///
    /// Room that came is given out, those waiting at the top first; what is too much goes, idle processes at once, busy
    /// ones after their next session.
    package mutating func limitsChanged(_ limits: PoolLimits, at now: Instant) -> Orders {
        self.limits = limits
        var orders = Orders()
        while self.usage > limits.maxPoolSize, let idle = self.longestIdle() {
            self.detach(idle.process, of: idle.group, at: now, orders: &orders)
        }
        for index in self.groups.indices {
            self.recallAll(of: index, at: now, orders: &orders)
            self.trim(index, at: now, orders: &orders)
        }
        self.noteNeedOfAll()
        self.fillCapacity(at: now, orders: &orders)
        // Idle processes may have become overdue.
        self.wake(at: now)
        return orders
    }

    /// Remembers that a group may want a process.
    mutating func noteNeed(of index: Int) {
        let id = self.groups[index].id
        if !self.hungry.contains(id) { self.hungry.append(id) }
    }

    /// The same for every group: one by one, each look for it in the list would cost the square of their number.
    mutating func noteNeedOfAll() { self.hungry = self.groups.map(\.id) }

    /// Starts spawns as long as there is room, and out-of-band work where a process can be spared.
    mutating func fillCapacity(at now: Instant, orders: inout Orders) {
        guard self.phase == .running else { return }
        self.beginOutOfBandWork(at: now, orders: &orders)
        self.startSpawns(at: now, orders: &orders)
        self.startReplacements(at: now, orders: &orders)
    }

    /// Starts spawns, the most urgent first; makes room for groups without any process.
    private mutating func startSpawns(at now: Instant, orders: inout Orders) {
        while self.hasSlot(at: now), let index = self.mostUrgent(at: now) {
            self.makeRoomInShare(for: index, at: now, orders: &orders)
            while self.isFull {
                guard self.makeRoom(for: index, at: now, orders: &orders) else { return }
            }
            self.startSpawn(for: index, at: now, orders: &orders)
        }
        if !self.hungry.isEmpty { self.recallForRoom(at: now, orders: &orders) }
    }

    /// Whether a place in a full pool can be had: for a group that starves whatever is idle, or a start that hangs; for one
    /// whose processes are all busy only what has been idle for a while, or two busy apps would end each other's processes.
    private mutating func hasRoom(
        for group: Group,
        _ need: Group.Need,
        _ room: inout RoomInFullPool,
        at now: Instant
    ) -> Bool {
        switch need {
        case .starving: return room.isThere(for: group, in: self, at: now)
        case .busy:
            guard let idle = self.longestIdle() else { return false }
            let rested = self.groups[idle.group].processes[idle.process].lastUsed.advanced(by: Self.restTime)
            if rested > now { self.wake(at: rested) }
            return rested <= now
        case .none, .replacement, .minimum: return false
        }
    }

    /// An idle process is not taken from its app for another one that has processes before this time.
    static let restTime = Duration.seconds(5)

    /// Takes one place in a full pool for a group that needs it: an idle process goes, else a start that hangs.
    private mutating func makeRoom(for index: Int, at now: Instant, orders: inout Orders) -> Bool {
        if let idle = self.longestIdle() {
            self.detach(idle.process, of: idle.group, at: now, orders: &orders)
            return true
        }
        guard let hanging = self.dispensableSpawn(for: self.groups[index], at: now) else { return false }
        self.giveUpSpawn(of: hanging, orders: &orders)
        return true
    }

    /// The group whose start gives way to the first process of `group`, when the pool is full and nothing in it is idle.
    ///
    /// Without this, a few apps that hang at start would lock every other app out until their `start_timeout`. In this
    /// order, of those that have given up their slot: a start that nobody waits for, one of a group that has
    /// processes in service, one of a group whose last start failed as well; and from `Spawn.patience` on the first
    /// start of any other group, the longest first.
    ///
    /// A tenant's group takes the room of that tenant's starts only.
    ///
    /// Only a group whose own last start did not fail may take the room, and who gave way counts as one whose start
    /// failed until it comes up, but has its patience anew: so slow apps cannot end each other's starts in turn for ever.
    func dispensableSpawn(for group: Group, at now: Instant) -> Int? {
        guard !group.backoff.isFailing else { return nil }
        var best: (index: Int, rank: Int, began: Instant)?
        for index in self.groups.indices where group.tenant == nil || self.groups[index].tenant == group.tenant {
            guard let spawn = self.groups[index].spawn.flatMap({ self.spawns[$0] }),
                let rank = self.groups[index].dispensability(of: spawn, at: now)
            else { continue }
            if let best, (best.rank, best.began) <= (rank, spawn.began) { continue }
            best = (index, rank, spawn.began)
        }
        return best?.index
    }

    /// The group to spawn for next, of those that can be helped now; forgets groups without need.
    private mutating func mostUrgent(at now: Instant) -> Int? {
        var best: Int?
        var urgency = Group.Need.none
        var bestRank = 0
        var tenants: TenantUse?
        var room = RoomInFullPool(hasIdle: self.isFull && self.longestIdle() != nil)
        var stillHungry: [Group.ID] = []
        for id in self.hungry {
            guard let index = self.indices[id] else { continue }
            let need = self.groups[index].need(at: now, maxInstances: self.maxInstances(of: self.groups[index]))
            if need == .none { continue }
            stillHungry.append(id)
            guard !self.isFull || self.hasRoom(for: self.groups[index], need, &room, at: now) else { continue }
            if let tenant = self.groups[index].tenant {
                let use = tenants ?? TenantUse(self.groups)
                tenants = use
                guard use.allows(tenant, need, share: self.limits.tenantShare) else { continue }
            }
            let rank = self.groups[index].rank
            guard best == nil || rank < bestRank || (rank == bestRank && need.isMoreUrgent(than: urgency)) else {
                continue
            }
            best = index
            urgency = need
            bestRank = rank
        }
        self.hungry = stillHungry
        return best
    }

    /// `replaced`: the process whose room it has.
    mutating func startSpawn(
        for index: Int,
        replacing replaced: Process.ID? = nil,
        at now: Instant,
        orders: inout Orders
    ) {
        let spawn = Spawn.ID(rawValue: self.nextSpawn)
        self.nextSpawn += 1
        self.groups[index].spawn = spawn
        self.spawns[spawn] = Spawn(group: self.groups[index].id, began: now)
        self.groups[index].replaced = replaced
        if replaced == nil { self.usage += 1 }
        // Then its slot is another's.
        self.wake(at: now.advanced(by: Spawn.slotTime))
        orders.spawns.append(.start(spawn, for: self.groups[index].id))
    }

    /// The process of any group that has been idle for the longest time.
    func longestIdle(where isMeant: (Group) -> Bool = { _ in true }) -> (group: Int, process: Int)? {
        var found: (group: Int, process: Int)?
        var since: Instant?
        for index in self.groups.indices where isMeant(self.groups[index]) {
            for (number, process) in self.groups[index].processes.enumerated() where process.isIdle {
                if let since, since <= process.lastUsed { continue }
                since = process.lastUsed
                found = (index, number)
            }
        }
        return found
    }

    /// Detaches idle processes beyond the group's upper bound.
    mutating func trim(_ index: Int, at now: Instant, orders: inout Orders) {
        let bound = self.maxInstances(of: self.groups[index])
        while self.groups[index].processes.count > bound, let idle = self.groups[index].longestIdle {
            self.detach(idle, of: index, at: now, orders: &orders)
        }
    }

    /// A process has served its `max_requests`: it goes, unless it is the last one and there is room for another one,
    /// which has to be there first.
    mutating func replace(_ process: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let group = self.groups[index]
        let isLast = group.enabled.allSatisfy(group.isAtItsLast)
        let hasRoom = !self.isFull && group.usage < self.maxInstances(of: group)
        if isLast, hasRoom || group.spawn != nil {
            self.noteNeed(of: index)
        } else {
            self.detach(process, of: index, at: now, orders: &orders)
        }
    }
}

/// Who could be given a place in a full pool, asked once for all groups of the same standing.
private struct RoomInFullPool {
    let hasIdle: Bool
    private var answers: [UInt32?: Bool] = [:]

    init(hasIdle: Bool) { self.hasIdle = hasIdle }

    mutating func isThere(for group: Group, in pool: Pool, at now: Instant) -> Bool {
        if self.hasIdle { return true }
        if group.backoff.isFailing { return false }
        if let known = self.answers[group.tenant] { return known }
        let isThere = pool.dispensableSpawn(for: group, at: now) != nil
        self.answers[group.tenant] = isThere
        return isThere
    }
}

extension Group.Need {
    var isStarving: Bool {
        if case .starving = self { true } else { false }
    }

    /// Of two that wait for the same, the one that has waited longer.
    fileprivate func isMoreUrgent(than other: Group.Need) -> Bool {
        switch (self, other) {
        case (.starving(let mine), .starving(let theirs)), (.busy(let mine), .busy(let theirs)): mine < theirs
        default: self > other
        }
    }
}

extension Group {
    /// Groups of a lower rank are started first, whatever they need: whose last start failed waits behind those whose start
    /// did not, and tenants wait behind all.
    fileprivate var rank: Int { (self.tenant == nil ? 0 : 2) + (self.backoff.isFailing ? 1 : 0) }

    /// How readily the group's start gives way, lowest first; nil: not at all.
    fileprivate func dispensability(of spawn: Spawn, at now: Instant) -> Int? {
        // One that replaces a process has no room of its own.
        guard !spawn.holdsSlot(at: now), self.replaced == nil else { return nil }
        if self.queue.isEmpty { return 0 }
        if !self.processes.isEmpty { return 1 }
        // Who only gave way has its patience anew, or a slow app would never come up beside ever new ones.
        if self.backoff.hasFailed { return 2 }
        return now.since(spawn.began) >= Spawn.patience ? 3 : nil
    }

    var longestIdle: Int? {
        self.processes.indices.filter { self.processes[$0].isIdle }.min {
            self.processes[$0].lastUsed < self.processes[$1].lastUsed
        }
    }
}
