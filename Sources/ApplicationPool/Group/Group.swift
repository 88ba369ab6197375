// SPDX-License-Identifier: MIT

/// The processes of one app and the requests that wait for them.
package struct Group: Sendable {
    /// Given by the pool; not used again.
    package struct ID: Hashable, Sendable {
        package let rawValue: UInt32
        init(rawValue: UInt32) { self.rawValue = rawValue }
    }

    /// Whether the group keeps processes that no request asks for.
    package enum Standing: Equatable, Sendable {
        /// Nobody has used it yet: no processes. Left by its first process (→ started).
        case unused
        /// At least one process, tried for until it comes up. Left by that (→ started).
        case preStarting
        /// `min_instances` processes from now on. Left by `retire`.
        case started
        /// Goes away with its last process.
        case retired
    }

    /// Why a group wants one more process, the most urgent last.
    enum Need: Comparable {
        case none
        /// The last process has served its `max_requests` and stays until it is replaced, or it has out-of-band work to do.
        case replacement
        case minimum
        /// All processes are busy, and this waiter came first.
        case busy(since: UInt64)
        /// There is no process at all, and this waiter came first: it waits in the top-level queue if need be.
        case starving(since: UInt64)
    }

    package let id: ID
    /// Who pushed it without authority; nil: somebody with authority.
    package let tenant: UInt32?
    package internal(set) var limits: GroupLimits
    package internal(set) var standing: Standing
    /// Grows with each restart.
    package internal(set) var generation: UInt32 = 0
    var backoff = Backoff()
    var restartPace = RestartPace()
    var queue = RequestQueue()
    var leases = LeaseBook()
    package internal(set) var refork = Refork()
    /// Its restart files ask for a new process for each request.
    var areLeasesSuspended = false
    /// In service, the oldest first.
    package internal(set) var processes: [Process] = []
    /// On their way out.
    package internal(set) var detached: [Process] = []
    /// The spawn under way, of the present generation.
    package internal(set) var spawn: Spawn.ID?
    /// In service until the spawn under way brings what takes its place.
    var replaced: Process.ID?
    /// Spawns whose outcome nobody wants any more, but that have not ended.
    var discardedSpawns: Set<Spawn.ID> = []

    init(id: ID, tenant: UInt32?, limits: GroupLimits, standing: Standing) {
        self.id = id
        self.tenant = tenant
        self.limits = limits
        self.standing = standing
    }

    /// Processes in service or about to be.
    var usage: Int { self.processes.count + (self.spawn == nil || self.replaced != nil ? 0 : 1) }

    var isEmpty: Bool {
        self.processes.isEmpty && self.detached.isEmpty && self.spawn == nil && self.discardedSpawns.isEmpty
    }

    /// Processes to have although nobody asks for them.
    var minimum: Int {
        switch self.standing {
        case .unused, .retired: 0
        case .preStarting: max(1, self.limits.minInstances)
        case .started: self.limits.minInstances
        }
    }

    func isWorn(_ process: Process) -> Bool {
        self.limits.maxRequests > 0 && process.processed >= self.limits.maxRequests
    }

    /// With the sessions that it has, it reaches its `max_requests`: it takes no more of them, unless no other process
    /// comes up.
    func isUsedUp(_ process: Process) -> Bool {
        self.isAtItsLast(process) && !self.backoff.hasFailed
    }

    /// When the next try is, if there is no process and requests are not to wait for that try.
    func refusing(at now: Instant) -> Instant? {
        self.processes.isEmpty && self.spawn == nil ? self.backoff.refusing(at: now) : nil
    }

    func need(at now: Instant, maxInstances: Int) -> Need {
        guard self.spawn == nil, self.processes.count < maxInstances, self.restartPace.end(after: now) == nil else {
            return .none
        }
        // Those for whom leases come back in a moment want no other process.
        if self.queue.count > self.returning(at: now), !self.backoff.isBlockingRequests(at: now),
            let first = self.queue.first(where: { !self.isInsisting($0) })
        {
            return self.processes.isEmpty ? .starving(since: first.number) : .busy(since: first.number)
        }
        guard !self.backoff.isBlocking(at: now) else { return .none }
        if self.processes.count < self.minimum { return .minimum }
        return self.needsReplacement ? .replacement : .none
    }

    /// Whether no enabled process will be left soon, or none is.
    private var needsReplacement: Bool {
        if self.processes.isEmpty { return false }
        if self.enabled.allSatisfy(self.isAtItsLast) { return true }
        return self.lacksStandIn
    }

    /// Those that take any request, as far as they are not busy.
    var enabled: some Collection<Process> { self.processes.lazy.filter { $0.state == .enabled } }

    /// Waits for one certain process: another one would not help.
    private func isInsisting(_ waiter: Waiter) -> Bool {
        waiter.stickyID != 0 && self.processes.contains { $0.id.stickyID == waiter.stickyID && !self.isUsedUp($0) }
    }

    /// The process that a request goes to now: the one it knows, else the least busy, of equals the oldest.
    ///
    /// nil: it has to wait.
    func route(stickyID: UInt32) -> Int? {
        if stickyID != 0,
            let known = processes.firstIndex(where: { $0.id.stickyID == stickyID && !self.isUsedUp($0) })
        {
            return processes[known].isTotallyBusy ? nil : known
        }
        var best: Int?
        var least = Double.infinity
        for index in processes.indices where self.takesMore(processes[index]) {
            if processes[index].isIdle { return index }
            let busyness = processes[index].busyness
            guard busyness < least else { continue }
            least = busyness
            best = index
        }
        return best
    }

    func isAtItsLast(_ process: Process) -> Bool {
        self.limits.maxRequests > 0
            && process.processed + process.sessions + process.promised >= self.limits.maxRequests
    }

    private func takesMore(_ process: Process) -> Bool { process.state == .enabled && self.hasRoom(process) }

    /// Whether it could take a session of a visitor that knows it.
    private func hasRoom(_ process: Process) -> Bool { !process.isTotallyBusy && !self.isUsedUp(process) }

    /// Removes the first waiter that some process can take now.
    mutating func nextServable() -> (waiter: Waiter, process: Int)? {
        guard !self.queue.isEmpty, self.processes.contains(where: self.hasRoom) else { return nil }
        let group = self
        var target: Int?
        let waiter = self.queue.removeFirst { waiter in
            target = group.route(stickyID: waiter.stickyID)
            return target != nil
        }
        guard let waiter, let target else { return nil }
        return (waiter, target)
    }
}
