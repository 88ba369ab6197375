// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import WireProtocol

@testable import Supervisor

/// Groups that this core is to leave alone, on a faked pool.
struct PoolDriverQuarantineTests {
    private let bench = PoolBench()

    private func keepAway(seconds: UInt64 = 60) {
        let until = MonotonicClock.now + seconds * 1_000_000_000
        self.bench.driver.keepAway([.init(text: GroupMark(self.bench.key).bytes, until: until, crashes: 2)])
    }

    private func refusal() -> PoolRefusal? {
        let request = self.bench.checkout()
        return self.bench.client.refusals[request]
    }

    private var group: GroupInspection? { self.bench.driver.inspect().first }

    @Test func `requests are refused with a reason and a time, and nothing is looked at or started`() throws {
        self.keepAway()
        self.bench.fileWork.isHanging = true
        try self.bench.define(["min_instances": "2"], preStart: true)
        let refusal = try #require(self.refusal())
        #expect(refusal.reason == .backoff)
        #expect((59...60).contains(refusal.retryAfterSeconds))
        #expect(refusal.report?.summary.hasPrefix("in quarantine for 60 s") == true)
        #expect(self.bench.spawner.started == 0)
        #expect(self.group?.quarantined != nil && self.group?.lastFailure?.kind == "quarantine")
        // The report about it; no look at the app's files.
        #expect(self.bench.fileWork.held.count == 1)
        // Settings that come meanwhile wait as well.
        try self.bench.define(["min_instances": "3", "app_env": "test"], preStart: true)
        #expect(self.bench.spawner.started == 0)
    }

    @Test func `it is served when its time is over, with what was wanted meanwhile`() throws {
        self.keepAway()
        try self.bench.define(preStart: true)
        self.bench.wait(59_000)
        #expect(self.refusal() != nil && self.bench.spawner.started == 0)
        self.bench.wait(2_000)
        #expect(self.bench.spawner.started == 1)
        #expect(self.group?.quarantined == nil && self.group?.lastFailure == nil)
        let request = self.bench.checkout()
        try self.bench.spawner.succeed()
        #expect(self.bench.client.grants[request] != nil)
    }

    @Test func `it is served when it is lifted, by its name or by a front`() throws {
        self.keepAway()
        try self.bench.define()
        #expect(self.bench.driver.liftQuarantine(named: "/srv/other") == 0)
        #expect(self.bench.driver.liftQuarantine(named: self.bench.key.name) == 1)
        #expect(self.bench.driver.liftQuarantine(of: self.bench.key) == false)
        let request = self.bench.checkout()
        #expect(self.bench.client.refusals[request] == nil && self.bench.spawner.started == 1)
    }

    @Test func `one whose time was over before it came is served at once, and so are others`() throws {
        self.keepAway(seconds: 0)
        try self.bench.define()
        #expect(self.refusal() == nil && self.bench.spawner.started == 1)
    }
}
