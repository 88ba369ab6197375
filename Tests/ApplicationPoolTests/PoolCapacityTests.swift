// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolCapacityTests {
    /// A pool that is full of idle processes, one per app, the first of them unused for the longest time.
    private func fullPool(_ size: Int) throws -> (PoolModel, [Group.ID], [Process.ID]) {
        var model = PoolModel(max: size)
        var groups: [Group.ID] = []
        var processes: [Process.ID] = []
        for _ in 0..<size {
            groups.append(model.define(preStart: true))
            processes.append(try model.spawnEnds())
            model.wait(.seconds(1))
        }
        return (model, groups, processes)
    }

    @Test func `in a full pool the process that was idle longest gives way to an app without process`() throws {
        var (model, groups, processes) = try self.fullPool(3)
        model.release(try model.use(groups[0]).session)
        let newcomer = model.define()
        let ticket = try model.queue(newcomer)
        #expect(model.processes[processes[1]]?.isStopped == true)
        #expect(try model.inService(groups[0]) == [processes[0]])
        let process = try model.spawnEnds(newcomer)
        #expect(model.grants[ticket]?.process == process)
        #expect(model.pool.usage == 3)
        #expect(model.violations == [])
    }

    @Test func `the app that gave way does not take the room back while nobody asks for it`() throws {
        var (model, groups, _) = try self.fullPool(1)
        let newcomer = model.define()
        model.checkout(newcomer)
        let process = try model.spawnEnds(newcomer)
        model.release(try #require(model.sessions.keys.first))
        #expect(model.spawns.isEmpty)
        #expect(try model.inService(newcomer) == [process])
        #expect(try model.inService(groups[0]).isEmpty)
        #expect(model.violations == [])
    }

    @Test func `without an idle process the request waits at the top until one becomes idle`() throws {
        var (model, groups, processes) = try self.fullPool(2)
        let grants = try groups.map { try model.use($0) }
        let newcomer = model.define()
        let ticket = try model.queue(newcomer)
        #expect(model.spawns.isEmpty)
        #expect(model.pool.inspect(at: model.now).map(\.requestsInTopLevelQueue) == [0, 0, 1])
        model.release(grants[1].session)
        #expect(model.processes[processes[1]]?.isStopped == true)
        try model.spawnEnds(newcomer)
        #expect(model.grants[ticket] != nil)
        #expect(model.violations == [])
    }

    @Test func `who waits at the top for longer gets room first`() throws {
        var (model, groups, _) = try self.fullPool(1)
        let grant = try model.use(groups[0])
        let first = model.define()
        let second = model.define()
        _ = try model.queue(second)
        _ = try model.queue(first)
        model.release(grant.session)
        #expect(model.spawns.map(\.group) == [second])
        #expect(model.violations == [])
    }

    @Test func `a process with own waiters is not taken away`() throws {
        var (model, groups, processes) = try self.fullPool(1)
        let grant = try model.use(groups[0])
        let ticket = try model.queue(groups[0])
        _ = try model.queue(model.define())
        model.release(grant.session)
        #expect(model.grants[ticket]?.process == processes[0])
        #expect(model.spawns.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `a busy app does not take processes from others`() throws {
        var (model, groups, _) = try self.fullPool(2)
        _ = try model.use(groups[0])
        _ = try model.queue(groups[0])
        #expect(model.spawns.isEmpty)
        #expect(try model.inService(groups[1]).count == 1)
    }

    @Test func `raising the limit serves those at the top first`() throws {
        var (model, groups, _) = try self.fullPool(1)
        _ = try model.use(groups[0])
        _ = try model.queue(groups[0])
        let newcomer = model.define()
        _ = try model.queue(newcomer)
        model.change(max: 2)
        #expect(model.spawns.map(\.group) == [newcomer])
        model.change(max: 3)
        #expect(model.spawns.map(\.group) == [newcomer, groups[0]])
        #expect(model.violations == [])
    }

    @Test func `lowering the limit takes idle processes now and busy ones after their session`() throws {
        var (model, groups, processes) = try self.fullPool(3)
        let busy = try groups[0...1].map { try model.use($0) }
        model.change(max: 1)
        #expect(model.processes[processes[2]]?.isStopped == true)
        #expect(model.pool.usage == 2)
        model.release(busy[0].session)
        #expect(model.processes[processes[0]]?.isStopped == true)
        model.release(busy[1].session)
        #expect(try model.inService(groups[1]) == [processes[1]])
        #expect(model.violations == [])
    }

    @Test func `an app has at most as many processes as its settings and the daemon allow`() throws {
        for (own, everyones, expected) in [(2, 0, 2), (0, 3, 3), (3, 2, 2), (1, 3, 1)] {
            var model = PoolModel(perApp: everyones)
            let app = model.define(GroupLimits(maxInstances: own))
            for _ in 0..<6 { model.checkout(app) }
            while !model.spawns.isEmpty { try model.spawnEnds() }
            #expect(try model.inService(app).count == expected)
            #expect(model.violations == [])
        }
    }

    @Test func `no more spawns at a time than allowed, over all apps`() throws {
        var model = PoolModel(spawns: 2)
        let groups = (0..<3).map { _ in model.define() }
        for group in groups { model.checkout(group) }
        #expect(model.spawns.map(\.group) == [groups[0], groups[1]])
        try model.spawnEnds(groups[1])
        #expect(model.spawns.map(\.group) == [groups[0], groups[2]])
        #expect(model.violations == [])
    }

    @Test func `after max_requests a process is replaced, the last one only once another is there`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequests: 2), preStart: true)
        let first = try model.spawnEnds()
        model.release(try model.use(app).session)
        let last = try model.use(app).session
        model.wait(.zero)
        #expect(model.spawns.count == 1)
        // Its last session is there: it takes no more.
        let waiting = try model.queue(app)
        model.release(last)
        #expect(model.grants[waiting] == nil)
        let second = try model.spawnEnds()
        #expect(model.grants[waiting]?.process == second)
        #expect(try model.inService(app) == [second])
        #expect(model.processes[first]?.isStopped == true)
        #expect(model.violations == [])
    }

    @Test(arguments: [0, 1, 2])
    func `no process has more than its max_requests, whatever comes`(concurrency: Int) throws {
        var model = PoolModel()
        model.concurrency = concurrency
        let app = model.define(GroupLimits(maxRequests: 3), preStart: true)
        try model.spawnEnds()
        var served: [Process.ID: Int] = [:]
        for _ in 0..<60 {
            model.checkout(app)
            model.wait(.milliseconds(1))
            for (session, process) in model.sessions {
                served[process, default: 0] += 1
                model.release(session)
            }
            if !model.spawns.isEmpty { try model.spawnEnds() }
        }
        #expect(served.values.reduce(0, +) > 40)
        #expect(served.values.allSatisfy { $0 <= 3 })
        #expect(model.violations == [])
    }

    /// Seconds after which something else is due, before the five are over; 0: nothing is.
    @Test(arguments: [0, 2])
    func `in a full pool what has been idle for five seconds gives way to an app whose processes are all busy`(
        _ other: Int
    ) throws {
        var model = PoolModel(max: 2)
        let idle = model.define(preStart: true)
        try model.spawnEnds()
        let busy = model.define()
        _ = try model.queue(busy)
        try model.spawnEnds()
        let waiting = try model.queue(busy)
        if other > 0 { _ = try model.queue(busy, deadline: .seconds(other)) }
        model.wait(.seconds(4))
        #expect(try model.inService(idle).count == 1)
        model.wait(.seconds(1))
        #expect(try model.inService(idle).isEmpty)
        for process in model.processes.keys where model.processes[process]?.isStopped == true { model.exits(process) }
        try model.spawnEnds(busy)
        #expect(model.grants[waiting] != nil)
        #expect(model.violations == [])
    }

    @Test func `after max_requests one of several processes goes at once`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2, maxRequests: 1), preStart: true)
        let first = try model.spawnEnds()
        let second = try model.spawnEnds()
        model.release(try model.use(app).session)
        #expect(try model.inService(app) == [second])
        #expect(model.processes[first]?.isStopped == true)
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }

    @Test(arguments: [(1, 0), (6, 1)])
    func `after max_requests without room the process goes first`(max: Int, instances: Int) throws {
        var model = PoolModel(max: max)
        let limits = GroupLimits(maxInstances: instances, maxRequests: 1)
        let app = model.define(limits, preStart: true)
        let first = try model.spawnEnds()
        model.release(try model.use(app).session)
        #expect(model.processes[first]?.isStopped == true)
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }

    @Test func `a failed replacement leaves the old process in service`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequests: 1), preStart: true)
        let first = try model.spawnEnds()
        model.release(try model.use(app).session)
        try model.spawnFails()
        #expect(try model.inService(app) == [first])
        #expect(model.spawns.isEmpty)
        // Better one that is worn than none.
        #expect(try model.use(app).process == first)
        model.wait(.seconds(1))
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }
}
