// SPDX-License-Identifier: MIT

extension Pool {
    /// An app was heard of for the first time; with `preStart` its processes are to be there before its first request.
    package mutating func groupDefined(
        limits: GroupLimits,
        tenant: UInt32? = nil,
        preStart: Bool = false,
        at now: Instant
    ) -> (Group.ID, Orders) {
        let id = Group.ID(rawValue: self.nextGroup)
        self.nextGroup += 1
        self.indices[id] = self.groups.count
        self.groups.append(Group(id: id, tenant: tenant, limits: limits, standing: .unused))
        return (id, preStart ? self.preStartRequested(id, at: now) : Orders())
    }

    /// A group that has no process yet is to have one without waiting for a request.
    package mutating func preStartRequested(_ id: Group.ID, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.indices[id], self.groups[index].standing == .unused else { return orders }
        self.groups[index].standing = .preStarting
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        return orders
    }

    /// Settings changed that running processes need not know.
    package mutating func limitsChanged(_ limits: GroupLimits, of id: Group.ID, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.indices[id] else { return orders }
        self.groups[index].limits = limits
        self.recallAll(of: index, at: now, orders: &orders)
        self.trim(index, at: now, orders: &orders)
        // A larger `max_requests` may make one usable.
        self.serveWaiters(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        // Idle processes may have become surplus.
        self.wake(at: now)
        return orders
    }

    /// All processes of a group are to be replaced at once.
    ///
    /// The old ones finish what they do, requests wait for the new ones. A spawn under way is discarded, whatever it was for; a failure before counts no more.
    package mutating func restartRequested(_ id: Group.ID, limits: GroupLimits? = nil, at now: Instant) -> Orders {
        var orders = Orders()
        guard self.phase == .running, let index = self.indices[id], self.groups[index].standing != .retired else {
            return orders
        }
        if let limits { self.groups[index].limits = limits }
        self.groups[index].generation += 1
        self.groups[index].backoff.reset()
        self.groups[index].refork = Refork()
        self.discardSpawn(of: index, orders: &orders)
        self.detachAll(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        return orders
    }

    /// No front has the app any more: its processes finish what they do, and the group is forgotten.
    package mutating func groupRetired(_ id: Group.ID, at now: Instant) -> Orders {
        var orders = Orders()
        guard let index = self.indices[id], self.groups[index].standing != .retired else { return orders }
        self.groups[index].standing = .retired
        self.refuseAllWaiters(of: index, .retired, orders: &orders)
        self.discardSpawn(of: index, orders: &orders)
        self.detachAll(of: index, at: now, orders: &orders)
        self.fillCapacity(at: now, orders: &orders)
        self.tidyUp(index, orders: &orders)
        return orders
    }

    /// Whether a restart, or a first start, is under way, or requests that waited for one are not served yet.
    ///
    /// Those who came later do not count: under steady load somebody always waits.
    package func isRestarting(_ id: Group.ID) -> Bool {
        guard let index = self.indices[id] else { return false }
        let group = self.groups[index]
        guard group.spawn == nil else { return true }
        guard let first = group.queue.first else { return false }
        guard let newest = group.processes.last else { return true }
        return first.since <= newest.spawnedAt
    }

    /// Whether a group has no process, none under way, and no request that waits.
    package func isAtRest(_ id: Group.ID) -> Bool {
        guard let index = self.indices[id] else { return true }
        return self.groups[index].isEmpty && self.groups[index].queue.isEmpty
    }

    mutating func detachAll(of index: Int, at now: Instant, orders: inout Orders) {
        while !self.groups[index].processes.isEmpty { self.detach(0, of: index, at: now, orders: &orders) }
    }
}
