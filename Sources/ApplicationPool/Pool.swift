// SPDX-License-Identifier: MIT

/// All groups with their processes, sessions and waiting requests: which request gets which process, which processes
/// are started and which have to go.
///
///     running ── shutdown ──▶ shuttingDown ── last process ended ──▶ drained
///
/// A pure value: events go in as methods, orders come out, the time is an argument. The file names say where what is
/// decided: `+Requests` (checkout to release), `+Capacity` (who may spawn, who gives way), `+Spawning` (what came of a
/// spawn), `+Processes` (detach, stop, exit), `+OutOfBandWork`, `+Refork`, `+Groups` (settings, restart, retirement), `+Leases`,
/// `+Time`, `+Shutdown`.
package struct Pool: Sendable {
    package enum Phase: Equatable, Sendable {
        /// Left by `shutdown`.
        case running
        /// Sessions may go on until then. Left when the last process has ended.
        case shuttingDown(deadline: Instant)
        case drained
    }

    package internal(set) var limits: PoolLimits
    package internal(set) var phase = Phase.running
    /// In no particular order; `indices` finds them.
    package internal(set) var groups: [Group] = []
    var indices: [Group.ID: Int] = [:]
    var sessions: [Session.ID: Session] = [:]
    /// The group of each process, in service or detached.
    var groupOfProcess: [Process.ID: Group.ID] = [:]
    /// Starts under way, discarded ones included: they cost the machine the same.
    var spawns: [Spawn.ID: Spawn] = [:]
    /// Processes in service or being spawned; those on their way out are not counted.
    package internal(set) var usage = 0
    /// Groups that may want a process, in no particular order; `fillCapacity` drops those that do not.
    var hungry: [Group.ID] = []
    /// Groups with processes that ask for out-of-band work, whose turn is next first.
    var groupsWithWork: [Group.ID] = []
    /// Groups with processes that an older preloader has forked.
    var groupsWithOlder: [Group.ID] = []
    /// Something other than leases may be due then; nil = nothing is.
    var generalDeadline: Instant?
    /// Groups whose leases are to be looked at, each at its time, and the earliest of these.
    var leaseChecks: [Group.ID: Instant] = [:]
    var leaseDeadline: Instant?
    /// Connections that did not return what was asked back: they ask for each request.
    var withheld: Set<LeaseHolder> = []

    var sessionNumbers: SessionNumbers
    var nextGroup: UInt32 = 1
    var nextSpawn: UInt64 = 1
    var nextTicket: UInt64 = 1

    package init(limits: PoolLimits, sessionNumbers: SessionNumbers) {
        self.limits = limits
        self.sessionNumbers = sessionNumbers
    }

    /// At the earliest then `timeReached` has something to do; nil = never as things are.
    package var nextDeadline: Instant? {
        guard let generalDeadline, let leaseDeadline else { return self.generalDeadline ?? self.leaseDeadline }
        return min(generalDeadline, leaseDeadline)
    }

    /// Asks to be told the time then, at the latest.
    mutating func wake(at instant: Instant) {
        guard let generalDeadline, generalDeadline <= instant else {
            self.generalDeadline = instant
            return
        }
    }

    /// Whether another start may begin now: those that are young share the processors.
    func hasSlot(at now: Instant) -> Bool {
        // Usually there are fewer starts than slots, whatever their age.
        guard self.spawns.count >= self.limits.simultaneousSpawns else { return true }
        return self.spawns.values.count(where: { $0.holdsSlot(at: now) }) < self.limits.simultaneousSpawns
    }

    var isFull: Bool { self.usage >= self.limits.maxPoolSize }

    /// The bound of the group's settings or of the pool's, whichever is lower.
    func maxInstances(of group: Group) -> Int {
        let own = group.limits.maxInstances > 0 ? group.limits.maxInstances : .max
        let everyones = self.limits.maxInstancesPerApp > 0 ? self.limits.maxInstancesPerApp : .max
        return min(own, everyones)
    }
}
