// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolSpawningTests {
    @Test func `a failed spawn reaches all who wait and leaves the processes alone`() throws {
        var model = PoolModel()
        let app = model.define()
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let tickets = try (0..<3).map { _ in try model.queue(app) }
        try model.spawnFails()
        #expect(tickets.map { model.refusals[$0] } == [.spawnFailed, .spawnFailed, .spawnFailed])
        #expect(try model.inService(app) == [process])
        model.release(try #require(model.sessions.keys.first))
        #expect(try model.use(app).process == process)
        #expect(model.violations == [])
    }

    @Test func `after a failed spawn requests are refused at once until the next try is due`() throws {
        var model = PoolModel()
        let app = model.define()
        _ = try model.queue(app)
        try model.spawnFails()
        let until = model.now.advanced(by: .seconds(1))
        #expect(model.checkout(app) == .refused(.backingOff(until: until)))
        model.wait(.seconds(1))
        // Nobody waits, and the app never ran: no try without a request.
        #expect(model.spawns.isEmpty)
        _ = try model.queue(app)
        #expect(model.spawns.count == 1)
        try model.spawnFails()
        #expect(model.checkout(app) == .refused(.backingOff(until: model.now.advanced(by: .seconds(2)))))
        #expect(model.violations == [])
    }

    @Test func `after a cheap failure the next request tries again a second later`() throws {
        var model = PoolModel()
        let app = model.define()
        let ticket = try model.queue(app)
        try model.spawnFails(isCheap: true)
        #expect(model.refusals[ticket] == .spawnFailed)
        for _ in 1...3 {
            let until = model.now.advanced(by: .seconds(1))
            #expect(model.checkout(app) == .refused(.backingOff(until: until)))
            model.wait(.seconds(1))
            #expect(model.spawns.isEmpty)
            _ = try model.queue(app)
            try model.spawnFails(isCheap: true)
        }
        model.wait(.seconds(1))
        _ = try model.queue(app)
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }

    @Test func `a request that waits for a busy process gets another try soon after a cheap failure`() throws {
        var model = PoolModel()
        let app = model.define()
        _ = try model.queue(app)
        try model.spawnEnds()
        for _ in 1...4 {
            _ = try model.queue(app)
            try model.spawnFails(isCheap: true)
            let ticket = try model.queue(app)
            model.wait(.seconds(1))
            #expect(model.spawns.count == 1)
            try model.spawnFails(isCheap: true)
            #expect(model.refusals[ticket] == .spawnFailed)
            model.wait(.seconds(1))
        }
        #expect(model.violations == [])
    }

    @Test func `an app that had started is tried again without being asked`() throws {
        var model = PoolModel()
        _ = model.define(preStart: true)
        model.exits(try model.spawnEnds())
        var seconds: [Int] = []
        for second in 1...20 {
            model.wait(.seconds(1))
            guard !model.spawns.isEmpty else { continue }
            seconds.append(second)
            try model.spawnFails()
        }
        #expect(seconds == [1, 3, 7, 15])
        #expect(model.violations == [])
    }

    @Test func `a pre-started app has its minimum without a request`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2), preStart: true)
        try model.spawnEnds()
        try model.spawnEnds()
        #expect(model.spawns.isEmpty)
        #expect(try model.inService(app).count == 2)
    }

    @Test func `pre-starting an app without minimum starts one process`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 0), preStart: true)
        try model.spawnEnds()
        #expect(model.spawns.isEmpty)
        #expect(try model.inService(app).count == 1)
        model.wait(.seconds(300))
        #expect(try model.inService(app).isEmpty)
    }

    @Test func `a pre-start that fails is tried again`() throws {
        var model = PoolModel()
        _ = model.define(preStart: true)
        try model.spawnFails()
        model.wait(.seconds(1))
        #expect(model.spawns.count == 1)
    }

    @Test func `without pre-start nothing is spawned before the first request`() {
        var model = PoolModel()
        _ = model.define(GroupLimits(minInstances: 3))
        model.wait(.seconds(10))
        #expect(model.spawns.isEmpty)
    }

    @Test func `a spawn that the pool did not ask for is not taken`() {
        var pool = PoolModel().pool
        let description = Process.Description(id: Process.ID(rawValue: 1), concurrency: 1)
        let action = pool.spawnSucceeded(Spawn.ID(rawValue: 5), description, at: Instant(nanoseconds: 0))
        #expect(action == .ignored(reason: "unknown spawn"))
    }
}
