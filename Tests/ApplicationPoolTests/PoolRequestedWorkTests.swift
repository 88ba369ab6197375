// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Out-of-band work that an administrator asks for: what is kept, and what is refused because it can never be done.
struct PoolRequestedWorkTests {
    /// A group with `count` idle processes, the oldest first.
    private static func model(
        _ count: Int,
        max: Int = 6,
        limits: GroupLimits? = nil,
        tenant: UInt32? = nil,
        concurrency: Int = 1
    ) throws -> (PoolModel, Group.ID, [Process.ID]) {
        var model = PoolModel(max: max)
        model.concurrency = concurrency
        let app = model.define(limits ?? GroupLimits(minInstances: count), tenant: tenant, preStart: true)
        let processes = try (0..<count).map { _ in try model.spawnEnds() }
        return (model, app, processes)
    }

    /// Asks for work of each process in turn; nil: the wish is kept.
    private static func ask(
        _ model: inout PoolModel,
        _ processes: [Process.ID],
        _ refusals: [WorkRefusal?],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let answers = processes.map { model.requestWork($0) }
        #expect(answers == refusals, sourceLocation: sourceLocation)
    }

    private static func isWorking(_ model: PoolModel, _ process: Process.ID) -> Bool {
        model.processes[process]?.isWorking == true
    }

    @Test func `an idle process that another one can serve for works at once, and asking again changes nothing`() throws
    {
        var (model, app, processes) = try Self.model(2)
        for _ in 0..<2 {
            Self.ask(&model, [processes[1]], [nil])
            #expect(processes.map { Self.isWorking(model, $0) } == [false, true])
        }
        #expect(try model.use(app).process == processes[0])
        model.workDone(processes[1])
        #expect(!Self.isWorking(model, processes[1]))
        #expect(model.violations == [])
    }

    @Test func `a request that the process has ends first`() throws {
        var (model, app, processes) = try Self.model(2)
        let grant = try model.use(app)
        Self.ask(&model, [grant.process], [nil])
        #expect(!Self.isWorking(model, grant.process))
        model.release(grant.session)
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `one at a time works, and the second one follows`() throws {
        var (model, _, processes) = try Self.model(3)
        Self.ask(&model, Array(processes.prefix(2)), [nil, nil])
        #expect(processes.map { Self.isWorking(model, $0) } == [true, false, false])
        model.workDone(processes[0])
        #expect(processes.map { Self.isWorking(model, $0) } == [false, true, false])
        #expect(model.violations == [])
    }

    @Test func `for the only process another one is started first`() throws {
        var (model, _, processes) = try Self.model(1, limits: GroupLimits(minInstances: 1))
        Self.ask(&model, [processes[0]], [nil])
        #expect(!Self.isWorking(model, processes[0]) && model.spawns.count == 1)
        try model.spawnEnds()
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `the only process keeps the wish while others fill the pool`() throws {
        var (model, _, processes) = try Self.model(1, max: 2)
        let other = model.define(GroupLimits(minInstances: 1), preStart: true)
        let neighbour = try model.spawnEnds()
        Self.ask(&model, [processes[0]], [nil])
        #expect(model.spawns.isEmpty)
        model.retire(other)
        model.exits(neighbour)
        try model.spawnEnds()
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test(
        arguments: [(6, 1, nil), (1, 0, nil), (2, 0, 33), (6, 2, nil), (2, 0, nil), (4, 0, 33)]
            as [(Int, Int, UInt32?)]
    )
    func `the only one that there may be is refused`(max: Int, instances: Int, tenant: UInt32?) throws {
        let limits = GroupLimits(maxInstances: instances)
        var (model, _, processes) = try Self.model(1, max: max, limits: limits, tenant: tenant)
        let mayHaveTwo = instances != 1 && (tenant == nil ? max : max / 2) > 1
        Self.ask(&model, [processes[0]], [mayHaveTwo ? nil : .alone])
        #expect(model.spawns.count == (mayHaveTwo ? 1 : 0))
        #expect(model.violations == [])
    }

    @Test func `what is not in service is refused`() throws {
        var (model, app, processes) = try Self.model(2)
        Self.ask(&model, [Process.ID(rawValue: 99)], [.unknownProcess])
        _ = model.detach(processes[0])
        Self.ask(&model, [processes[0]], [.leaving])
        model.exits(processes[0])
        Self.ask(&model, [processes[0]], [.unknownProcess])
        model.retire(app)
        Self.ask(&model, [processes[1]], [.leaving])
        #expect(model.violations == [])
    }

    @Test func `a process that cannot be told is refused`() throws {
        var model = PoolModel(max: 6)
        model.worksOutOfBand = false
        _ = model.define(GroupLimits(minInstances: 2), preStart: true)
        let processes = try (0..<2).map { _ in try model.spawnEnds() }
        Self.ask(&model, processes, [.cannotBeTold, .cannotBeTold])
        #expect(model.violations == [])
    }

    @Test func `one that has not answered since it was last told is refused until it has`() throws {
        var (model, _, processes) = try Self.model(2, concurrency: 0)
        Self.ask(&model, [processes[0]], [nil])
        model.wait(.seconds(60))
        Self.ask(&model, [processes[0]], [.overdue])
        model.workDone(processes[0])
        Self.ask(&model, [processes[0]], [nil])
        #expect(model.violations == [])
    }

    @Test func `one with an upgraded connection is refused until that has ended`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 0)
        let grant = try model.use(app)
        model.upgrade(grant.session)
        Self.ask(&model, processes, [.upgraded, nil])
        model.workDone(processes[1])
        model.release(grant.session)
        Self.ask(&model, [processes[0]], [nil])
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `one that is told to refork is refused until it has forked`() throws {
        var model = PoolModel(max: 6)
        model.forkGeneration = 0
        model.concurrency = 2
        let app = model.define(GroupLimits(minInstances: 2, reforkAfter: 1), preStart: true)
        let processes = try (0..<2).map { _ in try model.spawnEnds() }
        model.release(try model.use(app).session)
        #expect(model.reforks == [processes[0]])
        Self.ask(&model, [processes[0]], [.reforking])
        model.reforkForks(processes[0])
        model.reforkEnds(processes[0], .failed(isWorkerLost: false))
        Self.ask(&model, [processes[0]], [nil])
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }
}
