// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Plays everything around a pool: requests, spawner, processes and clock.
///
/// It carries out orders and notes each one that cannot be right, so that a test only has to look at `problems`.
struct PoolModel {
    enum Answer: Equatable {
        case granted(Grant)
        case waiting(Ticket)
        case refused(Refusal)
    }

    struct FakeProcess {
        let group: Group.ID
        let concurrency: Int
        var sessions: Set<Session.ID> = []
        var isDraining = false
        var isStopped = false
        var isKilled = false
        /// It was told to do out-of-band work and has not answered.
        var isWorking = false
        /// It was told to fork a preloader, and has not.
        var isReforking = false
    }

    struct FakeLease {
        let holder: LeaseHolder
        let group: Group.ID
        let bound: UInt32
        var uses = 1
        var isRecalled = false
    }

    struct FakeSpawn {
        let id: Spawn.ID
        let group: Group.ID
        let began: Instant
        var isCancelled = false
    }

    var pool: Pool
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Spawns under way in the order of their start; cancelled ones go on until the test ends them.
    var spawns: [FakeSpawn] = []
    var processes: [Process.ID: FakeProcess] = [:]
    var waiting: Set<Ticket> = []
    var sessions: [Session.ID: Process.ID] = [:]
    var grants: [Ticket: Grant] = [:]
    var grantOrder: [Ticket] = []
    var refusals: [Ticket: Refusal] = [:]
    var gaveUp: [Session.ID] = []
    var aborted: [Session.ID: AbortReason] = [:]
    var goneGroups: Set<Group.ID> = []
    var isDrained = false
    var problems: [String] = []
    /// Of processes that come up.
    var concurrency = 1
    var worksOutOfBand = true
    /// Of the preloader that forks them; nil: they are no forks.
    var forkGeneration: UInt32?
    /// Processes that are to fork a preloader, in the order in which they were told to.
    var reforks: [Process.ID] = []
    /// Starts that were given up for another group, in their order.
    var gaveWay: [Group.ID] = []
    /// Sessions that may carry further requests, and those of them that were asked back.
    var leases: [Session.ID: FakeLease] = [:]
    /// Waiting requests of connections that keep sessions.
    var holders: [Ticket: LeaseHolder] = [:]
    var withheld: [LeaseHolder] = []
    /// Processes that did not answer in time, and whether they are replaced.
    var overdue: [Process.ID: Bool] = [:]
    private var nextProcess: UInt64 = 100

    init(
        max: Int = 6,
        spawns: Int = 10,
        idle: Duration? = .seconds(300),
        perApp: Int = 0,
        outOfBandLimit: Int = 0
    ) {
        self.pool = Pool(
            limits: PoolLimits(
                maxPoolSize: max,
                maxInstancesPerApp: perApp,
                poolIdleTime: idle,
                simultaneousSpawns: spawns,
                outOfBandLimit: outOfBandLimit
            ),
            sessionNumbers: SessionNumbers(seed: 1)
        )
    }

    // MARK: Events

    mutating func define(
        _ limits: GroupLimits = GroupLimits(),
        tenant: UInt32? = nil,
        preStart: Bool = false
    ) -> Group.ID {
        let (id, orders) = self.pool.groupDefined(limits: limits, tenant: tenant, preStart: preStart, at: self.now)
        self.carryOut(orders)
        return id
    }

    @discardableResult
    mutating func checkout(
        _ group: Group.ID,
        sticky: UInt32 = 0,
        deadline: Duration? = nil,
        from holder: LeaseHolder? = nil
    ) -> Answer {
        switch self.pool.requestArrived(for: group, stickyID: sticky, deadline: deadline, from: holder, at: self.now) {
        case .grant(let grant, let orders):
            self.opened(grant, by: holder)
            self.carryOut(orders)
            return .granted(grant)
        case .wait(let ticket, let orders):
            self.waiting.insert(ticket)
            self.holders[ticket] = holder
            self.carryOut(orders)
            return .waiting(ticket)
        case .refuse(let refusal):
            return .refused(refusal)
        case .ignored(let reason):
            self.problems.append("checkout ignored: \(reason)")
            return .refused(.retired)
        }
    }

    /// A checkout that is known to be granted at once.
    mutating func use(_ group: Group.ID, sticky: UInt32 = 0) throws -> Grant {
        guard case .granted(let grant) = self.checkout(group, sticky: sticky) else { throw Unexpected.noGrant }
        return grant
    }

    /// A checkout that is known to wait.
    mutating func queue(_ group: Group.ID, sticky: UInt32 = 0, deadline: Duration? = nil) throws -> Ticket {
        let answer = self.checkout(group, sticky: sticky, deadline: deadline)
        guard case .waiting(let ticket) = answer else { throw Unexpected.noTicket(answer) }
        return ticket
    }

