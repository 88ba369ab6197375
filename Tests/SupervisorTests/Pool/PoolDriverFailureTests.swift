// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// Last failures and their details, on a faked pool.
struct PoolDriverFailureTests {
    private let bench = PoolBench()

    private func details(_ id: String) -> FailureReport? {
        self.bench.driver.failureReport(id, of: self.bench.key).flatMap { FailureReport(json: $0.readableBytesView) }
    }

    private func refusal() -> PoolRefusal? {
        let request = self.bench.checkout()
        return self.bench.client.refusals[request]
    }

    @Test(arguments: [
        (["app_env": "development"], true), ([:], false), (["app_env": "staging"], false),
        (["friendly_error_pages": "on"], true), (["app_env": "development", "friendly_error_pages": "off"], false),
    ])
    func `details are to be had where friendly pages are on`(settings: [String: String], isOn: Bool) throws {
        try self.bench.define(settings)
        let request = self.bench.checkout()
        try self.bench.spawner.fail(output: "boot\nno such gem")
        #expect(self.bench.client.refusals[request]?.report?.hasDetails == isOn)
        #expect(self.details("00000abc")?.output == (isOn ? "boot\nno such gem" : nil))
        #expect(self.details("00000abd") == nil)
        let other = GroupKey(namespace: .uid(1), name: "/srv/shop")
        #expect(self.bench.driver.failureReport("00000abc", of: other) == nil)
    }

    @Test func `friendly pages that are switched on or off count for the stored failure at once`() throws {
        try self.bench.define()
        self.bench.checkout()
        try self.bench.spawner.fail()
        #expect(self.refusal()?.report?.hasDetails == false && self.details("00000abc") == nil)
        try self.bench.define(["friendly_error_pages": "on"])
        #expect(self.refusal()?.report?.hasDetails == true && self.details("00000abc") != nil)
        try self.bench.define(["friendly_error_pages": "off"])
        #expect(self.refusal()?.report?.hasDetails == false && self.details("00000abc") == nil)
    }

    @Test func `all who wait get the error, and processes in service stay in service`() throws {
        try self.bench.define(["friendly_error_pages": "on"])
        let first = self.bench.checkout()
        let process = try self.bench.spawner.succeed(pid: 1)
        let waiting = (0..<3).map { _ in self.bench.checkout() }
        #expect(self.bench.spawner.spawns.count == 1)
        try self.bench.spawner.fail()
        for request in waiting {
            let refusal = self.bench.client.refusals[request]
            #expect(refusal?.report?.errorID == "00000abc" && refusal?.report?.hasDetails == true)
        }
        #expect(process.log == [])
        self.bench.driver.release(try #require(self.bench.client.grants[first]).session, outcome: .ok)
        let next = self.bench.checkout()
        #expect(self.bench.client.grants[next]?.process == process.id)
    }

    @Test func `a start that succeeds, or a restart, forgets the failure`() throws {
        try self.bench.define(["friendly_error_pages": "on"])
        self.bench.checkout()
        try self.bench.spawner.fail()
        #expect(self.details("00000abc") != nil)
        self.bench.driver.restart(self.bench.key)
        #expect(self.details("00000abc") == nil)
        self.bench.checkout()
        try self.bench.spawner.fail(id: 2)
        self.bench.wait(1000)
        self.bench.checkout()
        try self.bench.spawner.succeed()
        #expect(self.details("00000002") == nil)
        #expect(self.bench.driver.inspect().first?.lastFailure == nil)
    }

    /// One early death may be an accident and is waited for; after this one the next start will be held back.
    private func crashOnce() throws {
        let process = try self.bench.spawner.succeed(pid: 76)
        self.bench.driver.processExited(process.exit(.exited(1)))
        self.bench.wait(1000)
    }

    @Test func `a crash has an ID and a report, which refusals show while no process may be started`() throws {
        try self.bench.define(["friendly_error_pages": "on"], preStart: true)
        try self.crashOnce()
        let process = try self.bench.spawner.succeed(pid: 77)
        self.bench.wait(2000)
        self.bench.driver.processExited(
            process.exit(.signaled(11, coreDumped: false), lastOutput: "here we go\n[BUG] Segmentation fault")
        )
        let failure = try #require(self.bench.driver.inspect().first?.lastFailure)
        #expect(failure.kind == "crash" && failure.errorID.utf8.count == 8 && failure.errorID != "00000000")
        #expect(failure.summary.hasPrefix("process 77 ended by itself after 2 s: signal"))
        let refusal = try #require(self.refusal())
        #expect(refusal.reason == .backoff && refusal.report?.errorID == failure.errorID)
        let report = try #require(self.details(failure.errorID))
        #expect(report.kind == "crash" && report.title == "The application crashed")
        #expect(report.output.hasSuffix("[BUG] Segmentation fault"))
        #expect(report.user?.name == "joe" && report.failedStep == "")
    }

    @Test(arguments: [(Int64(0), "while 2 requests were running"), (1500, "exit code 9")])
    func `requests that a crash broke off count, though the front told first`(pause: Int64, ending: String) throws {
        try self.bench.define(["max_instances": "1"])
        let requests = [self.bench.checkout(), self.bench.checkout()]
        let process = try self.bench.spawner.succeed(concurrency: 0)
        for request in requests {
            let session = try #require(self.bench.client.grants[request]).session
            self.bench.driver.release(session, outcome: .upstreamFailed)
        }
        self.bench.wait(pause)
        self.bench.driver.processExited(process.exit(.exited(9)))
        let summary = try #require(self.bench.driver.inspect().first?.lastFailure).summary
        #expect(summary.hasSuffix(ending), "\(summary)")
    }

    @Test func `a crash is known at once, its details when they are filed`() throws {
        try self.bench.define(["friendly_error_pages": "on"], preStart: true)
        try self.crashOnce()
        let process = try self.bench.spawner.succeed()
        self.bench.fileWork.isHanging = true
        self.bench.driver.processExited(process.exit(.exited(3)))
        let failure = try #require(self.bench.driver.inspect().first?.lastFailure)
        let id = failure.errorID
        #expect(self.details(id) == nil)
        #expect(self.refusal()?.report == SpawnReport(errorID: id, summary: failure.summary))
        self.bench.fileWork.finish()
        #expect(self.details(id)?.kind == "crash")
    }

    @Test func `a failed start is answered within a second, whatever the disk does`() throws {
        try self.bench.define(["friendly_error_pages": "on"])
        self.bench.fileWork.finish()
        let request = self.bench.checkout()
        self.bench.fileWork.isHanging = true
        try self.bench.spawner.fail()
        #expect(self.bench.client.refusals[request] == nil)
        self.bench.wait(1000)
        #expect(self.bench.client.refusals[request]?.report?.hasDetails == true)
        #expect(self.bench.driver.impossibleEvents == 0 && self.bench.driver.violations == [])
    }

    @Test func `only the latest failures keep their details`() throws {
        let settings = try PoolBench.settings(["friendly_error_pages": "on"])
        let keys = (0..<300).map { GroupKey(namespace: .authority, name: "/srv/\($0)") }
        for (number, key) in keys.enumerated() {
            self.bench.driver.define(key, settings: settings, authority: .full, preStart: true)
            try self.bench.spawner.fail(id: UInt32(number))
            #expect(self.bench.spawner.spawns.isEmpty)
        }
        let failed = keys.indices.filter { number in
            let id = ErrorID(UInt32(number)).description
            return self.bench.driver.failureReport(id, of: keys[number]) != nil
        }
        #expect(failed.count == 256 && failed.last == 299)
    }
}
