// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import ApplicationPool

/// Several loops under load with leases and without: nobody waits for longer than one lease more.
struct LeaseFairnessTests {
    struct Load: Sendable {
        let loops: Int
        let apps: Int
        let processes: Int
        /// Requests per millisecond, of all loops; the first loop sends more than the others.
        let rate: Double
    }

    @Test(
        arguments: Searching.seeds(2, of: 4),
        [
            Load(loops: 4, apps: 1, processes: 1, rate: 0.36), Load(loops: 2, apps: 2, processes: 4, rate: 1.4),
            Load(loops: 4, apps: 1, processes: 3, rate: 1.05), Load(loops: 4, apps: 40, processes: 40, rate: 9),
        ]
    )
    func `nobody waits for longer than without leases but for one lease`(seed: UInt64, load: Load) {
        let without = Simulation.run(load, seed: seed, hasLeases: false)
        let with = Simulation.run(load, seed: seed, hasLeases: true)
        #expect(with.problems == [])
        #expect(without.problems == [])
        #expect(with.served == without.served)
        #expect(with.longestWait <= without.longestWait + Duration.milliseconds(101), "\(load)")
        #expect(with.withoutAsking > 0)
    }
}

/// Fronts that do what the protocol says, requests that come at random and take two milliseconds on average.
private struct Simulation {
    private static let tick = Duration.microseconds(250)

    struct Outcome {
        var longestWait = Duration.zero
        var served = 0
        var withoutAsking = 0
        var problems: [String] = []
    }

    private struct Kept {
        let granted: Instant
        /// When its request ends; nil: it carries none.
        var ends: Instant?
        var idleSince: Instant
    }

    private var model: PoolModel
    private var random: SessionNumbers
    private var apps: [Group.ID] = []
    private var running: [Session.ID: Kept] = [:]
    private var arrivals: [Ticket: Instant] = [:]
    private var answered = 0
    private var outcome = Outcome()

    static func run(_ load: LeaseFairnessTests.Load, seed: UInt64, hasLeases: Bool) -> Outcome {
        var simulation = Simulation(load, seed: seed, hasLeases: hasLeases)
        for step in 0..<6000 {
            if step < 4000 { simulation.arrive(load) }
            simulation.step()
        }
        if !simulation.model.waiting.isEmpty { simulation.outcome.problems.append("requests were never served") }
        simulation.outcome.problems += simulation.model.violations
        return simulation.outcome
    }

    private init(_ load: LeaseFairnessTests.Load, seed: UInt64, hasLeases: Bool) {
        self.random = SessionNumbers(seed: seed &* 104_729)
        self.model = PoolModel(max: load.processes)
        let limits = GroupLimits(
            minInstances: load.processes / load.apps,
            maxInstances: load.processes / load.apps,
            maxQueueSize: 0,
            allowsLeases: hasLeases
        )
        for _ in 0..<load.apps { self.apps.append(self.model.define(limits, preStart: true)) }
        while !self.model.spawns.isEmpty { _ = try? self.model.spawnEnds() }
    }

    private mutating func number() -> Double { Double(self.random.next() >> 11) / Double(UInt64(1) << 53) }

    /// Random numbers are drawn in the same order with leases and without.
    private mutating func arrive(_ load: LeaseFairnessTests.Load) {
        for loop in 0..<load.loops {
            let share = loop == 0 ? 2.0 : 1.0
            let chance = load.rate * 0.25 * share / Double(load.loops + 1)
            let app = self.apps[Int(self.number() * Double(self.apps.count))]
            guard self.number() < chance else { continue }
            self.request(app, LeaseHolder(rawValue: UInt64(loop)))
        }
    }

    private mutating func request(_ app: Group.ID, _ holder: LeaseHolder) {
        self.outcome.served += 1
        let idle = self.running.first { id, kept in
            guard let lease = self.model.leases[id], lease.holder == holder, lease.group == app else { return false }
            return kept.ends == nil && self.mayGoOn(id, kept)
        }
        if let idle {
            self.model.useAgain(idle.key)
            self.outcome.withoutAsking += 1
            let end = self.end()
            self.running[idle.key]?.ends = end
            return
        }
        switch self.model.checkout(app, from: holder) {
        case .granted(let grant):
            self.running[grant.session] = Kept(granted: self.model.now, ends: self.end(), idleSince: self.model.now)
        case .waiting(let ticket): self.arrivals[ticket] = self.model.now
        case .refused: self.outcome.problems.append("a request was refused")
        }
    }

    private func end() -> Instant { self.model.now.advanced(by: .milliseconds(2)) }

    private func mayGoOn(_ id: Session.ID, _ kept: Kept) -> Bool {
        guard let lease = self.model.leases[id], !lease.isRecalled else { return false }
        return self.model.now.since(kept.granted) < .milliseconds(100)
    }

    private mutating func step() {
        self.model.wait(Self.tick)
        for id in self.running.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let kept = self.running[id] else { continue }
            if let ends = kept.ends {
                if ends <= self.model.now { self.ended(id, kept) }
            } else if !self.mayGoOn(id, kept) || self.model.now.since(kept.idleSince) >= .milliseconds(2) {
                self.giveBack(id)
            }
        }
        self.takeGrants()
    }

    private mutating func ended(_ id: Session.ID, _ kept: Kept) {
        guard self.mayGoOn(id, kept) else { return self.giveBack(id) }
        if let ticket = self.model.reuse(id) {
            self.outcome.withoutAsking += 1
            self.note(ticket)
            let end = self.end()
            self.running[id]?.ends = end
        } else {
            self.running[id]?.ends = nil
            self.running[id]?.idleSince = self.model.now
        }
        self.takeGrants()
    }

    private mutating func giveBack(_ id: Session.ID) {
        self.running[id] = nil
        self.model.release(id)
        self.takeGrants()
    }

    private mutating func takeGrants() {
        while self.answered < self.model.grantOrder.count {
            let ticket = self.model.grantOrder[self.answered]
            self.answered += 1
            guard let grant = self.model.grants[ticket] else { continue }
            self.note(ticket)
            self.running[grant.session] = Kept(granted: self.model.now, ends: self.end(), idleSince: self.model.now)
        }
    }

    private mutating func note(_ ticket: Ticket) {
        guard let arrival = self.arrivals.removeValue(forKey: ticket) else { return }
        self.outcome.longestWait = max(self.outcome.longestWait, self.model.now.since(arrival))
    }
}
