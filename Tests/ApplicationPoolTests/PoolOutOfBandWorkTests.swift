// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Processes that ask for time outside of requests: who is taken out of service, when, and for how long.
struct PoolOutOfBandWorkTests {
    private static let holder = LeaseHolder(rawValue: 1)

    /// A group with `count` idle processes, the oldest first.
    private static func model(
        _ count: Int,
        max: Int = 6,
        limits: GroupLimits? = nil,
        concurrency: Int = 1,
        outOfBandLimit: Int = 0
    ) throws -> (PoolModel, Group.ID, [Process.ID]) {
        var model = PoolModel(max: max, outOfBandLimit: outOfBandLimit)
        model.concurrency = concurrency
        let app = model.define(limits ?? GroupLimits(minInstances: count), preStart: true)
        let processes = try (0..<count).map { _ in try model.spawnEnds() }
        return (model, app, processes)
    }

    /// One answer of `app` that asks for work; the process it came from.
    private static func ask(_ model: inout PoolModel, _ app: Group.ID) throws -> Process.ID {
        let grant = try model.use(app)
        model.release(grant.session, asks: true)
        return grant.process
    }

    private static func isWorking(_ model: PoolModel, _ process: Process.ID) -> Bool {
        model.processes[process]?.isWorking == true
    }

    @Test func `a process that asks works, serves nobody meanwhile, and serves again when it is done`() throws {
        var (model, app, processes) = try Self.model(2)
        let process = try Self.ask(&model, app)
        #expect(process == processes[0])
        #expect(Self.isWorking(model, process))
        for _ in 0..<3 {
            let grant = try model.use(app)
            #expect(grant.process == processes[1])
            model.release(grant.session)
        }
        #expect(model.violations == [])
        let isNews = model.workDone(process)
        #expect(isNews)
        #expect(try model.use(app).process == process)
        #expect(model.spawns.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `requests that run on the process end first`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 3)
        let grants = try (0..<2).map { _ in try model.use(app) } + [try model.use(app)]
        let own = grants.filter { $0.process == processes[0] }
        #expect(own.count == 2)
        model.release(own[0].session, asks: true)
        #expect(!Self.isWorking(model, processes[0]))
        // It is less busy than the other one, but takes nobody.
        #expect(try model.use(app).process == processes[1])
        model.release(own[1].session)
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `leases of the process are asked back`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 2)
        guard case .granted(let lease) = model.checkout(app, from: Self.holder),
            case .granted(let other) = model.checkout(app, from: Self.holder)
        else { throw PoolModel.Unexpected.noGrant }
        #expect([lease.process, other.process] == processes)
        let third = try model.use(app)
        #expect(third.process == processes[0])
        model.release(third.session, asks: true)
        #expect(model.leases[lease.session]?.isRecalled == true)
        #expect(model.leases[other.session]?.isRecalled == false)
        #expect(!Self.isWorking(model, processes[0]))
        model.release(lease.session)
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `the only process serves on until another one is there`() throws {
        var (model, app, processes) = try Self.model(1, limits: GroupLimits(minInstances: 1))
        let process = try Self.ask(&model, app)
        #expect(!Self.isWorking(model, process))
        #expect(model.spawns.map(\.group) == [app])
        let grant = try model.use(app)
        #expect(grant.process == processes[0])
        model.release(grant.session)
        let second = try model.spawnEnds()
        #expect(Self.isWorking(model, process))
        #expect(try model.use(app).process == second)
        #expect(model.violations == [])
    }

    @Test(arguments: [(GroupLimits(maxInstances: 1), 6), (GroupLimits(), 1)])
    func `the only process keeps its wish while there is no room for another one`(limits: GroupLimits, max: Int) throws
    {
        var (model, app, _) = try Self.model(1, max: max, limits: limits)
        let process = try Self.ask(&model, app)
        #expect(model.spawns.isEmpty)
        model.wait(.seconds(200))
        #expect(!Self.isWorking(model, process))
        model.change(max: 6)
        model.change(GroupLimits(), of: app)
        try model.spawnEnds()
        #expect(Self.isWorking(model, process))
        #expect(model.violations == [])
    }

    @Test func `a replacement that fails costs the wish, and the process serves on`() throws {
        var (model, app, _) = try Self.model(1, limits: GroupLimits(minInstances: 1))
        let process = try Self.ask(&model, app)
        try model.spawnFails()
        model.wait(.seconds(100))
        #expect(model.spawns.isEmpty)
        #expect(try model.use(app).process == process)
        #expect(model.violations == [])
    }

