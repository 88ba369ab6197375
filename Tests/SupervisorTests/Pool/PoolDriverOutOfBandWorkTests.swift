// SPDX-License-Identifier: MIT

import ApplicationPool
import ArgumentParser
import LinuxSystem
import Testing
import WireProtocol

@testable import Supervisor

/// Out-of-band work between the fronts, the pool and the processes.
struct PoolDriverOutOfBandWorkTests {
    private static let asking = ReleaseOutcome(.ok, outOfBandWorkRequested: true)

    /// An app with two idle processes.
    private func bench(
        concurrency: Int = 1,
        limits: PoolLimits = PoolLimits(outOfBandTimeout: .seconds(5))
    ) throws -> (PoolBench, [FakeProcess]) {
        let bench = PoolBench(limits: limits)
        try bench.define(["min_instances": "2"], preStart: true)
        let processes = try (17...18).map { try bench.spawner.succeed(pid: $0, concurrency: concurrency) }
        return (bench, processes)
    }

    /// One request whose answer asks for work; the process that it had.
    private func ask(_ bench: PoolBench, _ outcome: ReleaseOutcome = Self.asking) throws -> ProcessID {
        let request = bench.checkout()
        let grant = try #require(bench.client.grants[request])
        bench.driver.release(grant.session, outcome: outcome)
        return grant.process
    }

    @Test func `a process that asks is told, and gets no request until it has answered`() throws {
        let (bench, processes) = try self.bench()
        #expect(try self.ask(bench) == processes[0].id)
        #expect(processes.map(\.log) == [["oobw"], []])
        #expect(try self.ask(bench, .ok) == processes[1].id)
        bench.wait(3000)
        bench.driver.outOfBandWorkDone(processes[0].id)
        #expect(try self.ask(bench, .ok) == processes[0].id)
        bench.wait(10_000)
        #expect(processes.map(\.log) == [["oobw"], []])
        #expect(bench.driver.impossibleEvents == 0)
    }

    @Test func `an administrator asks by the PID, and whoever may not control the process finds none`() throws {
        let (bench, processes) = try self.bench()
        let (driver, key) = (bench.driver, bench.key)
        for pid: Int32 in [17, 18, 19] {
            #expect(driver.requestOutOfBandWork(of: pid, for: 1002) { _, uid in uid == 1002 } == .unknownProcess)
        }
        #expect(processes.map(\.log) == [[], []])
        #expect(driver.requestOutOfBandWork(of: 19, for: 1001) { _, _ in true } == .unknownProcess)
        #expect(driver.requestOutOfBandWork(of: 18, for: 1001) { $0 == key && $1 == 1001 } == nil)
        #expect(processes.map(\.log) == [[], ["oobw"]])
        driver.processExited(processes[0].exit())
        #expect(driver.requestOutOfBandWork(of: 17, for: 0) { _, _ in true } == .unknownProcess)
        #expect(bench.driver.impossibleEvents == 0)
    }

    @Test func `the status says that it is disabled`() throws {
        let (bench, _) = try self.bench()
        _ = try self.ask(bench)
        let states = bench.driver.inspect().flatMap { $0.processes.map { ProcessReport.State($0.state) } }
        #expect(states == [.disabled, .enabled])
    }

    @Test func `a lease whose last answer asked is given back and counts as one`() throws {
        let (bench, processes) = try self.bench()
        bench.client.leaseHolder = LeaseHolder(rawValue: 1)
        let request = bench.checkout()
        let grant = try #require(bench.client.grants[request])
        #expect(grant.uses > 1)
        bench.driver.release(grant.session, outcome: Self.asking, carried: Carried(uses: 7))
        #expect(processes[0].log == ["oobw"])
    }

    @Test func `one that does not answer in time is stopped, or serves again if it takes several requests`() throws {
        for (concurrency, log) in [(1, ["oobw", "terminate"]), (0, ["oobw"])] {
            let (bench, processes) = try self.bench(concurrency: concurrency)
            _ = try self.ask(bench)
            bench.wait(5000)
            #expect(processes[0].log == log)
            #expect(try self.ask(bench, .ok) == processes[concurrency == 1 ? 1 : 0].id)
            bench.driver.outOfBandWorkDone(processes[0].id)
            #expect(bench.driver.impossibleEvents == 0)
        }
    }

    @Test func `what processes say unasked, or at their end, changes nothing`() throws {
        let (bench, processes) = try self.bench()
        bench.driver.outOfBandWorkDone(processes[1].id)
        bench.driver.outOfBandWorkDone(ProcessID(rawValue: 99))
        _ = try self.ask(bench)
        bench.driver.processExited(processes[0].exit(.exited(1)))
        bench.driver.outOfBandWorkDone(processes[0].id)
        #expect(try self.ask(bench, .ok) == processes[1].id)
        #expect(bench.driver.impossibleEvents == 0)
    }

    private func limits(_ flags: String...) throws -> PoolLimits {
        PoolLimits(try DaemonCommand.parse(["--socket-file=/run/fp.sock"] + flags).options.pool)
    }

    @Test func `limits come from the command line`() throws {
        let limits = try self.limits("--oobw-limit=3", "--oobw-timeout=5s")
        #expect(limits.outOfBandLimit == 3)
        #expect(limits.outOfBandTimeout == .seconds(5))
        let standard = try self.limits()
        #expect(standard.outOfBandLimit == 0)
        #expect(standard.outOfBandTimeout == .seconds(60))
        #expect(throws: (any Error).self) { try self.limits("--oobw-timeout=0") }
    }
}
