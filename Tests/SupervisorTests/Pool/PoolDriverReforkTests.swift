// SPDX-License-Identifier: MIT

import ApplicationPool
import SpawnPlan
import Testing
import WireProtocol

@testable import Supervisor

/// Reforks between the pool and the spawner.
struct PoolDriverReforkTests {
    /// An app with two idle processes, the first of which is to fork the next preloader.
    private func begun() throws -> (PoolBench, [FakeProcess], FakeSpawner.Refork) {
        let bench = PoolBench()
        try bench.define(["min_instances": "2", "refork": "2"], preStart: true)
        let processes = try (17...18).map { try bench.spawner.succeed(pid: $0, forkGeneration: 0) }
        for _ in 0..<2 {
            #expect(bench.spawner.reforks.isEmpty)
            _ = try self.nextProcess(bench)
        }
        let refork = try #require(bench.spawner.reforks.first)
        return (bench, processes, refork)
    }

    private func nextProcess(_ bench: PoolBench) throws -> ProcessID {
        let request = bench.checkout()
        let grant = try #require(bench.client.grants[request])
        bench.driver.release(grant.session, outcome: .ok)
        return grant.process
    }

    private func failure(_ kind: SpawnFailure.Kind) -> SpawnFailure {
        StartContext(id: ErrorID(1), journey: Journey(.reforked))
            .failure(SpawnFailure.Cause(.app, kind, "it says so", step: .fork), at: .zero)
    }

    @Test func `the process that has served enough forks, serves again, and is replaced when all is well`() throws {
        let (bench, processes, refork) = try self.begun()
        #expect(refork.worker == processes[0].id && refork.request.key == bench.key)
        #expect(refork.request.processID != processes[0].id)
        #expect(try self.nextProcess(bench) == processes[1].id)
        refork.forked()
        #expect(try self.nextProcess(bench) == processes[0].id)
        #expect(bench.spawner.spawns.isEmpty)
        refork.completion(nil)
        for old in processes {
            #expect(old.log == [])
            try bench.spawner.succeed(pid: old.pid + 10, forkGeneration: 1)
            #expect(old.log == ["terminate"])
        }
        #expect(bench.spawner.spawns.isEmpty && bench.spawner.reforks.count == 1)
        #expect(bench.driver.impossibleEvents == 0)
    }

    @Test(arguments: [
        // Nothing came of it, so it is replaced; what says that it cannot, or could be forked, serves on.
        (SpawnFailure.Kind.preloaderFailed, false, ["terminate"]), (.preloaderFailed, true, []),
        (.resources, false, []),
    ])
    func `a failure leaves the others alone`(kind: SpawnFailure.Kind, hasForked: Bool, log: [String]) throws {
        let (bench, processes, refork) = try self.begun()
        if hasForked { refork.forked() }
        refork.completion(self.failure(kind))
        #expect(processes.map(\.log) == [log, []])
        #expect(bench.spawner.spawns.count == log.count)
        #expect(bench.driver.impossibleEvents == 0)
    }

    @Test func `what comes of it after the end of the process is nobody's`() throws {
        let (bench, processes, refork) = try self.begun()
        bench.driver.processExited(processes[0].exit())
        refork.completion(self.failure(.preloaderFailed))
        #expect(processes[1].log == [])
        #expect(bench.driver.impossibleEvents == 0)
    }
}
