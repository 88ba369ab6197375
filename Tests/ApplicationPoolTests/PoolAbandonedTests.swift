// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolAbandonedTests {
    private static let limits = GroupLimits(minInstances: 1, abandonedTimeout: .seconds(20))

    @Test func `a process that ends its answer in time goes on`() throws {
        var model = PoolModel()
        let app = model.define(Self.limits)
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.abandon(session)
        model.wait(.seconds(19))
        model.release(session)
        model.wait(.seconds(60))
        #expect(model.gaveUp.isEmpty)
        #expect(try model.inService(app) == [process])
        #expect(model.violations == [])
    }

    @Test func `a process that takes one at a time is replaced first, then stopped, then killed`() throws {
        var model = PoolModel()
        var limits = Self.limits
        limits.shutdownTimeout = .seconds(10)
        let app = model.define(limits)
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.abandon(session)
        let waiting = try model.queue(app)
        model.wait(.seconds(20))
        #expect(model.gaveUp == [session])
        #expect(model.processes[process]?.isDraining == true)
        try model.spawnEnds()
        #expect(model.grants[waiting] != nil)
        #expect(model.processes[process]?.isStopped == false)
        model.wait(.seconds(10))
        #expect(model.processes[process]?.isStopped == true)
        #expect(model.processes[process]?.isKilled == false)
        model.wait(.seconds(10))
        #expect(model.processes[process]?.isKilled == true)
        #expect(model.violations == [])
    }

    @Test func `where a process takes several, only the session ends`() throws {
        var model = PoolModel()
        model.concurrency = 0
        let app = model.define(Self.limits)
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.abandon(session)
        model.wait(.seconds(20))
        #expect(model.gaveUp == [session])
        #expect(try model.group(app).processes.map(\.sessions) == [0])
        #expect(model.processes[process]?.isDraining == false)
        #expect(model.violations == [])
    }

    @Test func `the limit of the request itself strikes first`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxRequestTime: .seconds(5), abandonedTimeout: .seconds(20)))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        model.abandon(session)
        model.wait(.seconds(5))
        #expect(model.aborted[session] == .maxRequestTime)
        #expect(model.processes[process]?.isKilled == true)
        #expect(model.violations == [])
    }

    @Test func `as long as a process that stops may work, unless said otherwise`() {
        #expect(GroupLimits(shutdownTimeout: .seconds(7)).abandonedTimeout == .seconds(7))
    }
}
