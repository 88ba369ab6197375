// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import ApplicationPool

/// Random events against the model, which rejects impossible orders; the invariants are checked after each step.
struct PoolRandomWalkTests {
    /// What each walk meets, whatever its seed.
    private static let events: Set<String> = [
        "checkout", "release", "use without asking", "request that lasts", "spawn", "spawn failure", "exit",
        "cancel", "upgrade", "detach", "unreachable", "definition", "restart", "retirement",
        "change of the pool's size", "change of a group's limits", "abandoned session", "out-of-band work done", "time",
    ]

    /// Of these each walk meets one at least, unless its pool has one process only.
    private static let rareEvents: Set<String> = ["reuse", "refork"]

    @Test(arguments: Searching.seeds(12, of: 24))
    func `the invariants hold whatever happens`(seed: UInt64) throws {
        var walk = Walk(seed: seed)
        // Where processes take any number of requests, hardly anybody waits for what a lease could serve.
        var seen: Set<String> = walk.model.concurrency == 0 ? ["reuse"] : []
        // What is rare in the pool of a seed is waited for.
        for step in 1...9000 where step <= 1500 || !Self.events.isSubset(of: seen) {
            let event = try walk.step()
            seen.insert(event)
            let violations = walk.model.violations
            guard violations.isEmpty else {
                Issue.record("seed \(seed), step \(step), after \(event): \(violations)")
                return
            }
        }
        #expect(Self.events.subtracting(seen) == [], "seed \(seed)")
        #expect(!Self.rareEvents.isDisjoint(with: seen) || seed % 7 == 0, "seed \(seed)")
        walk.finish()
        #expect(walk.model.isDrained, "seed \(seed)")
        #expect(walk.model.violations == [], "seed \(seed)")
    }
}

private struct Walk {
    var model: PoolModel
    private var random: SessionNumbers
    private var groups: [Group.ID] = []

    init(seed: UInt64) {
        self.random = SessionNumbers(seed: seed &* 7919)
        self.model = PoolModel(
            max: 1 + Int(seed % 7),
            spawns: 1 + Int(seed % 3),
            idle: seed % 4 == 0 ? nil : .seconds(30),
            outOfBandLimit: Int(seed % 3)
        )
        if seed % 5 == 0 { self.model.concurrency = 0 }
    }

    /// One event; the answer is its name.
    mutating func step() throws -> String {
        switch self.below(100) {
        case 0..<28: self.checkout()
        case 28..<44: self.release()
        case 44..<53: self.useLease()
        case 53..<66: try self.endSpawn()
        case 66..<72: self.exit()
        case 72..<76: self.cancel()
        case 76..<79: self.upgrade()
        case 79..<81: self.detach()
        case 81..<84: self.define()
        case 84..<86: self.restart()
        case 86..<87: self.retire()
        case 87..<89: self.changeLimits()
        case 89..<92: self.abandon()
        case 92..<95: self.endWork()
        case 95..<96: self.requestWork()
        default: self.wait()
        }
    }

    /// Ends everything in the way that a daemon does.
    mutating func finish() {
        self.model.shutdown(limit: .seconds(1))
        self.model.wait(.seconds(100))
        while !self.model.spawns.isEmpty { try? self.model.spawnFails() }
        for process in self.model.processes.keys { self.model.exits(process) }
    }

    private mutating func below(_ bound: Int) -> Int { Int(self.random.next() % UInt64(bound)) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[self.below(elements.count)]
    }

    // Sets and dictionaries have no order that a seed would fix.
    private var sessions: [Session.ID] { self.model.sessions.keys.sorted { $0.rawValue < $1.rawValue } }
    private var processes: [Process.ID] { self.model.processes.keys.sorted { $0.rawValue < $1.rawValue } }

    private mutating func checkout() -> String {
        guard let group = self.pick(self.groups) else { return self.define() }
        let sticky = self.below(4) == 0 ? self.pick(self.processes)?.stickyID ?? 0 : 0
        let deadline: Duration? = self.below(3) == 0 ? .milliseconds(self.below(8000)) : nil
        // Several fronts with several loops, and some that know no leases.
        let holder = self.below(5) == 0 ? nil : LeaseHolder(rawValue: UInt64(self.below(2)))
        self.model.checkout(group, sticky: sticky, deadline: deadline, from: holder)
        return "checkout"
    }

    private mutating func useLease() -> String {
        let leases = self.model.leases.keys.sorted { $0.rawValue < $1.rawValue }
        // What a connection waits for and could serve itself is rare, and what leases are there for.
        if leases.contains(where: { self.model.reuse($0) != nil }) { return "reuse" }
        guard let session = self.pick(leases) else { return "nothing" }
        guard self.below(3) > 0 else {
            self.model.lasts(session)
            return "request that lasts"
        }
        self.model.useAgain(session)
        return "use without asking"
    }

    private mutating func release() -> String {
        guard let session = self.pick(self.sessions) else { return "nothing" }
        if self.below(4) > 0, self.model.reuse(session) != nil { return "reuse" }
        self.model.release(session, wasUsed: self.below(10) > 0, asks: self.below(3) == 0)
        return "release"
    }

