// SPDX-License-Identifier: MIT

import NIOCore

/// Groups that were pushed without authority: how many each uid has, and which of them nobody has any more.
///
///     taken (a connection has it) ◀──▶ left (none has it) ── idle time over, or its uid is at the limit ──▶ forgotten
///
/// A group that is left stays as long as it has processes, which only the pool knows: a front may come back to them.
struct OwnerGroups {
    private struct Owner {
        /// Connections that have each group; never 0.
        var takers: [GroupKey: Int] = [:]
        /// Since when nobody has them.
        var left: [GroupKey: NIODeadline] = [:]

        var count: Int { self.takers.count + self.left.count }
    }

    private var owners: [UInt32: Owner] = [:]
    /// One look at all of them at a time, so that each of thousands costs no timer of its own.
    private(set) var nextLook: NIODeadline?

    func count(of uid: UInt32) -> Int { self.owners[uid]?.count ?? 0 }

    /// A group is made; nobody has it before `taken`.
    mutating func made(_ key: GroupKey, at now: NIODeadline) {
        guard case .uid(let uid) = key.namespace else { return }
        self.owners[uid, default: Owner()].left[key] = now
        self.planLook(at: now)
    }

    /// One more connection has the group.
    mutating func taken(_ key: GroupKey) {
        guard case .uid(let uid) = key.namespace else { return }
        self.owners[uid, default: Owner()].left[key] = nil
        self.owners[uid, default: Owner()].takers[key, default: 0] += 1
    }

    /// A connection that had the group has ended.
    mutating func left(_ key: GroupKey, at now: NIODeadline) {
        guard case .uid(let uid) = key.namespace, let takers = self.owners[uid]?.takers[key] else { return }
        if takers > 1 {
            self.owners[uid]?.takers[key] = takers - 1
        } else {
            self.owners[uid]?.takers[key] = nil
            self.owners[uid]?.left[key] = now
            self.planLook(at: now)
        }
    }

    mutating func forgotten(_ key: GroupKey) {
        guard case .uid(let uid) = key.namespace else { return }
        self.owners[uid]?.left[key] = nil
        self.owners[uid]?.takers[key] = nil
        if self.owners[uid]?.count == 0 { self.owners[uid] = nil }
    }

    /// All of a user that nobody has; for one who is at the limit.
    func leftGroups(of uid: UInt32) -> [GroupKey] { self.owners[uid].map { Array($0.left.keys) } ?? [] }

    /// Those that nobody had for the idle time.
    mutating func overdue(at now: NIODeadline) -> [GroupKey] {
        guard let nextLook, nextLook <= now else { return [] }
        let left = self.owners.values.flatMap(\.left)
        self.nextLook = left.isEmpty ? nil : now + FrontRegistry.ownerIdleTime
        return left.filter { $0.value + FrontRegistry.ownerIdleTime <= now }.map(\.key)
    }

    private mutating func planLook(at now: NIODeadline) {
        if self.nextLook == nil { self.nextLook = now + FrontRegistry.ownerIdleTime }
    }
}
