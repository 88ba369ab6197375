// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolShutdownTests {
    /// One busy process, one idle one of another app, and one spawn under way for a third.
    private func model() throws -> (PoolModel, busy: Process.ID, idle: Process.ID) {
        var model = PoolModel()
        let apps = [model.define(), model.define(preStart: true), model.define()]
        let idle = try model.spawnEnds()
        _ = try model.queue(apps[0])
        let busy = try model.spawnEnds()
        _ = try model.queue(apps[2])
        return (model, busy, idle)
    }

    @Test func `an empty pool is drained at once`() {
        var model = PoolModel()
        model.shutdown()
        #expect(model.isDrained)
    }

    @Test func `sessions finish, everything else ends`() throws {
        var (model, busy, idle) = try self.model()
        let waiting = try #require(model.waiting.first)
        model.shutdown()
        #expect(model.refusals == [waiting: .shuttingDown])
        #expect(model.processes[idle]?.isStopped == true)
        #expect(model.processes[busy]?.isStopped == false)
        #expect(model.spawns.map(\.isCancelled) == [true])
        #expect(model.checkout(model.pool.groups[0].id) == .refused(.shuttingDown))
        model.exits(idle)
        model.release(try #require(model.sessions.keys.first))
        #expect(model.processes[busy]?.isStopped == true)
        model.exits(busy)
        #expect(!model.isDrained)
        try model.spawnFails()
        #expect(model.isDrained)
        #expect(model.violations == [])
    }

    @Test func `a process of a late spawn is stopped and waited for`() throws {
        var (model, busy, idle) = try self.model()
        model.shutdown()
        model.exits(idle)
        model.exits(busy)
        let late = try model.spawnEnds()
        #expect(model.processes[late]?.isStopped == true)
        #expect(!model.isDrained)
        model.exits(late)
        #expect(model.isDrained)
        #expect(model.violations == [])
    }

    @Test func `sessions may last until the limit, then processes stop, then they are killed`() throws {
        var (model, busy, idle) = try self.model()
        model.shutdown(limit: .seconds(20))
        model.wait(.seconds(19))
        #expect(model.processes[busy]?.isStopped == false)
        model.wait(.seconds(1))
        #expect(model.processes[busy]?.isStopped == true)
        #expect(model.processes[idle]?.isKilled == false)
        model.wait(.seconds(5))
        #expect(model.processes[busy]?.isKilled == true)
        #expect(model.processes[idle]?.isKilled == true)
        #expect(model.violations == [])
    }

    @Test func `hurry stops everything now and kills after a few seconds`() throws {
        var (model, busy, _) = try self.model()
        model.shutdown()
        model.hurry()
        #expect(model.processes[busy]?.isStopped == true)
        model.wait(.seconds(5))
        #expect(model.processes.values.allSatisfy { $0.isKilled })
        #expect(model.violations == [])
    }

    @Test func `hurry needs no shutdown before it, and killing everything neither`() throws {
        var (model, _, _) = try self.model()
        model.hurry()
        #expect(model.processes.values.allSatisfy { $0.isStopped })
        model.killAll()
        #expect(model.processes.values.allSatisfy { $0.isKilled })
        #expect(model.violations == [])
    }

    @Test func `a process that was being detached may not take longer than the shutdown`() throws {
        var model = PoolModel()
        let app = model.define()
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        _ = model.detach(process)
        model.shutdown(limit: .seconds(3))
        model.wait(.seconds(3))
        #expect(model.processes[process]?.isStopped == true)
        #expect(model.violations == [])
    }

    @Test func `a restart during a shutdown does nothing`() throws {
        var (model, _, _) = try self.model()
        model.shutdown()
        for group in model.pool.groups { model.restart(group.id) }
        #expect(model.spawns.filter { !$0.isCancelled }.isEmpty)
        #expect(model.violations == [])
    }
}
