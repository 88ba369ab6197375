// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Testing
import WireProtocol

@testable import Supervisor

struct ArrivalPaceTests {
    private static let second: UInt64 = 1_000_000_000
    private let start: UInt64 = 1_000_000_000_000
    private var pace = ArrivalPace()

    private func peer(_ uid: UInt32) -> PeerCredentials { PeerCredentials(pid: 1, uid: uid, gid: uid) }

    /// How long a connection that comes now has to wait, with two seconds for its first frame; nil: longer than that.
    private mutating func wait(of uid: UInt32, as role: PeerRole) -> UInt64? {
        let deadline = self.start + 2 * Self.second
        return self.pace.due(self.peer(uid), as: role, giveUpAt: deadline, at: self.start).map { $0 - self.start }
    }

    @Test mutating func `the first connections are taken in at once, others at an even pace or not at all`() {
        let waits = (0..<200).map { _ in self.wait(of: 70_001, as: .admin) }
        #expect(waits.prefix(WireLimits.adminArrivals.each.atOnce).allSatisfy { $0 == 0 })
        #expect(
            waits[WireLimits.adminArrivals.each.atOnce] == Self.second / UInt64(WireLimits.adminArrivals.each.perPeriod)
        )
        let held = waits.dropFirst(WireLimits.adminArrivals.each.atOnce).count { $0 != nil }
        #expect((30...40).contains(held), "\(held)")
        #expect(waits.last == .some(nil), "it would be given up before its time")
        #expect(self.wait(of: 70_002, as: .admin) == 0, "another user has a pace of their own")
    }

    @Test mutating func `root and streams are never held`() {
        for _ in 0..<5000 {
            #expect(self.wait(of: 0, as: .admin) == 0)
            #expect(self.wait(of: 70_001, as: .stream) == 0)
        }
    }

    @Test mutating func `streams with wrong tokens get so many answers, each user their own`() {
        #expect(self.answers(to: 70_001, of: 1000, at: self.start) == WireLimits.wrongStreams.each.atOnce)
        #expect(self.answers(to: 70_002, of: 1, at: self.start) == 1)
        let later = self.start + Self.second
        #expect(self.answers(to: 70_001, of: 1000, at: later) == WireLimits.wrongStreams.each.perPeriod)
        #expect(self.answers(to: 0, of: 2000, at: self.start) == 2000)
    }

    private mutating func answers(to uid: UInt32, of count: Int, at now: UInt64) -> Int {
        (0..<count).count { _ in self.pace.answersWrongStream(of: self.peer(uid), at: now) }
    }

    @Test mutating func `fronts may open as many control connections as they may have`() {
        for _ in 0..<WireLimits.controlConnectionsPerUID { #expect(self.wait(of: 70_001, as: .control) == 0) }
    }
}
