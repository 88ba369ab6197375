// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import SpawnPlan
import Testing
import WireProtocol

@testable import Supervisor

struct PoolDriverTests {
    // MARK: Requests

    @Test func `a checkout spawns a process and is granted when it is up`() throws {
        let bench = PoolBench()
        try bench.define()
        let request = bench.checkout()
        #expect(bench.spawner.spawns.map(\.request.key) == [bench.key])
        bench.wait(20)
        let process = try bench.spawner.succeed(pid: 17, concurrency: 3)
        let grant = try #require(bench.client.grants[request])
        #expect(grant.process == process.id)
        #expect(grant.label == ProcessLabel(app: bench.key.description, pid: 17))
        #expect(grant.concurrency == 3)
        #expect(grant.queueTime == .milliseconds(20))
        #expect(grant.transport == .session)
        #expect(grant.address == .unix(path: "/run/apps/17"))
        #expect(bench.driver.address(of: process.id) == grant.address)
        #expect(grant.stickyID != 0)
    }

    @Test func `a released process is granted from within the next checkout`() throws {
        let bench = PoolBench()
        try bench.define()
        let first = bench.checkout()
        try bench.spawner.succeed()
        let session = try #require(bench.client.grants[first]).session
        bench.driver.release(session, outcome: .ok)
        let second = bench.checkout()
        #expect(bench.client.grants[second] != nil)
        #expect(bench.client.grants[second]?.session != session)
    }

    @Test func `an app that nobody defined is refused`() {
        let bench = PoolBench()
        let request = bench.checkout()
        #expect(bench.client.refusals[request]?.reason == .unknownApp)
    }

    @Test func `a cancelled checkout gets no answer and leaves its process to others`() throws {
        let bench = PoolBench()
        try bench.define()
        let first = bench.checkout()
        bench.driver.cancel(first, client: bench.client)
        try bench.spawner.succeed()
        #expect(bench.client.grants.isEmpty)
        #expect(bench.driver.sessionCount == 0)
        bench.driver.cancel(first, client: bench.client)
        let second = bench.checkout()
        #expect(bench.client.grants[second] != nil)
    }

    @Test func `a checkout that is cancelled while its grant is on the way gives the process back`() throws {
        let bench = PoolBench()
        try bench.define(["force_max_concurrent_requests_per_process": "2"])
        let requests = [bench.checkout(), bench.checkout()]
        bench.client.whenGranted = { id, _ in
            if id == requests[0] { bench.driver.cancel(requests[1], client: bench.client) }
        }
        try bench.spawner.succeed()
        #expect(bench.client.grants[requests[1]] == nil)
        #expect(bench.driver.sessionCount == 1)
    }

    @Test func `a client may release from within its grant`() throws {
        let bench = PoolBench()
        try bench.define()
        let requests = (0..<5).map { _ in bench.checkout() }
        bench.client.whenGranted = { _, grant in bench.driver.release(grant.session, outcome: .ok) }
        try bench.spawner.succeed()
        #expect(Set(bench.client.grants.keys) == Set(requests))
        #expect(bench.driver.sessionCount == 0)
    }

    @Test func `a deadline ends the wait`() throws {
        let bench = PoolBench()
        try bench.define()
        let request = bench.checkout(deadline: .milliseconds(300))
        bench.wait(299)
        #expect(bench.client.refusals.isEmpty)
        bench.wait(1)
        #expect(bench.client.refusals[request]?.reason == .queueTimeout)
        #expect(bench.client.refusals[request]?.retryAfterSeconds ?? 0 > 0)
    }

    @Test func `a full queue refuses with advice`() throws {
        let bench = PoolBench()
        try bench.define(["max_request_queue_size": "1"])
        bench.checkout()
        let request = bench.checkout()
        #expect(bench.client.refusals[request]?.reason == .queueFull)
        #expect(bench.client.refusals[request]?.retryAfterSeconds ?? 0 > 0)
    }

    @Test func `max_request_time aborts the session and kills the process`() throws {
        let bench = PoolBench()
        try bench.define(["max_request_time": "2"])
        let request = bench.checkout()
        let process = try bench.spawner.succeed()
        bench.wait(2000)
        #expect(bench.client.aborted == [try #require(bench.client.grants[request]).session])
        #expect(process.log == ["kill"])
    }