    @Test func `one process of a group works at a time, those that ask first before others`() throws {
        var (model, app, processes) = try Self.model(3)
        let grants = try (0..<3).map { _ in try model.use(app) }
        for grant in grants.reversed() {
            model.release(grant.session, asks: true)
            model.wait(.milliseconds(1))
        }
        #expect(processes.map { Self.isWorking(model, $0) } == [false, false, true])
        model.workDone(processes[2])
        #expect(processes.map { Self.isWorking(model, $0) } == [false, true, false])
        model.workDone(processes[1])
        #expect(processes.map { Self.isWorking(model, $0) } == [true, false, false])
        model.workDone(processes[0])
        #expect(processes.map { Self.isWorking(model, $0) } == [false, false, false])
        #expect(model.violations == [])
    }

    @Test(arguments: [(0, [true, true]), (1, [true, false])])
    func `groups do not wait for each other unless the limit says so`(limit: Int, working: [Bool]) throws {
        var (model, app, processes) = try Self.model(2, outOfBandLimit: limit)
        let other = model.define(GroupLimits(minInstances: 2), preStart: true)
        let others = try (0..<2).map { _ in try model.spawnEnds() }
        let asking = [try Self.ask(&model, app), try Self.ask(&model, other)]
        #expect(asking == [processes[0], others[0]])
        #expect(asking.map { Self.isWorking(model, $0) } == working)
        model.workDone(asking[0])
        #expect(Self.isWorking(model, asking[1]))
        #expect(model.violations == [])
    }