    mutating func cancel(_ ticket: Ticket) -> Bool {
        self.waiting.remove(ticket)
        guard let orders = self.pool.requestCancelled(ticket, at: self.now) else { return false }
        self.carryOut(orders)
        return true
    }

    /// `asks`: the answer asks for out-of-band work.
    mutating func release(_ session: Session.ID, wasUsed: Bool = true, asks: Bool = false) {
        if let process = self.sessions.removeValue(forKey: session) {
            self.processes[process]?.sessions.remove(session)
        }
        let uses = (self.leases.removeValue(forKey: session)?.uses ?? 1) - (wasUsed ? 0 : 1)
        let report = SessionReport(uses: uses, requestsOutOfBandWork: asks)
        let action = self.pool.sessionClosed(session, report, at: self.now)
        if case .released(let orders) = action { self.carryOut(orders) }
    }

    /// A connection uses a lease for its own oldest request of the group that waits; nil: none does, or it is asked back.
    mutating func reuse(_ session: Session.ID) -> Ticket? {
        guard let lease = self.leases[session], !lease.isRecalled, lease.uses < lease.bound else { return nil }
        let own = self.waiting.filter { $0.group == lease.group && self.holders[$0] == lease.holder }
        guard let oldest = own.min(by: { $0.number < $1.number }) else { return nil }
        self.waiting.remove(oldest)
        self.leases[session]?.uses += 1
        let (hadWaited, orders) = self.pool.sessionReused(session, for: oldest, at: self.now)
        if !hadWaited { self.problems.append("a request that waits could not be served by a lease") }
        self.carryOut(orders)
        return oldest
    }

    /// It is used for a request that nobody but its holder knows of.
    mutating func useAgain(_ session: Session.ID) {
        guard let lease = self.leases[session], !lease.isRecalled, lease.uses < lease.bound else { return }
        self.leases[session]?.uses += 1
    }

    /// The request that a lease carries takes long.
    mutating func lasts(_ session: Session.ID) {
        guard let lease = self.leases.removeValue(forKey: session) else { return }
        let report = SessionReport(uses: lease.uses - 1)
        guard let orders = self.pool.sessionLasts(session, report, at: self.now) else {
            self.problems.append("an unknown session lasts")
            return
        }
        self.carryOut(orders)
    }

    /// A process says that its out-of-band work is done; false: that was news to nobody.
    @discardableResult
    mutating func workDone(_ id: Process.ID) -> Bool {
        // One that was told something else says it in vain.
        if self.processes[id]?.isReforking != true { self.isAtRest(id) }
        guard let orders = self.pool.outOfBandWorkDone(by: id, at: self.now) else { return false }
        self.carryOut(orders)
        return true
    }

    /// An administrator wants work of a process; nil: the wish is kept.
    mutating func requestWork(_ id: Process.ID) -> WorkRefusal? {
        switch self.pool.outOfBandWorkRequested(of: id, at: self.now) {
        case .refused(let refusal): return refusal
        case .requested(let orders):
            self.carryOut(orders)
            // Unless it had to give its room to others.
            let process = self.pool.groups.flatMap(\.processes).first { $0.id == id }
            if let process, process.outOfBandWork == .none { self.problems.append("a wish was not kept") }
            return nil
        }
    }

    /// A process has forked, as it was told to.
    mutating func reforkForks(_ id: Process.ID) {
        if self.processes[id]?.isReforking == true { self.isAtRest(id) }
        self.carryOut(self.pool.reforkForked(from: id, at: self.now))
    }

    mutating func reforkEnds(_ id: Process.ID, _ outcome: Refork.Outcome = .succeeded) {
        if self.processes[id]?.isReforking == true { self.isAtRest(id) }
        self.reforks.removeAll { $0 == id }
        self.carryOut(self.pool.reforkEnded(from: id, outcome, at: self.now))
    }

    private mutating func isAtRest(_ id: Process.ID) {
        self.processes[id]?.isWorking = false
        self.processes[id]?.isReforking = false
        self.overdue[id] = nil
    }

    mutating func abandon(_ session: Session.ID) {
        self.leases[session] = nil
        guard let orders = self.pool.sessionAbandoned(session, at: self.now) else {
            self.problems.append("an unknown session was abandoned")
            return
        }
        self.carryOut(orders)
    }

    mutating func upgrade(_ session: Session.ID) {
        self.leases[session] = nil
        if case .released(let orders) = self.pool.sessionUpgraded(session, at: self.now) { self.carryOut(orders) }
    }

