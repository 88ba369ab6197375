// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Testing
import WireProtocol

@testable import Supervisor

struct ConnectionCountsTests {
    @Test func `places are limited per uid and role, and come back`() {
        let counts = ConnectionCounts()
        let kind = ConnectionCounts.Kind(uid: 7, role: .admin)
        var tickets = (0..<WireLimits.adminConnectionsPerUID).map { _ in counts.admit(kind) }
        #expect(tickets.allSatisfy { $0 != nil })
        #expect(counts.admit(kind) == nil)
        #expect(counts.admit(.init(uid: 8, role: .admin)) != nil)
        #expect(counts.admit(.init(uid: 7, role: .stream)) != nil)
        tickets.removeLast()
        #expect(counts.admit(kind) != nil)
        tickets.removeAll()
        #expect(counts.count(kind) == 0)
    }
}

struct StreamLimitTests {
    @Test(arguments: [(UInt64(40), 10), (UInt64.max, WireLimits.streamsPerUID)])
    func `streams of a uid leave descriptors to others`(descriptors: UInt64, limit: Int) {
        let counts = ConnectionCounts(descriptors: descriptors)
        let kind = ConnectionCounts.Kind(uid: 7, role: .stream)
        let tickets = (0..<limit).map { _ in counts.admit(kind) }
        #expect(tickets.allSatisfy { $0 != nil })
        #expect(counts.admit(kind) == nil)
        #expect(counts.admit(.init(uid: 8, role: .stream)) != nil)
        withExtendedLifetime(tickets) {}
    }
}

struct SharedPlacesTests {
    @Test func `places of all users together are limited, and who has most gives one up`() throws {
        let counts = ConnectionCounts(descriptors: 20_000)
        let total = WireLimits.adminConnections - WireLimits.adminConnectionsOfRoot
        var tickets: [ConnectionTicket] = []
        for uid in UInt32(1)...UInt32(total / WireLimits.adminConnectionsPerUID) {
            for _ in 0..<WireLimits.adminConnectionsPerUID {
                tickets.append(try #require(counts.admit(.init(uid: uid, role: .admin))))
            }
        }
        #expect(tickets.count == total && tickets.allSatisfy { $0.inPlaceOf == nil })
        #expect(counts.admit(.init(uid: 1, role: .admin)) == nil)
        let late = try #require(counts.admit(.init(uid: 1000, role: .admin)))
        #expect(late.inPlaceOf.map { (1...7).contains($0) } == true)
        let root = try #require(counts.admit(.init(uid: 0, role: .admin), fromReserve: true))
        #expect(root.inPlaceOf == nil, "there is a reserve")
        #expect(counts.use(of: .admin).refusals == 1)
        tickets.removeAll()
        withExtendedLifetime((late, root)) { #expect(counts.use(of: .admin).open == 2) }
    }

    @Test(arguments: [UInt64(256), 1024, 20_000, 1_000_000])
    func `whatever everybody opens, descriptors are left for starts`(descriptors: UInt64) {
        let counts = ConnectionCounts(descriptors: descriptors)
        let roles: [(PeerRole?, Int)] = [(nil, 1), (nil, 1), (.admin, 1), (.control, 1), (.stream, 2)]
        let most = roles.reduce(0) { $0 + $1.1 * counts.use(of: $1.0).limit }
        #expect(most <= Int(descriptors) - Int(descriptors) / 16, "\(most)")
    }
}

struct ComplaintsTests {
    private static let minute: UInt64 = 60_000_000_000

    @Test func `each user has their lines in a minute, and the last says so`() {
        let log = Complaints()
        let limit = Complaints.mistakes.each.atOnce
        let verdicts = (0..<limit + 2).map { _ in log.line(about: 1, at: 5) }
        #expect(verdicts.dropLast(3).allSatisfy { $0 == .log })
        #expect(verdicts.suffix(3) == [.logAsLast, .keepQuiet, .keepQuiet])
        #expect(log.line(about: 2, at: 6) == .log)
        #expect(log.line(about: 1, at: 6 + Self.minute) == .log)
        #expect(log.leftOut == 2)
    }

    @Test func `many users together write no more than all may, and hide no intrusion`() {
        let log = Complaints()
        let lines = (0..<6_000).count { log.line(about: UInt32($0 / 10), at: 5) != .keepQuiet }
        #expect(lines <= 3 * 200, "\(lines)")
        #expect(log.line(about: 7, .intrusion, at: 5) == .log)
    }
}

struct OncePerMinuteTests {
    @Test func `each subject is told once a minute`() {
        var log = OncePerMinute<Int>()
        let minute: UInt64 = 60_000_000_000
        #expect(log.shouldLog(1, at: 5) == true)
        #expect(log.shouldLog(1, at: 5 + minute - 1) == false)
        #expect(log.shouldLog(2, at: 6) == true)
        #expect(log.shouldLog(1, at: 5 + minute) == true)
    }

    @Test func `many subjects do not take memory without bound`() {
        var log = OncePerMinute<Int>()
        let told = (0..<4_200).count { log.shouldLog($0, at: 1) }
        #expect(told == 4096)
        #expect(log.shouldLog(10_001, at: 61_000_000_000) == true)
    }
}

struct TravellingDescriptorTests {
    // A descriptor cannot be copied into an expectation.
    private func isTaken(from travelling: TravellingDescriptor) -> Bool {
        guard let descriptor = travelling.take() else { return false }
        return descriptor.rawValue >= 0
    }

    @Test func `a descriptor is taken once`() throws {
        let travelling = TravellingDescriptor(try Descriptor.null())
        #expect(self.isTaken(from: travelling))
        #expect(!self.isTaken(from: travelling))
    }
}

struct StreamDirectoryTests {
    private let address = AppAddress.unix(path: "/app")
    private let label = ProcessLabel(app: "/srv/shop", pid: 77)

    private func group(_ connection: UInt64, _ process: UInt64) -> StreamGroup {
        StreamGroup(connection: ConnectionID(rawValue: connection), process: ProcessID(rawValue: process))
    }

    @Test func `a connection has one token per process, and no other has it`() {
        let directory = StreamDirectory()
        let token = directory.token(for: self.group(1, 1), address: self.address, label: self.label, uid: 7)
        #expect(directory.token(for: self.group(1, 1), address: self.address, label: self.label, uid: 7) == token)
        #expect(directory.token(for: self.group(2, 1), address: self.address, label: self.label, uid: 7) != token)
        #expect(directory.token(for: self.group(1, 2), address: self.address, label: self.label, uid: 7) != token)
        #expect(
            directory.entry(of: token)
                == .init(group: self.group(1, 1), address: self.address, label: self.label, uid: 7)
        )
    }

    @Test func `tokens end with process, connection or group`() {
        let directory = StreamDirectory()
        for connection in UInt64(1)...3 {
            for process in UInt64(1)...3 {
                _ = directory.token(
                    for: self.group(connection, process),
                    address: self.address,
                    label: self.label,
                    uid: 7
                )
            }
        }
        directory.remove(ProcessID(rawValue: 1))
        #expect(directory.count == 6)
        directory.remove(ConnectionID(rawValue: 1))
        #expect(directory.count == 4)
        directory.remove(self.group(2, 2))
        #expect(directory.count == 3)
    }
}