    @Test func `who asks twice is told once`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 3)
        let grants = try (0..<4).map { _ in try model.use(app) }.filter { $0.process == processes[0] }
        for grant in grants { model.release(grant.session, asks: true) }
        #expect(Self.isWorking(model, processes[0]))
        model.workDone(processes[0])
        #expect(!Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `an answer that nobody asked for changes nothing`() throws {
        var (model, app, processes) = try Self.model(2)
        let results = [model.workDone(processes[0]), model.workDone(Process.ID(rawValue: 4))]
        #expect(results == [false, false])
        _ = try Self.ask(&model, app)
        _ = model.detach(processes[0])
        let isNews = model.workDone(processes[0])
        #expect(!isNews)
        #expect(model.violations == [])
    }

    @Test func `a process that takes one request at a time is replaced when it does not answer`() throws {
        var (model, app, processes) = try Self.model(2)
        _ = try Self.ask(&model, app)
        model.wait(.milliseconds(59_999))
        #expect(model.overdue.isEmpty)
        model.wait(.milliseconds(1))
        #expect(model.overdue == [processes[0]: true])
        #expect(model.processes[processes[0]]?.isStopped == true)
        #expect(model.spawns.map(\.group) == [app])
        #expect(model.violations == [])
    }

    @Test func `one that takes several serves again, and is asked for no more before it has answered`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 0)
        _ = try Self.ask(&model, app)
        model.wait(.seconds(60))
        #expect(model.overdue == [processes[0]: false])
        let grant = try model.use(app)
        #expect(grant.process == processes[0])
        model.release(grant.session, asks: true)
        #expect(try model.group(app).processes[0].outOfBandWork == .overdue)
        let isNews = model.workDone(processes[0])
        #expect(isNews)
        #expect(!Self.isWorking(model, processes[0]))
        _ = try Self.ask(&model, app)
        #expect(Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `sessions that do not end in time cost the wish, and the process serves on`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 2)
        let grants = try (0..<3).map { _ in try model.use(app) }.filter { $0.process == processes[0] }
        model.release(grants[0].session, asks: true)
        model.wait(.seconds(60))
        #expect(try model.use(app).process == processes[0])
        model.release(grants[1].session)
        #expect(!Self.isWorking(model, processes[0]))
        #expect(model.violations == [])
    }

    @Test func `a session that is upgraded meanwhile may last for ever, so nothing waits for it`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 0)
        let grants = try (0..<3).map { _ in try model.use(app) }.filter { $0.process == processes[0] }
        model.release(grants[0].session, asks: true)
        #expect(try model.group(app).processes[0].isDisabling)
        model.upgrade(grants[1].session)
        #expect(try model.group(app).processes[0].state == .enabled)
        // And with one that is upgraded already it does not begin.
        let next = try model.use(app)
        #expect(next.process == processes[0])
        model.release(next.session, asks: true)
        #expect(try model.group(app).processes[0].state == .enabled)
        #expect(model.violations == [])
    }

    @Test(arguments: ["crash", "detach"])
    func `with the other process gone, one that has not begun serves on`(what: String) throws {
        var (model, app, processes) = try Self.model(2, max: 2, concurrency: 2)
        let grants = try (0..<3).map { _ in try model.use(app) }.filter { $0.process == processes[0] }
        model.release(grants[0].session, asks: true)
        #expect(try model.group(app).processes[0].isDisabling)
        if what == "crash" { model.exits(processes[1]) } else { _ = model.detach(processes[1]) }
        #expect(try model.use(app).process == processes[0])
        #expect(model.violations == [])
        // The wish is kept for the next one.
        model.wait(.seconds(2))
        try model.spawnEnds()
        #expect(try model.group(app).processes[0].isDisabling)
        #expect(model.violations == [])
    }

    @Test func `with the other process gone while it works, another one is started`() throws {
        var (model, app, processes) = try Self.model(2)
        model.change(GroupLimits(minInstances: 1), of: app)
        _ = try Self.ask(&model, app)
        _ = model.detach(processes[1])
        #expect(model.spawns.map(\.group) == [app])
        #expect(model.violations == [])
    }

    @Test func `a crash at work makes room for the next one`() throws {
        var (model, app, processes) = try Self.model(3)
        let grants = try (0..<2).map { _ in try model.use(app) }
        for grant in grants { model.release(grant.session, asks: true) }
        #expect(Self.isWorking(model, processes[0]))
        model.exits(processes[0])
        #expect(Self.isWorking(model, processes[1]))
        #expect(model.violations == [])
    }

    @Test(arguments: ["restart", "retire", "shutdown"])
    func `what ends all processes ends the one that works as well`(what: String) throws {
        var (model, app, processes) = try Self.model(2)
        _ = try Self.ask(&model, app)
        switch what {
        case "restart": model.restart(app)
        case "retire": model.retire(app)
        default: model.shutdown()
        }
        #expect(processes.allSatisfy { model.processes[$0]?.isStopped == true })
        #expect(model.violations == [])
    }

    @Test func `a visitor that knows the process is served before its work, and waits while it works`() throws {
        var (model, app, processes) = try Self.model(2, concurrency: 3)
        let grants = try (0..<3).map { _ in try model.use(app) }.filter { $0.process == processes[0] }
        model.release(grants[0].session, asks: true)
        let known = try model.use(app, sticky: processes[0].stickyID)
        #expect(known.process == processes[0])
        for session in [grants[1].session, known.session] { model.release(session) }
        let ticket = try model.queue(app, sticky: processes[0].stickyID)
        model.workDone(processes[0])
        #expect(model.grants[ticket]?.process == processes[0])
        #expect(model.violations == [])
    }

    @Test func `a process that has served its max_requests goes without its work`() throws {
        var (model, app, processes) = try Self.model(2, limits: GroupLimits(minInstances: 2, maxRequests: 1))
        _ = try Self.ask(&model, app)
        #expect(!Self.isWorking(model, processes[0]))
        #expect(model.processes[processes[0]]?.isStopped == true)
        #expect(model.violations == [])
    }

    @Test func `the one that serves meanwhile is not ended for being idle`() throws {
        var (model, app, processes) = try Self.model(2, limits: GroupLimits(minInstances: 2))
        model.change(GroupLimits(minInstances: 1), of: app)
        model.wait(.seconds(290))
        _ = try Self.ask(&model, app)
        model.wait(.seconds(30))
        #expect(model.processes[processes[1]]?.isStopped == false)
        model.workDone(processes[0])
        model.wait(.seconds(301))
        #expect(model.processes.values.count { $0.isStopped } == 1)
        #expect(model.violations == [])
    }

    @Test func `a working process gives its room to nobody`() throws {
        var (model, app, processes) = try Self.model(2, max: 2)
        _ = try Self.ask(&model, app)
        let other = model.define(GroupLimits(minInstances: 0))
        _ = try model.queue(other)
        #expect(model.processes[processes[0]]?.isStopped == false)
        #expect(model.processes[processes[1]]?.isStopped == true)
        #expect(model.spawns.map(\.group) == [other])
        #expect(model.violations == [])
    }

    @Test func `a process that cannot be told is left alone`() throws {
        var (model, app, _) = try Self.model(2)
        model.worksOutOfBand = false
        model.restart(app)
        for _ in 0..<2 { try model.spawnEnds() }
        let process = try Self.ask(&model, app)
        #expect(!Self.isWorking(model, process))
        #expect(try model.group(app).processes[0].outOfBandWork == .none)
        #expect(model.violations == [])
    }
}