    /// Ends the oldest spawn under way, of `group` if given, with a process.
    @discardableResult
    mutating func spawnEnds(_ group: Group.ID? = nil) throws -> Process.ID {
        let spawn = try self.takeSpawn(group)
        self.nextProcess += 1
        let id = Process.ID(rawValue: self.nextProcess)
        let limits = self.pool.groups.first { $0.id == spawn.group }?.limits
        let concurrency = limits?.concurrencyOverride ?? self.concurrency
        self.processes[id] = FakeProcess(group: spawn.group, concurrency: concurrency)
        let description = Process.Description(
            id: id,
            concurrency: self.concurrency,
            worksOutOfBand: self.worksOutOfBand,
            forkGeneration: self.forkGeneration
        )
        switch self.pool.spawnSucceeded(spawn.id, description, at: self.now) {
        case .added(let orders):
            if spawn.isCancelled { self.problems.append("a cancelled spawn was put into service") }
            self.carryOut(orders)
        case .discarded(let orders):
            if !spawn.isCancelled { self.problems.append("a wanted spawn was discarded") }
            self.carryOut(orders)
        case .ignored(let reason):
            self.problems.append("spawn ignored: \(reason)")
        }
        return id
    }

    mutating func spawnFails(_ group: Group.ID? = nil, isCheap: Bool = false) throws {
        let spawn = try self.takeSpawn(group)
        self.carryOut(self.pool.spawnFailed(spawn.id, isCheap: isCheap, at: self.now))
    }

    @discardableResult
    mutating func exits(_ id: Process.ID) -> ExitAction {
        let sessions = self.processes.removeValue(forKey: id)?.sessions ?? []
        for session in sessions {
            self.sessions[session] = nil
            self.leases[session] = nil
        }
        let action = self.pool.processExited(id, at: self.now)
        switch action {
        case .crashed(_, let ended, let orders), .ended(let ended, let orders):
            if Set(ended) != sessions { self.problems.append("sessions of an ended process are \(ended)") }
            self.carryOut(orders)
        case .ignored:
            break
        }
        return action
    }

    mutating func detach(_ id: Process.ID) -> Bool {
        guard let orders = self.pool.detachRequested(id, at: self.now) else { return false }
        self.carryOut(orders)
        return true
    }

    /// False: it is not in service.
    mutating func becomesUnreachable(_ id: Process.ID) -> Bool {
        guard let orders = self.pool.processUnreachable(id, at: self.now) else { return false }
        self.carryOut(orders)
        return true
    }

    mutating func restart(_ group: Group.ID) { self.carryOut(self.pool.restartRequested(group, at: self.now)) }

    mutating func retire(_ group: Group.ID) { self.carryOut(self.pool.groupRetired(group, at: self.now)) }

    mutating func change(_ limits: GroupLimits, of group: Group.ID) {
        self.carryOut(self.pool.limitsChanged(limits, of: group, at: self.now))
    }

    mutating func change(max: Int) {
        var limits = self.pool.limits
        limits.maxPoolSize = max
        self.carryOut(self.pool.limitsChanged(limits, at: self.now))
    }

    mutating func shutdown(limit: Duration = .seconds(60)) {
        self.carryOut(self.pool.shutdown(limit: limit, at: self.now))
    }

    mutating func hurry() { self.carryOut(self.pool.hurry(at: self.now)) }

    mutating func killAll() { self.carryOut(self.pool.killAll(at: self.now)) }

    mutating func suspendLeases(of group: Group.ID) {
        self.carryOut(self.pool.leasesSuspended(true, of: group, at: self.now))
    }

    /// Lets time pass, with the pool being told as often as it asks for.
    mutating func wait(_ duration: Duration) {
        let end = self.now.advanced(by: duration)
        var rounds = 0
        while let next = self.pool.nextDeadline, next <= end, rounds < 1000 {
            rounds += 1
            self.now = max(self.now, next)
            self.carryOut(self.pool.timeReached(self.now))
        }
        if rounds == 1000 { self.problems.append("the pool asks for the time without end") }
        self.now = end
    }

    // MARK: Facts

    func group(_ id: Group.ID) throws -> Group {
        try #require(self.pool.groups.first { $0.id == id })
    }

    func inService(_ id: Group.ID) throws -> [Process.ID] { try self.group(id).processes.map(\.id) }

    var violations: [String] { self.problems + self.pool.violations(at: self.now) }

    enum Unexpected: Error {
        case noGrant
        case noTicket(Answer)
        case noSpawn
    }

    private mutating func takeSpawn(_ group: Group.ID?) throws -> FakeSpawn {
        guard let index = self.spawns.firstIndex(where: { group == nil || $0.group == group }) else {
            throw Unexpected.noSpawn
        }
        return self.spawns.remove(at: index)
    }
}
