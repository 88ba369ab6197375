// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// Sessions that fronts use for their next requests without asking: who gets them, and when they are asked back.
struct PoolLeasesTests {
    private static let first = LeaseHolder(rawValue: 1)
    private static let second = LeaseHolder(rawValue: 2)

    /// A group with `processes` processes that take one request at a time.
    private static func model(
        _ limits: GroupLimits = GroupLimits(minInstances: 0),
        processes: Int = 1,
        max: Int? = nil
    ) throws -> (PoolModel, Group.ID) {
        var model = PoolModel(max: max ?? processes)
        let app = model.define(limits)
        let tickets = try (0..<processes).map { _ in
            let ticket = try model.queue(app)
            try model.spawnEnds()
            return ticket
        }
        for ticket in tickets { model.release(try #require(model.grants[ticket]).session) }
        return (model, app)
    }

    private static func lease(_ model: inout PoolModel, _ app: Group.ID, _ holder: LeaseHolder) throws -> Session.ID {
        guard case .granted(let grant) = model.checkout(app, from: holder) else { throw PoolModel.Unexpected.noGrant }
        #expect(grant.uses > 1)
        return grant.session
    }

    private static func isRecalled(_ model: PoolModel, _ session: Session.ID) -> Bool {
        model.leases[session]?.isRecalled == true
    }

    @Test func `who cannot keep sessions gets none to keep`() throws {
        var (model, app) = try Self.model()
        #expect(try model.use(app).uses == 1)
        #expect(model.violations == [])
    }

    static let settings: [(GroupLimits, UInt32)] = [
        (GroupLimits(minInstances: 0), .max), (GroupLimits(minInstances: 0, allowsLeases: false), 1),
        (GroupLimits(minInstances: 0, maxRequestTime: .seconds(9)), 1),
        (GroupLimits(minInstances: 0, maxRequests: 100), 1), (GroupLimits(minInstances: 0, maxRequests: 10_000), 128),
    ]

    @Test(arguments: settings)
    func `the settings of an app say how many requests a session may carry`(limits: GroupLimits, uses: UInt32) throws {
        var (model, app) = try Self.model(limits)
        guard case .granted(let grant) = model.checkout(app, from: Self.first) else {
            throw PoolModel.Unexpected.noGrant
        }
        #expect(grant.uses == uses)
        #expect(model.violations == [])
    }

    @Test func `a lease is asked back at once for another connection when its own has nothing that waits`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        let ticket = try model.queue(app)
        #expect(Self.isRecalled(model, lease))
        model.release(lease)
        #expect(model.grants[ticket] != nil)
        #expect(model.violations == [])
    }

    @Test func `a connection's own requests are no reason to ask its lease back`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        guard case .waiting(let ticket) = model.checkout(app, from: Self.first) else {
            throw PoolModel.Unexpected.noGrant
        }
        model.wait(.milliseconds(50))
        #expect(!Self.isRecalled(model, lease))
        #expect(model.reuse(lease) == ticket)
        #expect(model.violations == [])
    }

