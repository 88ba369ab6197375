// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolInspectionTests {
    private func view(_ model: PoolModel, _ group: Group.ID) throws -> Pool.GroupView {
        try #require(model.pool.inspect(at: model.now).first { $0.group.id == group })
    }

    @Test func `groups are shown in the order in which they came`() throws {
        var model = PoolModel()
        let groups = (0..<4).map { _ in model.define() }
        model.retire(groups[1])
        #expect(model.pool.inspect(at: model.now).map(\.group.id) == [groups[0], groups[2], groups[3]])
    }

    @Test func `a waiting request is either in the group's queue or in the top-level one`() throws {
        var model = PoolModel(max: 1)
        let first = model.define()
        let second = model.define()
        let ticket = try model.queue(first)
        model.wait(.seconds(2))
        _ = try model.queue(second)
        #expect(try self.view(model, first).requestsInQueue == 1)
        #expect(try self.view(model, first).requestsInTopLevelQueue == 0)
        #expect(try self.view(model, first).waiting.map(\.ticket) == [ticket])
        #expect(try self.view(model, second).requestsInQueue == 0)
        #expect(try self.view(model, second).requestsInTopLevelQueue == 1)
    }

    @Test func `a request that waits for the end of a backoff does not wait for room`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        model.exits(try model.spawnEnds())
        _ = try model.queue(app)
        let view = try self.view(model, app)
        #expect(view.requestsInQueue == 1)
        #expect(view.requestsInTopLevelQueue == 0)
        #expect(view.failures == 1)
        #expect(view.blockedUntil == model.now.advanced(by: .seconds(1)))
    }

    @Test func `a group restarts until its first new process is there`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        #expect(try !self.view(model, app).isRestarting)
        try model.spawnEnds()
        model.restart(app)
        #expect(try self.view(model, app).isRestarting)
        try model.spawnEnds()
        #expect(try !self.view(model, app).isRestarting)
    }

    @Test func `a process is found by its number as long as it lives`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        let process = try model.spawnEnds()
        #expect(model.pool.group(of: process) == app)
        model.exits(process)
        #expect(model.pool.group(of: process) == nil)
    }

    @Test func `violations of the invariants are found`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        try model.spawnEnds()
        #expect(model.pool.violations(at: model.now) == [])
        model.pool.usage += 1
        #expect(model.pool.violations(at: model.now).count == 1)
        model.pool.usage -= 1
        model.pool.groups[0].queue.append(
            Waiter(number: 1, stickyID: 0, since: model.now, deadline: nil)
        )
        #expect(model.pool.violations(at: model.now).contains { $0.contains("while a process could take it") })
        model.pool.groups[0].processes[0].sessions = 2
        #expect(model.pool.violations(at: model.now).contains { $0.contains("overloaded") })
        #expect(try model.inService(app).count == 1)
    }
}
