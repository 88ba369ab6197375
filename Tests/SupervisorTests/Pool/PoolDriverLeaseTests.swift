// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// Sessions that a front keeps, as the driver carries them between pool and connection.
struct PoolDriverLeaseTests {
    private let directory: TestDirectory
    private let bench = PoolBench()

    init() throws {
        self.directory = try TestDirectory()
        self.bench.client.leaseHolder = LeaseHolder(rawValue: 1)
    }

    private func start(_ settings: [String: String] = [:]) throws -> PoolGrant {
        try self.bench.define(settings.merging(["app_root": self.directory.path]) { own, _ in own })
        let request = self.bench.checkout()
        _ = try self.bench.spawner.succeed(pid: 1)
        return try #require(self.bench.client.grants[request])
    }

    private func touch(_ name: String) throws {
        try self.directory.write("", to: "\(name).new")
        try Files.rename(self.directory.file("\(name).new"), to: self.directory.file(name))
    }

    private func status() throws -> GroupInspection { try #require(self.bench.driver.inspect().first) }

    @Test func `a session that is kept is counted with all that it carried`() throws {
        let grant = try self.start(["max_instances": "1"])
        #expect(grant.uses == .max)
        #expect(try self.status().processes.map(\.leased) == [1])
        let next = self.bench.checkout()
        self.bench.driver.reused(grant.session, for: next, client: self.bench.client)
        #expect(try self.status().requestsInQueue == 0)
        self.bench.driver.release(grant.session, outcome: .ok, carried: Carried(uses: 5, idleMicroseconds: 2000))
        let status = try self.status()
        #expect(status.processes.map(\.processed) == [5])
        #expect(status.processes.map(\.leased) == [0])
        #expect(status.leases.reused == 4 && status.leases.granted == 1)
        #expect(self.bench.client.grants[next] == nil)
        #expect(self.bench.driver.violations == [])
    }

    @Test func `a request that lasts is shown, and one that may be over is not`() throws {
        let grant = try self.start()
        #expect(try self.status().processes.flatMap(\.requests).isEmpty)
        let carried = Carried(uses: 7)
        self.bench.driver.lasting(
            Lasting(session: grant.session, carried: carried, method: "POST", path: "/slow", host: "shop")
        )
        let status = try self.status()
        #expect(status.processes.flatMap(\.requests).map(\.path) == ["/slow"])
        #expect(status.processes.map(\.processed) == [7])
        #expect(status.processes.map(\.leased) == [0])
    }

    @Test func `a touch is seen while a front asks for nothing`() throws {
        try self.touch("tmp/restart.txt")
        let grant = try self.start()
        self.bench.wait(30)
        #expect(self.bench.client.recalled == [])
        try self.touch("tmp/restart.txt")
        self.bench.wait(10)
        #expect(self.bench.client.recalled == [grant.session])
        #expect(try self.status().generation == 1)
    }

    @Test func `while always_restart txt is there nothing is kept`() throws {
        let grant = try self.start()
        try self.touch("tmp/always_restart.txt")
        self.bench.wait(10)
        #expect(self.bench.client.recalled == [grant.session])
        self.bench.driver.release(grant.session, outcome: .ok, carried: Carried(uses: 1))
        let request = self.bench.checkout()
        _ = try self.bench.spawner.succeed(pid: 2)
        #expect(self.bench.client.grants[request]?.uses == 1)
    }

    @Test func `a request that was granted when its front used a lease for it is counted as a duplicate`() throws {
        let grant = try self.start(["force_max_concurrent_requests_per_process": "2"])
        let next = self.bench.checkout()
        let duplicate = try #require(self.bench.client.grants[next])
        self.bench.driver.reused(grant.session, for: next, client: self.bench.client)
        self.bench.driver.release(duplicate.session, outcome: .unused, carried: Carried(uses: 0))
        #expect(try self.status().leases.duplicates == 1)
        #expect(self.bench.driver.sessionCount == 1)
    }

    @Test func `what a lease worked on at the end of its process may have been a later request`() throws {
        let grant = try self.start()
        let facts = RequestFacts(
            id: RequestID(rawValue: 1),
            method: "GET",
            host: "shop",
            path: "/1",
            arrival: self.bench.driver.now
        )
        var holder = SessionHolder(client: self.bench.client, process: grant.process, request: facts, isLease: true)
        #expect(holder.latestRequest.line(at: self.bench.driver.now) == "GET shop /1 0.000s or one after it")
        holder.isLease = false
        #expect(holder.latestRequest.line(at: self.bench.driver.now) == "GET shop /1 0.000s")
    }

    @Test func `with leases off, or without a connection that keeps sessions, each request asks`() throws {
        #expect(try self.start(["leases": "off"]).uses == 1)
        self.bench.client.leaseHolder = nil
        try self.bench.define(["app_root": self.directory.path])
        let request = self.bench.checkout()
        _ = try? self.bench.spawner.succeed(pid: 2)
        #expect(self.bench.client.grants[request]?.uses ?? 1 == 1)
    }
}
