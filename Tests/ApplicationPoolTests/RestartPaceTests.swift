// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct RestartPaceTests {
    private let start = Instant(nanoseconds: 0)
    private var pace = RestartPace()

    private func at(_ milliseconds: Int) -> Instant { self.start.advanced(by: .milliseconds(milliseconds)) }

    private mutating func dies(at milliseconds: Int, life: Duration = .milliseconds(10), served: Int = 0) {
        self.pace.processDied(afterLiving: life, served: served, at: self.at(milliseconds))
    }

    @Test mutating func `the first ends cost nothing, then there is one start a second`() {
        for _ in 1...RestartPace.atOnce {
            self.dies(at: 0)
            #expect(self.pace.end(after: self.start) == nil)
        }
        for second in 1...20 {
            self.dies(at: (second - 1) * 1000)
            #expect(self.pace.end(after: self.at((second - 1) * 1000)) == self.at(second * 1000))
            #expect(self.pace.end(after: self.at(second * 1000)) == nil)
        }
    }

    @Test mutating func `who ends no oftener than once a second never waits`() {
        for second in 0..<100 {
            self.dies(at: second * 1000)
            #expect(self.pace.end(after: self.at(second * 1000)) == nil)
        }
    }

    @Test mutating func `time without an end is credit again`() {
        for _ in 1...8 { self.dies(at: 0) }
        #expect(self.pace.end(after: self.at(2999)) == self.at(3000))
        for _ in 1...RestartPace.atOnce { self.dies(at: 60_000) }
        #expect(self.pace.end(after: self.at(60_000)) == nil)
    }

    @Test(arguments: [(Duration.seconds(10), 0), (.milliseconds(1), RestartPace.worth), (.seconds(60), 1000)])
    mutating func `a long life and many requests are worth a start`(life: Duration, served: Int) {
        for _ in 1...100 { self.dies(at: 0, life: life, served: served) }
        #expect(self.pace.end(after: self.start) == nil)
    }

    @Test mutating func `at the end of time nothing overflows`() {
        self.pace.processDied(afterLiving: .zero, served: 0, at: .distantFuture)
        #expect(self.pace.end(after: .distantFuture) == nil)
    }
}

/// The pace in a pool.
struct PoolRestartPaceTests {
    private var model = PoolModel(max: 6)

    /// One request after the other ends its process as soon as it is there; the starts within so many milliseconds.
    private mutating func startsOfKiller(_ group: Group.ID, milliseconds: Int) throws -> Int {
        var starts = 0
        for _ in 0..<(milliseconds / 50) {
            if self.model.waiting.isEmpty { self.model.checkout(group) }
            while self.model.spawns.contains(where: { $0.group == group }) {
                starts += 1
                try self.model.spawnEnds(group)
                for (id, process) in self.model.processes where process.group == group { self.model.exits(id) }
            }
            self.model.wait(.milliseconds(50))
        }
        return starts
    }

    @Test mutating func `a process that is killed as soon as it is ready is not started a dozen times a second`() throws
    {
        let group = self.model.define(GroupLimits(minInstances: 0))
        let starts = try self.startsOfKiller(group, milliseconds: 20_000)
        #expect((20...27).contains(starts), "\(starts)")
        #expect(self.model.refusals.isEmpty, "nobody is refused for it")
        #expect(self.model.violations == [])
    }

    @Test mutating func `the group shows when its next start is, and others are not paced for it`() throws {
        let killer = self.model.define(GroupLimits(minInstances: 0))
        let other = self.model.define(GroupLimits(minInstances: 0))
        for _ in 0..<20 where self.model.pool.pacedUntil(of: killer, at: self.model.now) == nil {
            self.model.checkout(killer)
            let process = try self.model.spawnEnds(killer)
            self.model.exits(process)
        }
        self.model.checkout(killer)
        let views = self.model.pool.inspect(at: self.model.now)
        #expect(views.map { $0.pacedUntil != nil } == [true, false])
        #expect(self.model.pool.requestsInTopLevelQueue(at: self.model.now) == 0, "it is not room that is missing")
        self.model.checkout(other)
        #expect(self.model.spawns.contains { $0.group == other })
        #expect(self.model.violations == [])
    }

    @Test mutating func `other processes of the group serve its requests meanwhile`() throws {
        let group = self.model.define(GroupLimits(minInstances: 2, maxInstances: 2))
        self.model.checkout(group)
        try self.model.spawnEnds(group)
        try self.model.spawnEnds(group)
        let stays = try #require(self.model.sessions.values.first)
        for _ in 1...12 {
            for id in self.model.processes.keys where id != stays {
                self.model.checkout(group)
                self.model.exits(id)
            }
            if self.model.spawns.contains(where: { $0.group == group }) { try self.model.spawnEnds(group) }
        }
        #expect(self.model.pool.inspect(at: self.model.now).first?.pacedUntil != nil)
        let session = try #require(self.model.sessions.first { $0.value == stays }?.key)
        self.model.release(session)
        guard case .granted = self.model.checkout(group) else {
            Issue.record("a process that is there was not used")
            return
        }
        #expect(self.model.refusals.isEmpty && self.model.violations == [])
    }
}
