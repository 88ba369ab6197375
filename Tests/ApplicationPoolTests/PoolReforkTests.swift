// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// A process that becomes what others are forked from, and those that are replaced after it.
struct PoolReforkTests {
    /// A group with `count` idle forks, the oldest first, of which one is due after three requests.
    private static func model(_ count: Int, max: Int = 6, concurrency: Int = 1) throws -> (
        PoolModel, Group.ID, [Process.ID]
    ) {
        var model = PoolModel(max: max)
        model.forkGeneration = 0
        model.concurrency = concurrency
        let app = model.define(GroupLimits(minInstances: count, reforkAfter: 3), preStart: true)
        let processes = try (0..<count).map { _ in try model.spawnEnds() }
        return (model, app, processes)
    }

    private static func serve(_ model: inout PoolModel, _ app: Group.ID, _ count: Int) throws {
        for _ in 0..<count { model.release(try model.use(app).session) }
    }

    /// Up to the order to refork, of the oldest.
    private static func begun(_ count: Int, max: Int = 6) throws -> (PoolModel, Group.ID, [Process.ID]) {
        var (model, app, processes) = try Self.model(count, max: max)
        try Self.serve(&model, app, 3)
        #expect(model.reforks == [processes[0]])
        #expect(model.violations == [])
        return (model, app, processes)
    }

    @Test func `a process that has served enough is told to fork, without a request`() throws {
        var (model, app, processes) = try Self.model(2)
        try Self.serve(&model, app, 2)
        #expect(model.reforks.isEmpty)
        try Self.serve(&model, app, 1)
        #expect(model.reforks == [processes[0]])
        #expect(try model.use(app).process == processes[1])
        let ticket = try model.queue(app)
        model.reforkForks(processes[0])
        // It serves again before the new preloader is ready.
        #expect(model.grants[ticket]?.process == processes[0])
        #expect(model.violations == [])
    }

    @Test func `the only process is left alone, and no other one is started for it`() throws {
        var (model, app, _) = try Self.model(1)
        try Self.serve(&model, app, 9)
        #expect(model.reforks.isEmpty && model.spawns.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `processes that are no forks are left alone, and so is an app that does not want it`() throws {
        for (generation, count) in [(nil, 3), (0, 0)] as [(UInt32?, Int)] {
            var model = PoolModel()
            model.forkGeneration = generation
            let app = model.define(GroupLimits(minInstances: 2, reforkAfter: count), preStart: true)
            for _ in 0..<2 { try model.spawnEnds() }
            try Self.serve(&model, app, 9)
            #expect(model.reforks.isEmpty)
            #expect(model.violations == [])
        }
    }

    @Test func `after it all others are replaced one by one, and never is one missing`() throws {
        var (model, app, processes) = try Self.begun(3)
        model.reforkForks(processes[0])
        #expect(model.spawns.isEmpty)
        model.reforkEnds(processes[0])
        model.forkGeneration = 1
        for (number, old) in processes.enumerated() {
            #expect(model.spawns.count == 1)
            #expect(try model.inService(app).count == 3)
            try model.spawnEnds()
            #expect(model.processes[old]?.isDraining == true)
            #expect(try model.inService(app).count == 3, "\(number)")
            #expect(model.violations == [])
        }
        #expect(model.spawns.isEmpty)
        #expect(try model.group(app).processes.allSatisfy { $0.forkGeneration == 1 })
        // The next one takes ten times as many.
        try Self.serve(&model, app, 29)
        #expect(model.reforks.isEmpty)
        try Self.serve(&model, app, 1)
        #expect(model.reforks.count == 1)
        #expect(model.violations == [])
    }

    @Test func `a full pool, and an app that has all it may have, are no obstacle`() throws {
        var (model, app, processes) = try Self.begun(2, max: 2)
        model.change(GroupLimits(minInstances: 2, maxInstances: 2, reforkAfter: 3), of: app)
        model.reforkEnds(processes[0])
        model.forkGeneration = 1
        #expect(model.spawns.count == 1 && model.pool.usage == 2)
        try model.spawnEnds()
        #expect(model.pool.usage == 2)
        #expect(model.violations == [])
    }

    @Test func `a process that goes while it is replaced leaves its room to the other one`() throws {
        var (model, app, processes) = try Self.begun(2, max: 2)
        model.reforkEnds(processes[0])
        model.forkGeneration = 1
        model.exits(processes[0])
        #expect(model.pool.usage == 2)
        #expect(model.violations == [])
        try model.spawnEnds()
        #expect(try model.inService(app).count == 2)
        #expect(model.violations == [])
    }

    @Test func `a failure leaves everything as it was, and there is no other try`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.reforkForks(processes[0])
        model.reforkEnds(processes[0], .failed(isWorkerLost: false))
        try Self.serve(&model, app, 20)
        #expect(model.reforks.isEmpty && model.spawns.isEmpty)
        #expect(try model.inService(app) == processes)
        #expect(model.violations == [])
    }

    @Test func `a process of which nothing came is replaced`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.reforkEnds(processes[0], .failed(isWorkerLost: true))
        #expect(model.processes[processes[0]]?.isStopped == true)
        #expect(model.spawns.count == 1)
        try model.spawnEnds()
        #expect(try model.inService(app).count == 2)
        #expect(model.violations == [])
    }

    @Test func `its end before it has forked is an end like any other`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.exits(processes[0])
        model.reforkEnds(processes[0], .failed(isWorkerLost: true))
        try model.spawnEnds()
        #expect(try model.inService(app).count == 2)
        #expect(model.violations == [])
    }

    @Test func `where it takes too long the process serves again, and is told nothing more`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.wait(.seconds(61))
        #expect(model.overdue[processes[0]] == false)
        try Self.serve(&model, app, 5)
        #expect(model.reforks == [processes[0]])
        model.reforkEnds(processes[0])
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }

    @Test func `a restart forgets it`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.restart(app)
        model.reforkEnds(processes[0])
        for _ in 0..<2 { try model.spawnEnds() }
        #expect(model.spawns.isEmpty)
        #expect(try model.group(app).refork == Refork())
        #expect(model.violations == [])
    }

    @Test func `where no replacement comes up the old ones stay, and requests wait for them`() throws {
        var (model, app, processes) = try Self.begun(2)
        model.reforkEnds(processes[0])
        for _ in 0..<2 { _ = try model.use(app) }
        let ticket = try model.queue(app)
        try model.spawnFails()
        #expect(model.refusals[ticket] == nil)
        #expect(try model.inService(app) == processes)
        #expect(try model.group(app).older == nil)
        #expect(model.violations == [])
    }

    @Test func `where the new preloader is gone nobody else is replaced`() throws {
        var (model, app, processes) = try Self.begun(3)
        model.reforkEnds(processes[0])
        try model.spawnEnds()
        #expect(model.spawns.isEmpty)
        #expect(try model.inService(app).count == 3)
        #expect(model.violations == [])
    }

    @Test func `what the app asks for itself comes first`() throws {
        var (model, app, processes) = try Self.model(1)
        model.release(try model.use(app).session, asks: true)
        #expect(model.spawns.count == 1)
        try model.spawnEnds()
        #expect(model.reforks.isEmpty && model.processes[processes[0]]?.isWorking == true)
        let isNews = model.workDone(processes[0])
        #expect(isNews)
        try Self.serve(&model, app, 3)
        #expect(model.reforks.count == 1)
        // It says that it has done what it was not told to do.
        let isDone = model.workDone(model.reforks[0])
        #expect(!isDone)
    }
}
