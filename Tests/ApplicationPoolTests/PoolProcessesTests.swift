// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct PoolProcessesTests {
    /// An app with one process that serves one session.
    private func busyApp(_ limits: GroupLimits = GroupLimits()) throws -> (PoolModel, Group.ID, Process.ID, Session.ID)
    {
        var model = PoolModel()
        let app = model.define(limits)
        _ = try model.queue(app)
        let process = try model.spawnEnds()
        return (model, app, process, try #require(model.sessions.keys.first))
    }

    @Test func `a detached process finishes its session, then stops`() throws {
        var (model, app, process, session) = try self.busyApp()
        let isDetached = model.detach(process)
        #expect(isDetached)
        #expect(model.processes[process]?.isStopped == false)
        #expect(model.spawns.map(\.group) == [app])
        model.release(session)
        #expect(model.processes[process]?.isStopped == true)
        #expect(model.exits(process) == .ended(sessions: [], Orders()))
        #expect(model.violations == [])
    }

    @Test func `detaching twice is harmless`() throws {
        var (model, _, process, _) = try self.busyApp()
        let results = [model.detach(process), model.detach(process)]
        #expect(results == [true, false])
        #expect(model.violations == [])
    }

    @Test(arguments: [(0, 2), (2, 2), (30, 30), (600, 60)])
    func `the time to end is that for the last requests, within bounds`(shutdownTimeout: Int, exitTime: Int) throws {
        var (model, _, process, session) = try self.busyApp(GroupLimits(shutdownTimeout: .seconds(shutdownTimeout)))
        model.release(session)
        _ = model.detach(process)
        model.wait(.seconds(exitTime) - .milliseconds(1))
        #expect(model.processes[process].map { $0.isStopped && !$0.isKilled } == true)
        model.wait(.milliseconds(1))
        #expect(model.processes[process]?.isKilled == true)
    }

    @Test func `a detached process is stopped when its time is over, and killed when it does not end`() throws {
        var (model, _, process, session) = try self.busyApp(GroupLimits(shutdownTimeout: .seconds(30)))
        _ = model.detach(process)
        model.wait(.seconds(29))
        #expect(model.processes[process]?.isStopped == false)
        model.wait(.seconds(1))
        #expect(model.processes[process]?.isStopped == true)
        model.wait(.seconds(29))
        #expect(model.processes[process]?.isKilled == false)
        model.wait(.seconds(1))
        #expect(model.processes[process]?.isKilled == true)
        guard case .ended(let sessions, _) = model.exits(process) else {
            Issue.record("not ended")
            return
        }
        #expect(sessions == [session])
        #expect(model.violations == [])
    }

    @Test func `the waiters of a detached process are served by others`() throws {
        var model = PoolModel()
        let app = model.define(GroupLimits(minInstances: 2, maxInstances: 2), preStart: true)
        let first = try model.spawnEnds()
        let second = try model.spawnEnds()
        let grants = try (0..<2).map { _ in try model.use(app) }
        let ticket = try model.queue(app)
        _ = model.detach(first)
        model.release(grants[1].session)
        #expect(model.grants[ticket]?.process == second)
        #expect(model.violations == [])
    }

    @Test func `a crash ends the sessions, and a process that had lived is replaced at once`() throws {
        var (model, app, process, session) = try self.busyApp()
        model.wait(.seconds(10))
        guard case .crashed(let life, let sessions, _) = model.exits(process) else {
            Issue.record("not crashed")
            return
        }
        #expect(life == .seconds(10))
        #expect(sessions == [session])
        #expect(model.spawns.map(\.group) == [app])
        #expect(model.violations == [])
    }

    @Test func `without minimum a crashed process does not come back`() throws {
        var (model, _, process, _) = try self.busyApp(GroupLimits(minInstances: 0))
        model.wait(.seconds(10))
        model.exits(process)
        model.wait(.seconds(100))
        #expect(model.spawns.isEmpty)
    }

    @Test func `after one death without a request, requests wait for the next try`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        model.exits(try model.spawnEnds())
        #expect(model.spawns.isEmpty)
        let ticket = try model.queue(app)
        #expect(model.spawns.isEmpty)
        model.wait(.seconds(1))
        try model.spawnEnds()
        #expect(model.grants[ticket] != nil)
        #expect(model.violations == [])
    }

    @Test func `starts that fail again and again are held back, and requests refused`() throws {
        var model = PoolModel()
        let app = model.define(preStart: true)
        model.exits(try model.spawnEnds())
        let waiting = try model.queue(app)
        model.wait(.seconds(1))
        try model.spawnFails()
        #expect(model.refusals[waiting] == .spawnFailed)
        let until = model.now.advanced(by: .seconds(2))
        #expect(model.checkout(app) == .refused(.backingOff(until: until)))
        #expect(model.violations == [])
    }

    @Test func `a process that ended during a request is replaced at once, or within a second if that is frequent`()
        throws
    {
        var model = PoolModel()
        let app = model.define(GroupLimits(maxInstances: 1))
        var waiting = try model.queue(app)
        for number in 1...20 {
            let process = try model.spawnEnds()
            #expect(model.grants[waiting] != nil)
            waiting = try model.queue(app)
            model.exits(process)
            if number > RestartPace.atOnce {
                #expect(model.spawns.isEmpty)
                model.wait(.seconds(1))
            }
            #expect(model.refusals[waiting] == nil)
            #expect(model.spawns.count == 1)
        }
        #expect(model.violations == [])
    }

    @Test func `a process that ended during a request costs the others of its group nothing`() throws {
        var (model, app, process, _) = try self.busyApp(GroupLimits(minInstances: 2))
        try model.spawnEnds()
        model.exits(process)
        #expect(model.spawns.count == 1)
        _ = try model.use(app)
        #expect(model.violations == [])
    }

    @Test func `an exit that is told twice is told twice in vain`() throws {
        var (model, _, process, _) = try self.busyApp()
        model.exits(process)
        #expect(model.exits(process) == .ignored(reason: "unknown process"))
        #expect(model.violations == [])
    }

    @Test func `upgraded sessions are cut when their process is detached`() throws {
        var (model, _, process, session) = try self.busyApp()
        model.upgrade(session)
        _ = model.detach(process)
        #expect(model.aborted == [session: .processDetached])
        #expect(model.processes[process]?.isStopped == true)
        #expect(model.violations == [])
    }

    @Test func `upgraded sessions are waited for when the app wants it`() throws {
        var (model, _, process, session) = try self.busyApp(GroupLimits(abortsUpgradedSessions: false))
        model.upgrade(session)
        _ = model.detach(process)
        #expect(model.aborted.isEmpty)
        #expect(model.processes[process]?.isStopped == false)
        model.release(session)
        #expect(model.processes[process]?.isStopped == true)
    }

    @Test func `a session that is upgraded on a detached process is cut`() throws {
        var (model, _, process, session) = try self.busyApp()
        _ = model.detach(process)
        model.upgrade(session)
        #expect(model.aborted == [session: .processDetached])
        #expect(model.processes[process]?.isStopped == true)
        #expect(model.violations == [])
    }

    @Test func `an app that restarts faster than its processes end has no more than two generations of them`() throws {
        var model = PoolModel(max: 6)
        let group = model.define(GroupLimits(maxInstances: 2))
        var told: [Process.ID] = []
        for _ in 0..<20 {
            _ = try model.queue(group)
            told.append(try model.spawnEnds())
            model.release(try #require(model.sessions.keys.first))
            model.wait(.seconds(1))
            model.restart(group)
            let left = told.filter { model.processes[$0]?.isKilled == false }
            #expect(left == Array(told.suffix(4)), "the one that was told first is killed")
        }
        #expect(model.violations == [])
    }
}
