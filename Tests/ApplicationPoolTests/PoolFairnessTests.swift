// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Apps that hang, are slow, or fail at start, beside apps that do not.
struct PoolFairnessTests {
    /// A pool that is full of first starts of apps that requests wait for.
    private func poolFullOfStarts(_ size: Int) throws -> (PoolModel, [Group.ID], [Ticket]) {
        var model = PoolModel(max: size)
        let groups = (0..<size).map { _ in model.define() }
        let tickets = try groups.map { try model.queue($0) }
        #expect(model.spawns.count == size)
        return (model, groups, tickets)
    }

    @Test func `a start holds its slot for five seconds`() throws {
        var model = PoolModel(spawns: 1)
        let hanging = model.define()
        let other = model.define()
        model.checkout(hanging)
        model.checkout(other)
        model.wait(.milliseconds(4999))
        #expect(model.spawns.map(\.group) == [hanging])
        model.wait(.milliseconds(1))
        #expect(model.spawns.map(\.group) == [hanging, other])
        #expect(model.violations == [])
    }

    @Test func `a discarded start holds its slot as well, and no longer`() throws {
        var model = PoolModel(spawns: 1)
        let app = model.define()
        model.checkout(app)
        model.restart(app)
        #expect(model.spawns.map(\.isCancelled) == [true])
        model.wait(.seconds(5))
        #expect(model.spawns.map(\.isCancelled) == [true, false])
        #expect(model.violations == [])
    }

    @Test func `who failed last waits for a slot behind all others, whatever they need`() throws {
        var model = PoolModel(spawns: 1)
        let failing = model.define()
        let holder = model.define()
        let idle = model.define(preStart: true)
        try model.spawnEnds(idle)
        model.checkout(failing)
        try model.spawnFails(failing)
        model.checkout(holder)
        model.wait(.seconds(2))
        // Both wait for the slot; the one of the failing app began to wait earlier.
        let waiting = try model.queue(failing)
        _ = try model.use(idle)
        _ = try model.queue(idle)
        try model.spawnEnds(holder)
        #expect(model.spawns.map(\.group) == [idle])
        try model.spawnEnds(idle)
        #expect(model.spawns.map(\.group) == [failing])
        try model.spawnEnds(failing)
        #expect(model.grants[waiting] != nil)
        #expect(model.violations == [])
    }

    @Test func `first starts that hang keep another app out for twenty seconds at most`() throws {
        var (model, groups, tickets) = try self.poolFullOfStarts(3)
        model.wait(.seconds(1))
        let newcomer = model.define()
        let ticket = try model.queue(newcomer)
        model.wait(.milliseconds(18_999))
        #expect(model.gaveWay == [])
        model.wait(.milliseconds(1))
        #expect(model.gaveWay == [groups[0]])
        try model.spawnEnds(newcomer)
        #expect(model.grants[ticket] != nil)
        // Nobody who waits for the app that gave way was refused.
        #expect(model.waiting.contains(tickets[0]))
        #expect(model.pool.usage == 3)
        #expect(model.violations == [])
    }

    @Test func `who gave way starts again as soon as there is room, and does not take it from others`() throws {
        var (model, groups, tickets) = try self.poolFullOfStarts(2)
        let newcomer = model.define()
        model.checkout(newcomer)
        model.wait(.seconds(60))
        #expect(model.gaveWay == [groups[0]])
        // The cancelled start has ended.
        try model.spawnFails(groups[0])
        try model.spawnEnds(newcomer)
        model.release(try #require(model.sessions.keys.first))
        #expect(model.spawns.map(\.group) == [groups[1], groups[0]])
        try model.spawnEnds(groups[0])
        #expect(model.grants[tickets[0]] != nil)
        #expect(model.violations == [])
    }

    @Test func `an app whose last start failed gives way after five seconds`() throws {
        var (model, groups, _) = try self.poolFullOfStarts(2)
        try model.spawnFails(groups[1])
        model.wait(.seconds(1))
        model.checkout(groups[1])
        let newcomer = model.define()
        model.checkout(newcomer)
        model.wait(.milliseconds(4999))
        #expect(model.gaveWay == [])
        model.wait(.milliseconds(1))
        #expect(model.gaveWay == [groups[1]])
        #expect(model.violations == [])
    }

    @Test func `a start that nobody waits for goes first, then one of an app that has a process`() throws {
        var model = PoolModel(max: 4)
        let served = model.define(GroupLimits(minInstances: 1))
        model.checkout(served)
        try model.spawnEnds(served)
        // In service and busy, with a second process on its way for those who wait.
        _ = try model.queue(served)
        let unasked = model.define(preStart: true)
        let first = model.define()
        model.checkout(first)
        model.wait(.seconds(5))
        #expect(model.spawns.map(\.group) == [served, unasked, first])
        for expected in [[unasked], [unasked, served]] {
            model.checkout(model.define())
            #expect(model.gaveWay == expected)
        }
        model.checkout(model.define())
        #expect(model.gaveWay == [unasked, served])
        #expect(model.violations == [])
    }

    @Test func `a start whose last waiter leaves gives way at once`() throws {
        var (model, groups, tickets) = try self.poolFullOfStarts(2)
        model.checkout(model.define())
        model.wait(.seconds(6))
        let isCancelled = model.cancel(tickets[1])
        #expect(isCancelled)
        #expect(model.gaveWay == [groups[1]])
        #expect(model.violations == [])
    }

    @Test func `an app that failed takes no room from starts`() throws {
        var (model, groups, _) = try self.poolFullOfStarts(2)
        try model.spawnFails(groups[0])
        let other = model.define()
        model.checkout(other)
        model.wait(.seconds(1))
        model.checkout(groups[0])
        model.wait(.seconds(80))
        #expect(model.gaveWay == [])
        #expect(model.violations == [])
    }

    /// Ten apps that load for 30 s each, all asked for at once, in a pool of three.
    @Test func `slow apps do not end each other's starts for ever`() throws {
        var model = PoolModel(max: 3, spawns: 2)
        let groups = (0..<10).map { _ in model.define() }
        let tickets = try groups.map { try model.queue($0) }
        for _ in 0..<400 where model.grants.count < tickets.count {
            model.wait(.seconds(1))
            for spawn in model.spawns where spawn.isCancelled { try model.spawnFails(spawn.group) }
            for spawn in model.spawns where model.now.since(spawn.began) >= .seconds(30) {
                try model.spawnEnds(spawn.group)
            }
            for session in model.sessions.keys { model.release(session) }
            #expect(model.violations == [])
        }
        #expect(model.grants.count == tickets.count)
        #expect(Set(model.gaveWay).count == model.gaveWay.count, "one gave way twice: \(model.gaveWay)")
        // 10 starts of 30 s, 3 at a time, take 120 s; what was given up costs no more than as much again.
        #expect(model.now.since(Instant(nanoseconds: 1_000_000_000_000)) <= .seconds(240))
    }
}