    @Test func `an upgraded session outlives max_request_time`() throws {
        let bench = PoolBench()
        try bench.define(["max_request_time": "2"])
        let request = bench.checkout()
        let process = try bench.spawner.succeed()
        bench.driver.upgraded(try #require(bench.client.grants[request]).session)
        bench.wait(60_000)
        #expect(process.log == [])
    }

    // MARK: Failures

    @Test func `a failed spawn refuses with its report, and so does the backoff after it`() throws {
        let bench = PoolBench()
        try bench.define()
        let first = bench.checkout()
        try bench.spawner.fail(summary: "no gem rack")
        let report = SpawnReport(errorID: "00000abc", summary: "no gem rack")
        #expect(bench.client.refusals[first] == PoolRefusal(reason: .spawnFailed, report: report))
        let second = bench.checkout()
        let refusal = PoolRefusal(reason: .backoff, retryAfterSeconds: 2, report: report)
        #expect(bench.client.refusals[second] == refusal)
        bench.wait(1000)
        bench.checkout()
        #expect(bench.spawner.spawns.count == 1)
    }

    @Test func `an app root without startup file is no application, and is looked at again a second later`() throws {
        let bench = PoolBench()
        try bench.define()
        let requests = [bench.checkout()]
        try bench.spawner.fail(.noApplication)
        #expect(
            (requests + [bench.checkout()]).map { bench.client.refusals[$0]?.reason } == [
                .noApplication, .noApplication,
            ]
        )
        bench.wait(1000)
        bench.checkout()
        #expect(bench.spawner.spawns.count == 1)
    }

    @Test func `a crash is told to the observer and ends the sessions`() throws {
        let bench = PoolBench()
        try bench.define()
        let request = bench.checkout()
        let process = try bench.spawner.succeed()
        bench.wait(20_000)
        bench.driver.processExited(process.exit(.signaled(9, coreDumped: false)))
        #expect(bench.observer.gone[process.id] == .signaled(9, coreDumped: false))
        #expect(bench.driver.address(of: process.id) == nil)
        #expect(bench.driver.sessionCount == 0)
        #expect(bench.spawner.spawns.count == 1)
        // The front's release may cross the news.
        bench.driver.release(try #require(bench.client.grants[request]).session, outcome: .upstreamFailed)
        bench.driver.processExited(process.exit())
    }

    @Test func `a process that ended before the news of its start arrived is not kept`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        let spawn = try #require(bench.spawner.spawns.first)
        let exit = ProcessExit(
            id: spawn.request.processID,
            pid: 4711,
            status: .exited(1),
            wasExpected: false,
            lastOutput: ""
        )
        bench.driver.processExited(exit)
        #expect(bench.observer.gone.isEmpty)
        let process = try bench.spawner.succeed()
        #expect(bench.observer.gone[process.id] == .exited(1))
        #expect(bench.driver.inspect().first?.processes.isEmpty == true)
    }

    // MARK: Settings

    @Test func `pushing the same settings again changes nothing`() throws {
        let bench = PoolBench()
        try bench.define(["min_instances": "1"])
        bench.checkout()
        let process = try bench.spawner.succeed()
        try bench.define()
        #expect(process.log == [])
        #expect(bench.driver.inspect().first?.generation == 0)
    }

