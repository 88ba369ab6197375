// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolGroupsTests {
    @Test func `a restart replaces all processes, and requests wait for the new ones`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2), preStart: true)
        let old = [try model.spawnEnds(), try model.spawnEnds()]
        let grant = try model.use(app)
        model.restart(app)
        #expect(model.processes[old[0]]?.isStopped == false)
        #expect(model.processes[old[1]]?.isStopped == true)
        let ticket = try model.queue(app)
        let new = try model.spawnEnds()
        #expect(model.grants[ticket]?.process == new)
        #expect(try model.group(app).processes.map(\.generation) == [1])
        model.release(grant.session)
        #expect(model.processes[old[0]]?.isStopped == true)
        try model.spawnEnds()
        #expect(model.spawns.isEmpty)
        #expect(model.violations == [])
    }

    @Test func `a restart discards the spawn under way, a newer one supersedes the older`() throws {
        var model = PoolModel()
        let app = model.define()
        let ticket = try model.queue(app)
        model.restart(app)
        model.restart(app)
        #expect(model.spawns.map(\.isCancelled) == [true, true, false])
        let discarded = try model.spawnEnds()
        #expect(model.processes[discarded]?.isStopped == true)
        #expect(model.grants.isEmpty)
        try model.spawnFails()
        #expect(model.refusals.isEmpty)
        let wanted = try model.spawnEnds()
        #expect(model.grants[ticket]?.process == wanted)
        #expect(try model.group(app).generation == 2)
        #expect(model.violations == [])
    }

    @Test func `a restart ends a backoff`() throws {
        var model = PoolModel()
        let app = model.define()
        _ = try model.queue(app)
        try model.spawnFails()
        model.restart(app)
        _ = try model.queue(app)
        #expect(model.spawns.count == 1)
    }

    @Test func `a restart without minimum spawns for requests only`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 0))
        _ = try model.queue(app)
        let old = try model.spawnEnds()
        model.release(try #require(model.sessions.keys.first))
        model.restart(app)
        #expect(model.processes[old]?.isStopped == true)
        #expect(model.spawns.isEmpty)
        _ = try model.queue(app)
        #expect(model.spawns.count == 1)
    }

    @Test func `a restart leaves other groups alone`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        let other = model.define(preStart: true)
        try model.spawnEnds(app)
        let process = try model.spawnEnds(other)
        model.restart(app)
        #expect(try model.inService(other) == [process])
    }

    @Test func `a restart is under way until those who waited for it are served`() throws {
        var model = PoolModel()
        let app = model.define()
        #expect(!model.pool.isRestarting(app))
        let tickets = [try model.queue(app), try model.queue(app)]
        #expect(model.pool.isRestarting(app))
        try model.spawnEnds()
        #expect(model.pool.isRestarting(app))
        model.release(try #require(model.grants[tickets[0]]).session)
        try model.spawnEnds()
        #expect(!model.pool.isRestarting(app))
    }

    @Test func `requests that came after a restart do not make it last`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxInstances: 1))
        let waited = [try model.queue(app), try model.queue(app)]
        model.wait(.seconds(1))
        try model.spawnEnds()
        model.wait(.seconds(1))
        _ = try model.queue(app)
        #expect(model.pool.isRestarting(app))
        model.release(try #require(model.grants[waited[0]]).session)
        #expect(model.grants[waited[1]] != nil)
        // Only the one that came later waits now.
        #expect(model.waiting.count == 1)
        #expect(!model.pool.isRestarting(app))
    }

    @Test func `a larger minimum is spawned, a smaller maximum trims`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        try model.spawnEnds()
        model.change(GroupLimits(minInstances: 3), of: app)
        try model.spawnEnds()
        try model.spawnEnds()
        #expect(model.spawns.isEmpty)
        model.change(GroupLimits(maxInstances: 2), of: app)
        #expect(try model.inService(app).count == 2)
        let grants = try (0..<2).map { _ in try model.use(app) }
        model.change(GroupLimits(maxInstances: 1), of: app)
        #expect(try model.inService(app).count == 2)
        model.release(grants[0].session)
        #expect(try model.inService(app).count == 1)
        #expect(model.violations == [])
    }

    @Test func `a retired group refuses, finishes and is forgotten`() throws {
        var model = PoolModel(max: 1)
        let other = model.define()
        let app = model.define(GroupLimits(minInstances: 1))
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        let session = try #require(model.sessions.keys.first)
        let waiting = try model.queue(app)
        _ = try model.queue(other)
        model.retire(app)
        #expect(model.refusals[waiting] == .retired)
        #expect(model.checkout(app) == .refused(.retired))
        #expect(model.spawns.map(\.group) == [other])
        model.release(session)
        #expect(model.goneGroups.isEmpty)
        model.exits(process)
        #expect(model.goneGroups == [app])
        #expect(model.violations == [])
    }

    @Test func `a group that is retired while it spawns is forgotten when the spawn has ended`() throws {
        var model = PoolModel()
        let apps = [model.define(), model.define()]
        for app in apps { _ = try model.queue(app) }
        for app in apps { model.retire(app) }
        try model.spawnFails(apps[0])
        #expect(model.goneGroups == [apps[0]])
        let process = try model.spawnEnds(apps[1])
        #expect(model.processes[process]?.isStopped == true)
        model.exits(process)
        #expect(model.goneGroups == Set(apps))
        #expect(model.violations == [])
    }

    @Test func `a retired group without processes is forgotten at once`() {
        var model = PoolModel()
        let app = model.define()
        model.retire(app)
        #expect(model.goneGroups == [app])
        #expect(model.pool.groups.isEmpty)
    }
}
