// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolRequestsTests {
    @Test func `the first request of an app waits for its first process`() throws {
        var model = PoolModel()
        let app = model.define()
        let ticket = try model.queue(app)
        #expect(model.spawns.map(\.group) == [app])
        model.wait(.milliseconds(250))
        let process = try model.spawnEnds()
        #expect(model.grants[ticket]?.process == process)
        #expect(model.grants[ticket]?.queueTime == .milliseconds(250))
        #expect(model.violations == [])
    }

    @Test func `an idle process is used again`() throws {
        var model = PoolModel()
        let app = model.define()
        model.checkout(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.release(session)
        let grant = try model.use(app)
        #expect(grant.process == process)
        #expect(grant.queueTime == .zero)
        #expect(model.spawns.isEmpty)
        #expect(try model.group(app).processes.first?.processed == 1)
    }

    @Test func `when all are busy a request waits and one process is spawned at a time`() throws {
        var model = PoolModel()
        let app = model.define()
        let tickets = try (0..<4).map { _ in try model.queue(app) }
        #expect(model.spawns.count == 1)
        try model.spawnEnds()
        #expect(model.grantOrder == [tickets[0]])
        #expect(model.spawns.count == 1)
        try model.spawnEnds()
        #expect(model.grantOrder == [tickets[0], tickets[1]])
        #expect(model.violations == [])
    }

    @Test func `who waits first is served first`() throws {
        var model = PoolModel(max: 1)
        let app = model.define()
        let tickets = try (0..<3).map { _ in try model.queue(app) }
        try model.spawnEnds()
        for ticket in tickets { model.release(try #require(model.grants[ticket]).session) }
        #expect(model.grantOrder == tickets)
    }

    @Test func `a request goes to the least busy process, of equals to the oldest`() throws {
        var model = PoolModel()
        model.concurrency = 4
        let app = model.define(GroupLimits(minInstances: 2), preStart: true)
        let first = try model.spawnEnds()
        let second = try model.spawnEnds()
        let grants = try (0..<4).map { _ in try model.use(app) }
        #expect(grants.map(\.process) == [first, second, first, second])
        model.release(grants[3].session)
        model.release(grants[1].session)
        #expect(try model.use(app).process == second)
        #expect(try model.use(app).process == second)
        model.release(grants[0].session)
        #expect(try model.use(app).process == first)
    }

    @Test func `a process without limit is never busy`() throws {
        var model = PoolModel()
        model.concurrency = 0
        let app = model.define()
        model.checkout(app)
        let process = try model.spawnEnds()
        for _ in 0..<1000 { #expect(try model.use(app).process == process) }
        #expect(model.spawns.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `the app's settings override what a process says of its concurrency`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(concurrencyOverride: 3), preStart: true)
        try model.spawnEnds()
        #expect(try model.group(app).processes.first?.concurrency == 3)
    }

    @Test func `a visitor stays with his process, even if he has to wait for it`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2), preStart: true)
        let first = try model.spawnEnds()
        let second = try model.spawnEnds()
        let grant = try model.use(app, sticky: second.stickyID)
        #expect(grant.process == second)
        let ticket = try model.queue(app, sticky: second.stickyID)
        #expect(try model.use(app).process == first)
        #expect(model.violations == [])
        model.release(grant.session)
        #expect(model.grants[ticket]?.process == second)
    }

    @Test func `a visitor whose process is gone gets any other one`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2), preStart: true)
        let first = try model.spawnEnds()
        let second = try model.spawnEnds()
        _ = try model.use(app, sticky: second.stickyID)
        let ticket = try model.queue(app, sticky: second.stickyID)
        let isDetached = model.detach(second)
        #expect(isDetached)
        #expect(model.grants[ticket]?.process == first)
        #expect(model.violations == [])
    }

    @Test func `a full queue refuses`() throws {
        var model = PoolModel(max: 1)
        let app = model.define(GroupLimits(maxQueueSize: 2))
        let tickets = try (0..<2).map { _ in try model.queue(app) }
        #expect(model.checkout(app) == .refused(.queueFull))
        let isCancelled = model.cancel(tickets[0])
        #expect(isCancelled)
        _ = try model.queue(app)
        #expect(model.checkout(app) == .refused(.queueFull))
    }

    @Test func `a queue without limit takes everybody`() throws {
        var model = PoolModel(max: 1)
        let app = model.define(GroupLimits(maxQueueSize: 0))
        for _ in 0..<500 { _ = try model.queue(app) }
    }

    @Test func `a cancelled request gets no process`() throws {
        var model = PoolModel()
        let app = model.define()
        let ticket = try model.queue(app)
        let first = model.cancel(ticket)
        let second = model.cancel(ticket)
        #expect(first)
        #expect(!second)
        try model.spawnEnds()
        #expect(model.grants.isEmpty)
        #expect(model.sessions.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `cancelling after the answer does nothing`() throws {
        var model = PoolModel()
        let app = model.define()
        let ticket = try model.queue(app)
        try model.spawnEnds()
        let isCancelled = model.cancel(ticket)
        #expect(!isCancelled)
        #expect(model.pool.sessionCount == 1)
    }

    @Test func `a session that was never used does not count`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequests: 1))
        model.checkout(app)
        let process = try model.spawnEnds()
        model.release(try #require(model.sessions.keys.first), wasUsed: false)
        #expect(try model.inService(app) == [process])
        #expect(try model.group(app).processes.first?.processed == 0)
    }

    @Test func `a session ends once`() throws {
        var model = PoolModel()
        let app = model.define()
        model.checkout(app)
        try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.release(session)
        let again = model.pool.sessionClosed(session, at: model.now)
        #expect(again == .ignored(reason: "unknown session"))
        #expect(model.violations == [])
    }

    @Test func `an unknown group is a fault of the caller`() {
        var pool = PoolModel().pool
        let action = pool.requestArrived(for: Group.ID(rawValue: 7), at: Instant(nanoseconds: 0))
        #expect(action == .ignored(reason: "unknown group"))
    }
}