    @Test func `a setting that processes need not know takes effect at once`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        try bench.spawner.succeed()
        try bench.define(["min_instances": "2"])
        #expect(bench.driver.inspect().first?.generation == 0)
        #expect(bench.spawner.spawns.count == 1)
    }

    @Test func `a setting that processes have to know restarts the app with it`() throws {
        let bench = PoolBench()
        try bench.define()
        let request = bench.checkout()
        let old = try bench.spawner.succeed()
        try bench.define(["app_env": "staging"])
        #expect(bench.spawner.spawns.map(\.request.settings.environment) == ["staging"])
        #expect(bench.observer.draining[old.id] == .seconds(600))
        #expect(old.log == [])
        bench.driver.release(try #require(bench.client.grants[request]).session, outcome: .ok)
        #expect(old.log == ["terminate"])
        bench.driver.processExited(old.exit())
        #expect(bench.observer.gone[old.id] == .exited(0))
    }

    @Test func `a restart under a spawn cancels it and stops what comes of it`() throws {
        let bench = PoolBench()
        try bench.define()
        let request = bench.checkout()
        let handle = try #require(bench.spawner.spawns.first).handle
        let isRestarted = bench.driver.restart(bench.key)
        #expect(isRestarted)
        #expect(handle.isCancelled)
        let unwanted = try bench.spawner.succeed(pid: 1)
        #expect(unwanted.log == ["terminate"])
        let wanted = try bench.spawner.succeed(pid: 2)
        #expect(bench.client.grants[request]?.process == wanted.id)
    }

    @Test func `a retired app is unknown at once and forgotten with its last process`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        let process = try bench.spawner.succeed()
        bench.driver.retire(bench.key)
        let request = bench.checkout()
        #expect(bench.client.refusals[request]?.reason == .unknownApp)
        #expect(bench.driver.inspect().map(\.isRetired) == [true])
        bench.driver.processExited(process.exit())
        #expect(bench.driver.inspect().isEmpty)
    }

    @Test func `an app that comes back while its old processes end is a new group`() throws {
        let bench = PoolBench()
        try bench.define(preStart: true)
        let old = try bench.spawner.succeed(pid: 1)
        bench.driver.retire(bench.key)
        try bench.define(preStart: true)
        let new = try bench.spawner.succeed(pid: 2)
        #expect(bench.driver.inspect().map(\.isRetired) == [true, false])
        #expect(bench.driver.process(withPID: 2) == new.id)
        bench.driver.processExited(old.exit())
        let request = bench.checkout()
        #expect(bench.client.grants[request]?.process == new.id)
    }

    // MARK: The end

    @Test func `a shutdown is complete when the last process has ended`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        let process = try bench.spawner.succeed()
        var isComplete = false
        bench.driver.shutdown(limit: .seconds(60)) { isComplete = true }
        let request = bench.checkout()
        #expect(bench.client.refusals[request]?.reason == .shuttingDown)
        bench.driver.hurry()
        #expect(process.log == ["terminate"])
        bench.driver.killAll()
        #expect(process.log == ["terminate", "kill"])
        #expect(!isComplete)
        bench.driver.processExited(process.exit(.signaled(9, coreDumped: false)))
        #expect(isComplete)
    }

    @Test func `a shutdown is over when the preloaders have ended as well`() {
        let bench = PoolBench()
        bench.spawner.hasPreloader = true
        var completions = 0
        // The second one finds no process either.
        for _ in 0..<2 { bench.driver.shutdown(limit: .seconds(60)) { completions += 1 } }
        #expect(completions == 0)
        bench.spawner.hasPreloader = false
        #expect(completions == 2)
    }

    @Test func `a process that does not stop is killed`() throws {
        let bench = PoolBench()
        try bench.define(preStart: true)
        let process = try bench.spawner.succeed()
        let isDetached = bench.driver.detach(process.id)
        #expect(isDetached)
        #expect(process.log == ["terminate"])
        bench.wait(59_999)
        #expect(process.log == ["terminate"])
        bench.wait(1)
        #expect(process.log == ["terminate", "kill"])
        let isDetachedAgain = bench.driver.detach(process.id)
        #expect(!isDetachedAgain)
    }

    @Test func `a process that takes no connections is replaced, once`() throws {
        let bench = PoolBench()
        try bench.define(preStart: true)
        let process = try bench.spawner.succeed()
        bench.driver.connectFailed(process.id, reason: "ECONNREFUSED")
        #expect(process.log == ["terminate"])
        bench.driver.connectFailed(process.id, reason: "ECONNREFUSED")
        #expect(process.log == ["terminate"])
        bench.wait(1000)
        #expect(bench.spawner.started == 2)
    }

    @Test func `an app whose processes take no connections is held back, and its requests learn why`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        let first = try bench.spawner.succeed()
        bench.driver.connectFailed(first.id, reason: "ECONNREFUSED")
        bench.driver.processExited(first.exit(.signaled(9, coreDumped: false)))
        let waiting = bench.checkout()
        #expect(bench.spawner.started == 1)
        bench.wait(1000)
        #expect(bench.spawner.started == 2)
        let second = try bench.spawner.succeed()
        #expect(bench.client.grants[waiting] != nil)
        bench.driver.connectFailed(second.id, reason: "ECONNREFUSED")
        bench.driver.processExited(second.exit(.exited(3)))
        let refused = bench.checkout()
        #expect(bench.client.refusals[refused]?.reason == .backoff)
        #expect(bench.client.refusals[refused]?.report?.summary.contains("exit code 3") == true)
        #expect(bench.driver.impossibleEvents == 0)
    }

    // MARK: Inspection

    @Test func `an inspection shows processes, waiting requests and whose the app is`() throws {
        let bench = PoolBench(limits: PoolLimits(maxPoolSize: 1))
        try bench.define()
        let request = bench.checkout()
        let process = try bench.spawner.succeed(pid: 99)
        bench.wait(3000)
        bench.checkout()
        bench.wait(2000)
        let group = try #require(bench.driver.inspect().first)
        #expect(group.identity?.userName == "joe")
        #expect(group.appType == .rack)
        #expect(group.requestsInQueue == 1)
        #expect(group.waiting.map(\.path) == ["/2"])
        #expect(group.waiting.map(\.time) == [.seconds(2)])
        let seen = try #require(group.processes.first)
        #expect(seen.id == process.id)
        #expect(seen.pid == 99)
        #expect(seen.sessions == 1)
        #expect(seen.uptime == .seconds(5))
        #expect(seen.lastUsed == .seconds(5))
        #expect(bench.driver.processCount == 1)
        bench.driver.release(try #require(bench.client.grants[request]).session, outcome: .ok)
        #expect(bench.driver.inspect().first?.processes.first?.processed == 1)
    }

    @Test func `an inspection shows requests without room as top-level, and the last failure`() throws {
        let bench = PoolBench()
        try bench.define()
        bench.checkout()
        try bench.spawner.fail()
        bench.wait(500)
        let failure = try #require(bench.driver.inspect().first?.lastFailure)
        #expect(failure.errorID == "00000abc" && failure.kind == "early-exit")
        #expect(failure.age == .milliseconds(500))
        #expect(failure.nextTry == .milliseconds(500))
        #expect(failure.failuresInARow == 1)
    }
}
