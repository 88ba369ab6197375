// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// Restart files of a real directory, on a faked pool.
struct PoolDriverRestartTests {
    private let directory: TestDirectory
    private let bench = PoolBench()

    init() throws {
        self.directory = try TestDirectory()
    }

    private func define(_ settings: [String: String] = [:]) throws {
        try self.bench.define(settings.merging(["app_root": self.directory.path]) { own, _ in own })
    }

    /// Puts a new file in place: another inode, whatever the clock says.
    private func touch(_ name: String = "tmp/restart.txt") throws {
        try self.directory.write("", to: "\(name).new")
        try Files.rename(self.directory.file("\(name).new"), to: self.directory.file(name))
    }

    /// A request that is answered at once.
    private func use() throws -> PoolGrant {
        let request = self.bench.checkout()
        let grant = try #require(self.bench.client.grants[request])
        self.bench.driver.release(grant.session, outcome: .ok)
        return grant
    }

    private func startApp() throws -> FakeProcess {
        self.bench.checkout()
        let process = try self.bench.spawner.succeed(pid: 1)
        for grant in self.bench.client.grants.values { self.bench.driver.release(grant.session, outcome: .ok) }
        return process
    }

    @Test func `the first request after a touch gets a new process`() throws {
        try self.touch()
        try self.define()
        let old = try self.startApp()
        #expect(try self.use().process == old.id)
        try self.touch()
        #expect(self.bench.spawner.spawns.isEmpty)
        let request = self.bench.checkout()
        #expect(self.bench.client.grants[request] == nil)
        #expect(old.log == ["terminate"])
        let new = try self.bench.spawner.succeed(pid: 2)
        #expect(self.bench.client.grants[request]?.process == new.id)
        self.bench.driver.release(try #require(self.bench.client.grants[request]).session, outcome: .ok)
        #expect(try self.use().process == new.id)
    }

    @Test func `a file that was there when the app became known is no reason to restart, one that appears is`() throws {
        try self.define()
        let old = try self.startApp()
        #expect(try self.use().process == old.id)
        try self.touch()
        self.bench.checkout()
        #expect(old.log == ["terminate"])
    }

    @Test func `a file that vanishes is no reason to restart`() throws {
        try self.touch()
        try self.define()
        let process = try self.startApp()
        try Files.remove(self.directory.file("tmp/restart.txt"))
        #expect(try self.use().process == process.id)
    }

    @Test func `the restart directory can be another one`() throws {
        try self.define(["restart_dir": "public/restart"])
        let process = try self.startApp()
        try self.touch()
        #expect(try self.use().process == process.id)
        try self.touch("public/restart/restart.txt")
        self.bench.checkout()
        #expect(process.log == ["terminate"])
    }

    @Test func `a throttle delays the restart`() throws {
        try self.define(["stat_throttle_rate": "10"])
        let process = try self.startApp()
        try self.touch()
        #expect(try self.use().process == process.id)
        self.bench.wait(10_000)
        self.bench.checkout()
        #expect(process.log == ["terminate"])
    }

    @Test func `requests that arrived together share one look, later ones have their own`() throws {
        try self.define()
        let process = try self.startApp()
        var together: [Result<PoolGrant, any Error>] = []
        self.bench.driver.arrivedTogether {
            together.append(Result { try self.use() })
            together.append(
                Result {
                    try self.touch()
                    return try self.use()
                }
            )
        }
        #expect(try together.map { try $0.get().process } == [process.id, process.id])
        self.bench.checkout()
        #expect(process.log == ["terminate"])
    }

    @Test func `with always_restart each request has a new process, and requests meanwhile share it`() throws {
        try self.define()
        let first = try self.startApp()
        try self.touch("tmp/always_restart.txt")
        let requests = [self.bench.checkout(), self.bench.checkout()]
        #expect(first.log == ["terminate"])
        #expect(self.bench.spawner.started == 2)
        let second = try self.bench.spawner.succeed(pid: 2)
        let grant = try #require(self.bench.client.grants[requests[0]])
        self.bench.driver.release(grant.session, outcome: .ok)
        #expect(self.bench.client.grants[requests[1]]?.process == second.id)
    }

    @Test func `with always_restart no request starves, however many arrive during each restart`() throws {
        try self.define(["max_instances": "1"])
        _ = try self.startApp()
        try self.touch("tmp/always_restart.txt")
        var requests: [RequestID] = []
        for round in 1...5 {
            requests += [self.bench.checkout(), self.bench.checkout()]
            // Whoever waits longest is served by the process that its restart brought.
            try self.bench.spawner.succeed(pid: Int32(10 + round))
            requests.append(self.bench.checkout())
            var served = 0
            while let id = requests.first(where: { self.bench.client.grants[$0] != nil }) {
                let grant = try #require(self.bench.client.grants[id])
                requests.removeAll { $0 == id }
                self.bench.driver.release(grant.session, outcome: .ok)
                served += 1
            }
            #expect(served == 3 && requests.isEmpty)
        }
        #expect(self.bench.spawner.started == 6)
    }

    @Test func `a touch counts beside always_restart as well`() throws {
        try self.define()
        _ = try self.startApp()
        try self.touch("tmp/always_restart.txt")
        self.bench.checkout()
        #expect(self.bench.spawner.started == 2)
        // A second touch discards the start under way.
        try self.touch()
        self.bench.checkout()
        #expect(self.bench.spawner.started == 3)
        #expect(self.bench.spawner.spawns.first?.handle.isCancelled == true)
    }

    /// Moves the app's directory to a place that nobody has looked at, as a network file system would be.
    private func moveAway() throws {
        try Files.makeLink(at: self.directory.file("next"), to: "/dev/shm")
        try? Files.removeTree(self.directory.file("tmp"))
        try Files.rename(self.directory.file("next"), to: self.directory.file("tmp"))
    }

    @Test func `requests are held while a file thread finds out where the files are now`() throws {
        try self.define()
        let process = try self.startApp()
        try self.moveAway()
        self.bench.fileWork.isHanging = true
        let requests = [self.bench.checkout(), self.bench.checkout(), self.bench.checkout()]
        #expect(self.bench.fileWork.held.count == 1)
        #expect(self.bench.client.grants[requests[0]] == nil)
        self.bench.driver.cancel(requests[1], client: self.bench.client)
        self.bench.fileWork.finish()
        let grant = try #require(self.bench.client.grants[requests[0]])
        #expect(grant.process == process.id)
        self.bench.driver.release(grant.session, outcome: .ok)
        #expect(self.bench.client.grants[requests[1]] == nil)
        self.bench.driver.release(try #require(self.bench.client.grants[requests[2]]).session, outcome: .ok)
        // The kernel may answer from its caches now, but does not have to: others rename files at the same time.
        self.bench.fileWork.isHanging = false
        #expect(try self.use().process == process.id)
        self.bench.wait(1000)
        #expect(self.bench.client.grants.count == 4)
    }

    @Test func `requests are not held for longer than 200 ms, and then no more at all`() throws {
        try self.define()
        let process = try self.startApp()
        try self.moveAway()
        self.bench.fileWork.isHanging = true
        let request = self.bench.checkout()
        self.bench.wait(199)
        #expect(self.bench.client.grants[request] == nil)
        self.bench.wait(1)
        self.bench.driver.release(try #require(self.bench.client.grants[request]).session, outcome: .ok)
        #expect(try self.use().process == process.id)
        #expect(self.bench.fileWork.held.count == 1)
    }

    @Test func `an app that is retired while its requests are held refuses them`() throws {
        try self.define()
        _ = try self.startApp()
        try self.moveAway()
        self.bench.fileWork.isHanging = true
        let request = self.bench.checkout()
        self.bench.driver.retire(self.bench.key)
        self.bench.fileWork.finish()
        #expect(self.bench.client.refusals[request]?.reason == .unknownApp)
    }

    @Test func `a touch ends a backoff`() throws {
        try self.define()
        self.bench.checkout()
        try self.bench.spawner.fail()
        let refused = self.bench.checkout()
        #expect(self.bench.client.refusals[refused]?.reason == .backoff)
        try self.touch()
        self.bench.checkout()
        #expect(self.bench.spawner.spawns.count == 1)
    }

    @Test func `a file system that hangs holds up no request`() throws {
        self.bench.fileWork.isHanging = true
        try self.define()
        let process = try self.startApp()
        try self.touch()
        #expect(try self.use().process == process.id)
        #expect(self.bench.fileWork.held.count == 1)
        // Once it answers, what it says is where things begin.
        self.bench.fileWork.finish()
        #expect(try self.use().process == process.id)
        try self.touch()
        self.bench.checkout()
        #expect(process.log == ["terminate"])
    }
}
