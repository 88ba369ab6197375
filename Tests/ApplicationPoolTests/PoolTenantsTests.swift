// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Somebody without authority who makes up groups, beside others.
struct PoolTenantsTests {
    private let tenant: UInt32 = 33

    private func places(_ model: PoolModel) -> Int { TenantUse(model.pool.groups).places(of: self.tenant) }

    /// A pool of so many places in which a tenant has a busy process in each place of its share.
    private func usedUp(_ size: Int) throws -> (PoolModel, [Grant]) {
        var model = PoolModel(max: size, spawns: size)
        var grants: [Grant] = []
        for _ in 0..<PoolLimits(maxPoolSize: size).tenantShare {
            let group = model.define(tenant: self.tenant)
            let ticket = try model.queue(group)
            try model.spawnEnds(group)
            grants.append(try #require(model.grants[ticket]))
        }
        return (model, grants)
    }

    @Test(arguments: [(1, 1), (2, 1), (3, 1), (6, 3), (16, 8)])
    func `a tenant's share is half of the places, and one at least`(size: Int, share: Int) {
        #expect(PoolLimits(maxPoolSize: size).tenantShare == share)
    }

    @Test func `groups of a tenant have their share of the places together, others have the rest`() throws {
        var (model, _) = try self.usedUp(6)
        for _ in 0..<5 { _ = try model.queue(model.define(tenant: self.tenant)) }
        #expect(model.spawns.isEmpty && self.places(model) == 3)
        for _ in 0..<3 {
            let other = model.define()
            _ = try model.queue(other)
            try model.spawnEnds(other)
        }
        #expect(model.pool.usage == 6 && self.places(model) == 3)
        #expect(model.violations == [])
    }

    @Test func `a second process of a group counts like the first of another`() throws {
        var model = PoolModel(max: 4, spawns: 4)
        let group = model.define(tenant: self.tenant)
        for _ in 0..<4 { _ = try? model.queue(group) }
        while let spawn = model.spawns.first { try model.spawnEnds(spawn.group) }
        #expect(self.places(model) == 2)
        #expect(model.violations == [])
    }

    @Test func `within its share the tenant's longest idle process gives way to its next group`() throws {
        var (model, grants) = try self.usedUp(6)
        let other = model.define(preStart: true)
        try model.spawnEnds(other)
        let next = model.define(tenant: self.tenant)
        let ticket = try model.queue(next)
        #expect(model.spawns.isEmpty)
        model.release(grants[1].session)
        #expect(model.spawns.map(\.group) == [next])
        try model.spawnEnds(next)
        #expect(model.grants[ticket] != nil && self.places(model) == 3)
        #expect(model.violations == [])
    }

    @Test func `a tenant's requests wait for a start behind all others, also behind those that came later`() throws {
        var model = PoolModel(max: 8, spawns: 1)
        let first = model.define(tenant: self.tenant)
        let second = model.define(tenant: self.tenant)
        let failing = model.define()
        _ = try model.queue(failing)
        try model.spawnFails(failing)
        model.wait(.seconds(1))
        _ = try model.queue(first)
        _ = try model.queue(second)
        _ = try model.queue(failing)
        let other = model.define()
        _ = try model.queue(other)
        var order: [Group.ID] = []
        while let spawn = model.spawns.first {
            order.append(spawn.group)
            try model.spawnEnds(spawn.group)
        }
        #expect(order == [first, other, failing, second])
        #expect(model.violations == [])
    }

    @Test func `a tenant ends nobody's start but its own`() throws {
        var model = PoolModel(max: 2, spawns: 2)
        let slow = [model.define(), model.define()]
        for group in slow { _ = try model.queue(group) }
        model.wait(.seconds(60))
        _ = try model.queue(model.define(tenant: self.tenant))
        #expect(model.gaveWay == [])
        _ = try model.queue(model.define())
        #expect(model.gaveWay == [slow[0]], "with authority it would have been given up")
        #expect(model.violations == [])
    }

    @Test func `a tenant's own start gives way although a group before it can be given no room`() throws {
        var model = PoolModel(max: 4, spawns: 8)
        let failing = model.define()
        _ = try model.queue(failing)
        try model.spawnFails(failing)
        for _ in 0..<3 { _ = try model.queue(model.define()) }
        let hanging = model.define(tenant: self.tenant)
        _ = try model.queue(hanging)
        model.wait(.seconds(2))
        _ = try model.queue(failing)
        model.wait(.seconds(28))
        #expect(model.gaveWay == [])
        _ = try model.queue(model.define(tenant: self.tenant))
        #expect(model.gaveWay == [hanging])
        #expect(model.violations == [])
    }
}