    private mutating func endWork() -> String {
        if let process = self.pick(self.model.reforks), self.below(2) == 0 { return self.goOnWithRefork(of: process) }
        // Now and then one says it that was not asked.
        let working = self.processes.filter { self.model.processes[$0]?.isWorking == true }
        guard let process = self.pick(self.below(5) > 0 ? working : self.processes) else { return "nothing" }
        self.model.workDone(process)
        return "out-of-band work done"
    }

    private mutating func requestWork() -> String {
        guard let process = self.pick(self.processes) else { return "nothing" }
        return self.model.requestWork(process) == nil ? "out-of-band work asked for" : "out-of-band work refused"
    }

    private mutating func goOnWithRefork(of process: Process.ID) -> String {
        switch self.below(5) {
        case 0..<2: self.model.reforkForks(process)
        case 2: self.model.reforkEnds(process, .failed(isWorkerLost: self.below(2) == 0))
        default: self.model.reforkEnds(process)
        }
        return "refork"
    }

    private mutating func endSpawn() throws -> String {
        guard let spawn = self.pick(self.model.spawns) else { return "nothing" }
        // Of the newest preloader, as a rule.
        let newest = self.model.pool.groups.first { $0.id == spawn.group }?.refork.generation ?? 0
        self.model.forkGeneration =
            self.below(8) == 0 ? nil : UInt32(max(0, Int(newest) - (self.below(6) == 0 ? 1 : 0)))
        guard self.below(5) > 0 else {
            try self.model.spawnFails(spawn.group, isCheap: self.below(4) == 0)
            return "spawn failure"
        }
        try self.model.spawnEnds(spawn.group)
        return "spawn"
    }

    private mutating func exit() -> String {
        // Those who were told to end usually do; the others sometimes crash.
        let ending = self.processes.filter { self.model.processes[$0]?.isStopped == true }
        guard let process = self.pick(self.below(4) > 0 ? ending : self.processes) else { return "nothing" }
        self.model.exits(process)
        return "exit"
    }

    private mutating func cancel() -> String {
        let waiting = self.model.waiting.sorted { $0.number < $1.number }
        guard let ticket = self.pick(waiting) else { return "nothing" }
        if !self.model.cancel(ticket) { self.model.problems.append("a waiting request was not there to cancel") }
        return "cancel"
    }

    private mutating func abandon() -> String {
        guard let session = self.pick(self.sessions) else { return "nothing" }
        self.model.abandon(session)
        return "abandoned session"
    }

    private mutating func upgrade() -> String {
        guard let session = self.pick(self.sessions) else { return "nothing" }
        self.model.upgrade(session)
        return "upgrade"
    }

    private mutating func detach() -> String {
        guard let process = self.pick(self.processes) else { return "nothing" }
        if self.below(2) == 0 {
            _ = self.model.detach(process)
            return "detach"
        }
        _ = self.model.becomesUnreachable(process)
        return "unreachable"
    }

    private mutating func define() -> String {
        guard self.groups.count < 5 else { return "nothing" }
        let limits = self.limits()
        let tenant: UInt32? = self.below(3) == 0 ? 33 : nil
        self.groups.append(self.model.define(limits, tenant: tenant, preStart: self.below(3) == 0))
        return "definition"
    }

    private mutating func restart() -> String {
        guard let group = self.pick(self.groups) else { return "nothing" }
        self.model.restart(group)
        return "restart"
    }

    private mutating func retire() -> String {
        guard !self.groups.isEmpty else { return "nothing" }
        self.model.retire(self.groups.remove(at: self.below(self.groups.count)))
        return "retirement"
    }

    private mutating func changeLimits() -> String {
        guard self.below(2) == 0, let group = self.pick(self.groups) else {
            self.model.change(max: 1 + self.below(7))
            return "change of the pool's size"
        }
        self.model.change(self.limits(), of: group)
        return "change of a group's limits"
    }

    /// Fronts give back what is asked for while time passes, most of the time.
    private mutating func wait() -> String {
        let times = [40_000, self.below(3000), self.below(100), self.below(100)]
        let end = self.model.now.advanced(by: .milliseconds(self.below(10) == 0 ? times[0] : times[1 + self.below(3)]))
        while self.model.now < end {
            let next =
                self.model.pool.nextDeadline.map { max($0, self.model.now.advanced(by: .milliseconds(1))) } ?? end
            self.model.wait(min(next, end).since(self.model.now))
            self.returnLeases()
        }
        return "time"
    }

    private mutating func returnLeases() {
        let recalled = self.model.leases.filter(\.value.isRecalled).keys.sorted { $0.rawValue < $1.rawValue }
        for session in recalled where self.below(8) > 0 { self.model.release(session) }
    }

    private mutating func limits() -> GroupLimits {
        GroupLimits(
            minInstances: self.below(3),
            maxInstances: self.below(3) == 0 ? 3 : 0,
            maxRequests: self.below(3) == 0 ? 4 : 0,
            maxQueueSize: self.below(2) == 0 ? 5 : 0,
            maxQueueTime: self.below(3) == 0 ? .seconds(4) : nil,
            maxRequestTime: self.below(3) == 0 ? .seconds(6) : nil,
            shutdownTimeout: .seconds(self.below(20)),
            abortsUpgradedSessions: self.below(2) == 0,
            concurrencyOverride: self.below(3) == 0 ? self.below(4) : nil,
            allowsLeases: self.below(5) > 0,
            reforkAfter: self.below(3) == 0 ? 0 : 2
        )
    }
}