    @Test func `of one process each of two busy connections has its slice`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        for holder in [Self.first, Self.second, Self.first] { model.checkout(app, from: holder) }
        _ = model.reuse(lease)
        #expect(!Self.isRecalled(model, lease))
        model.wait(.milliseconds(2))
        #expect(Self.isRecalled(model, lease))
        model.release(lease)
        #expect(model.leases.values.map(\.holder) == [Self.second])
        #expect(model.violations == [])
    }

    @Test func `who holds more than its share gives back at once when another one is next in line`() throws {
        var (model, app) = try Self.model(processes: 4)
        let leases = try (0..<4).map { _ in try Self.lease(&model, app, Self.first) }
        for _ in 0..<4 {
            for holder in [Self.first, Self.second] { model.checkout(app, from: holder) }
        }
        #expect(leases.count { Self.isRecalled(model, $0) } == 0)
        // Half of the processes are for each, and the second one's request is the oldest now.
        _ = model.reuse(leases[3])
        #expect(leases.map { Self.isRecalled(model, $0) } == [true, false, false, false])
        model.release(leases[0])
        #expect(model.leases.values.count { $0.holder == Self.second } == 1)
        #expect(model.violations == [])
    }

    @Test func `whoever waits for one certain process gets what is leased of it`() throws {
        var (model, app) = try Self.model(processes: 2)
        let leases = try (0..<2).map { _ in try Self.lease(&model, app, Self.first) }
        let process = try #require(model.sessions[leases[1]])
        _ = try model.queue(app, sticky: process.stickyID)
        #expect(leases.map { Self.isRecalled(model, $0) } == [false, true])
    }

    @Test func `a restart asks everything back, and the process ends with the last answer`() throws {
        var (model, app) = try Self.model(processes: 1, max: 2)
        let lease = try Self.lease(&model, app, Self.first)
        let process = try #require(model.sessions[lease])
        model.restart(app)
        #expect(Self.isRecalled(model, lease))
        #expect(model.processes[process]?.isStopped == false)
        model.release(lease)
        #expect(model.processes[process]?.isStopped == true)
    }

    @Test(arguments: ["detach", "settings", "pool", "new process", "always_restart.txt"])
    func `what was known at the grant has changed, so leases are asked back`(what: String) throws {
        var (model, app) = try Self.model(processes: 1, max: 2)
        let lease = try Self.lease(&model, app, Self.first)
        switch what {
        case "detach": #expect(model.detach(try #require(model.sessions[lease])))
        case "settings": model.change(GroupLimits(minInstances: 0, maxInstances: 7), of: app)
        case "pool": model.change(max: 3)
        case "new process":
            model.change(GroupLimits(minInstances: 2), of: app)
            model.release(lease)
            let other = try Self.lease(&model, app, Self.first)
            try model.spawnEnds()
            #expect(Self.isRecalled(model, other))
            return
        default:
            model.suspendLeases(of: app)
            #expect(Self.isRecalled(model, lease))
            model.release(lease)
            guard case .granted(let grant) = model.checkout(app, from: Self.first) else {
                throw PoolModel.Unexpected.noGrant
            }
            #expect(grant.uses == 1)
        }
        #expect(Self.isRecalled(model, lease) || model.leases[lease] == nil)
        #expect(model.violations == [])
    }

    @Test func `a queue that is half full is asked for each request`() throws {
        var (model, app) = try Self.model(GroupLimits(minInstances: 0, maxQueueSize: 6))
        let lease = try Self.lease(&model, app, Self.first)
        for _ in 0..<2 { model.checkout(app, from: Self.first) }
        #expect(!Self.isRecalled(model, lease))
        model.checkout(app, from: Self.first)
        #expect(Self.isRecalled(model, lease))
    }

    @Test func `those for whom a lease comes back in a moment start no process`() throws {
        var (model, app) = try Self.model(processes: 1, max: 2)
        let lease = try Self.lease(&model, app, Self.first)
        _ = try model.queue(app)
        #expect(Self.isRecalled(model, lease))
        #expect(model.spawns.isEmpty)
        model.wait(.milliseconds(5))
        #expect(model.spawns.count == 1)
        #expect(model.violations == [])
    }

    @Test func `a group without a process gets the room of one that is leased and idle`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        let other = model.define(GroupLimits(minInstances: 0))
        _ = try model.queue(other)
        #expect(Self.isRecalled(model, lease))
        model.release(lease)
        #expect(model.spawns.map(\.group) == [other])
        #expect(model.violations == [])
    }

    @Test func `who does not return a lease gets no more of them`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        model.restart(app)
        model.wait(.milliseconds(999))
        #expect(model.withheld == [])
        model.wait(.milliseconds(1))
        #expect(model.withheld == [Self.first])
        model.release(lease)
        guard case .waiting(let ticket) = model.checkout(app, from: Self.first) else {
            throw PoolModel.Unexpected.noGrant
        }
        try model.spawnEnds()
        #expect(model.grants[ticket]?.uses == 1)
        #expect(model.violations == [])
    }

    @Test func `a request that lasts is no lease that was not returned`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        model.useAgain(lease)
        model.restart(app)
        model.lasts(lease)
        model.wait(.seconds(5))
        #expect(model.withheld == [])
        #expect(model.pool.sessionCount == 1)
        #expect(model.violations == [])
    }

    @Test func `requests are counted whoever reports them`() throws {
        var (model, app) = try Self.model()
        let lease = try Self.lease(&model, app, Self.first)
        for _ in 0..<4 { model.useAgain(lease) }
        model.release(lease)
        let view = try #require(model.pool.inspect(at: model.now).first)
        #expect(view.leaseCounts.granted == 1)
        #expect(view.leaseCounts.reused == 4)
        // The one that started the process is the sixth.
        #expect(view.group.processes.map(\.processed) == [6])
    }

    @Test func `promised requests never exceed max_requests`() throws {
        var (model, app) = try Self.model(GroupLimits(minInstances: 0, maxRequests: 600, concurrencyOverride: 8))
        var uses: [UInt32] = []
        for _ in 0..<8 {
            guard case .granted(let grant) = model.checkout(app, from: Self.first) else { break }
            uses.append(grant.uses)
        }
        #expect(uses.reduce(0, +) <= 600)
        #expect(uses.contains(128) && uses.contains(1))
        #expect(model.violations == [])
    }
}
