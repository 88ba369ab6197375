// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolTimeTests {
    @Test func `unused processes go, the longest idle first, down to the minimum`() throws {
        var model = PoolModel(idle: .seconds(100))
        let app = model.define(GroupLimits(minInstances: 1))
        let tickets = try (0..<3).map { _ in try model.queue(app) }
        let processes = try (0..<3).map { _ in try model.spawnEnds() }
        for index in [1, 0, 2] {
            model.wait(.seconds(10))
            model.release(try #require(model.grants[tickets[index]]).session)
        }
        model.wait(.seconds(79))
        #expect(try model.inService(app).count == 3)
        model.wait(.seconds(1))
        #expect(try model.inService(app) == [processes[0], processes[2]])
        model.wait(.seconds(10))
        #expect(try model.inService(app) == [processes[2]])
        model.wait(.seconds(1000))
        #expect(try model.inService(app) == [processes[2]])
        #expect(model.violations == [])
    }

    @Test func `busy processes are not idle`() throws {
        var model = PoolModel(idle: .seconds(100))
        let app = model.define(GroupLimits(minInstances: 0))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        model.wait(.seconds(500))
        #expect(try model.inService(app) == [process])
        model.release(try #require(model.sessions.keys.first))
        model.wait(.seconds(99))
        #expect(try model.inService(app) == [process])
        model.wait(.seconds(1))
        #expect(try model.inService(app).isEmpty)
    }

    @Test func `without idle time nothing is cleaned up`() throws {
        var model = PoolModel(idle: nil)
        let app = model.define(GroupLimits(minInstances: 0))
        _ = try model.queue(app)
        try model.spawnEnds()
        model.release(try #require(model.sessions.keys.first))
        model.wait(.seconds(100_000))
        #expect(try model.inService(app).count == 1)
        #expect(model.pool.nextDeadline == nil)
    }

    @Test func `a request waits no longer than it may, or its app allows`() throws {
        var model = PoolModel()
        let patient = model.define(GroupLimits(maxQueueTime: .seconds(5)))
        let tickets = [
            try model.queue(patient), try model.queue(patient, deadline: .seconds(2)),
            try model.queue(patient, deadline: .seconds(9)),
        ]
        model.wait(.seconds(2))
        #expect(model.refusals == [tickets[1]: .queueTimeout])
        model.wait(.seconds(3))
        #expect(model.refusals.count == 3)
        #expect(model.waiting.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `a request that takes too long is aborted and its process killed`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequestTime: .seconds(30)))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.wait(.seconds(29))
        #expect(model.aborted.isEmpty)
        model.wait(.seconds(1))
        #expect(model.aborted == [session: .maxRequestTime])
        #expect(model.processes[process]?.isKilled == true)
        #expect(model.spawns.count == 1)
        model.exits(process)
        #expect(model.violations == [])
    }

    @Test func `other sessions of an overdue request's process get a short grace`() throws {
        var model = PoolModel()
        model.concurrency = 2
        let app = model.define(GroupLimits(maxRequestTime: .seconds(30)))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        model.wait(.seconds(20))
        let other = try model.use(app)
        model.wait(.seconds(10))
        #expect(model.processes[process]?.isDraining == true)
        #expect(model.processes[process]?.isKilled == false)
        model.release(other.session)
        #expect(model.processes[process]?.isStopped == false)
        model.wait(.seconds(5))
        #expect(model.processes[process]?.isKilled == true)
        #expect(model.violations == [])
    }

    @Test func `an upgraded session has no clock`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequestTime: .seconds(30)))
        _ = try model.queue(app)
        try model.spawnEnds()
        model.upgrade(try #require(model.sessions.keys.first))
        model.wait(.seconds(1000))
        #expect(model.aborted.isEmpty)
    }

    @Test func `a request that ended in time costs nothing later`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequestTime: .seconds(30)))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        model.release(try #require(model.sessions.keys.first))
        model.wait(.seconds(100))
        #expect(try model.inService(app) == [process])
        #expect(model.pool.nextDeadline == nil)
    }
}
