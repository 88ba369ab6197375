// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import Supervisor

struct OwnerGroupsTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let idle = FrontRegistry.ownerIdleTime
    private var groups = OwnerGroups()

    private func key(_ name: String, _ uid: UInt32 = 33) -> GroupKey { GroupKey(namespace: .uid(uid), name: name) }

    @Test mutating func `a group that a connection has is never due`() {
        self.groups.made(self.key("a"), at: self.start)
        self.groups.taken(self.key("a"))
        #expect(self.groups.overdue(at: self.start + .hours(24)) == [])
        #expect(self.groups.leftGroups(of: 33) == [] && self.groups.count(of: 33) == 1)
    }

    @Test mutating func `a group is left when its last connection has ended, and due after the idle time`() {
        self.groups.made(self.key("a"), at: self.start)
        self.groups.taken(self.key("a"))
        self.groups.taken(self.key("a"))
        self.groups.left(self.key("a"), at: self.start)
        #expect(self.groups.leftGroups(of: 33) == [])
        let later = self.start + .hours(1)
        self.groups.left(self.key("a"), at: later)
        #expect(self.groups.leftGroups(of: 33) == [self.key("a")])
        #expect(self.groups.overdue(at: later + self.idle - .nanoseconds(1)) == [])
        // It stays due until it is forgotten: it may have had processes.
        var now = later
        for _ in 0..<3 {
            now = self.groups.nextLook.map { max($0, now + self.idle) } ?? .distantPast
            #expect(self.groups.overdue(at: now) == [self.key("a")])
        }
        self.groups.forgotten(self.key("a"))
        #expect(self.groups.count(of: 33) == 0)
        #expect(self.groups.overdue(at: now + self.idle) == [] && self.groups.nextLook == nil)
    }

    @Test mutating func `a group that is taken again is not left`() {
        self.groups.made(self.key("a"), at: self.start)
        self.groups.taken(self.key("a"))
        self.groups.left(self.key("a"), at: self.start)
        self.groups.taken(self.key("a"))
        #expect(self.groups.overdue(at: self.start + .hours(1)) == [])
    }

    @Test mutating func `users are counted apart, and groups of peers with authority not at all`() {
        self.groups.made(self.key("a"), at: self.start)
        self.groups.made(self.key("a", 34), at: self.start)
        self.groups.made(GroupKey(namespace: .authority, name: "a"), at: self.start)
        self.groups.left(GroupKey(namespace: .authority, name: "a"), at: self.start)
        #expect(self.groups.count(of: 33) == 1 && self.groups.count(of: 34) == 1 && self.groups.count(of: 0) == 0)
        #expect(self.groups.leftGroups(of: 34) == [self.key("a", 34)])
    }

    @Test mutating func `what was never taken or is unknown does no harm`() {
        self.groups.left(self.key("ghost"), at: self.start)
        self.groups.forgotten(self.key("ghost"))
        #expect(self.groups.count(of: 33) == 0 && self.groups.nextLook == nil)
    }
}
