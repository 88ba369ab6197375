// SPDX-License-Identifier: MIT

import DequeModule

/// A request that waits for a process.
struct Waiter: Sendable {
    /// Grows with each waiter of the pool, so that the order of numbers is the order of arrival.
    let number: UInt64
    /// 0 = any process will do.
    let stickyID: UInt32
    /// The connection that it came from, if that may keep sessions.
    let holder: LeaseHolder?
    let since: Instant
    let deadline: Instant?

    init(number: UInt64, stickyID: UInt32, holder: LeaseHolder? = nil, since: Instant, deadline: Instant?) {
        self.number = number
        self.stickyID = stickyID
        self.holder = holder
        self.since = since
        self.deadline = deadline
    }
}

/// Waiting requests, first come first served, each removable at once.
///
/// A request that leaves from the middle leaves a gap; gaps are closed when they are more than the waiters, so adding and
/// removing cost O(log n) on average and nothing grows beyond twice what waits.
struct RequestQueue: Sendable {
    private struct Slot: Sendable {
        let waiter: Waiter
        var isGap = false
    }

    /// In the order of numbers; never begins with a gap.
    private var slots: Deque<Slot> = []
    private(set) var count = 0
    /// Waiters of each connection that may keep sessions.
    private var counts: [LeaseHolder: Int] = [:]

    func count(of holder: LeaseHolder) -> Int { self.counts[holder] ?? 0 }

    var isEmpty: Bool { self.count == 0 }
    /// With gaps.
    var slotCount: Int { self.slots.count }
    var first: Waiter? { self.slots.first?.waiter }

    func first(where matches: (Waiter) -> Bool) -> Waiter? {
        self.slots.first { !$0.isGap && matches($0.waiter) }?.waiter
    }

    /// The waiter that has `others` before it.
    func waiter(after others: Int) -> Waiter? {
        guard others < self.count else { return nil }
        if others == 0 { return self.first }
        return self.slots.lazy.filter { !$0.isGap }.dropFirst(others).first?.waiter
    }

    /// The waiter's number must be above all those that were ever added.
    mutating func append(_ waiter: Waiter) {
        self.slots.append(Slot(waiter: waiter))
        self.count += 1
        if let holder = waiter.holder { self.counts[holder, default: 0] += 1 }
    }

    /// Removes the first waiter that `isServable` holds for.
    mutating func removeFirst(where isServable: (Waiter) -> Bool) -> Waiter? {
        guard let index = self.slots.firstIndex(where: { !$0.isGap && isServable($0.waiter) }) else { return nil }
        let waiter = self.slots[index].waiter
        self.leaveGap(at: index)
        return waiter
    }

    /// Removes a waiter by its number; false when it is not here.
    mutating func remove(number: UInt64) -> Bool {
        guard let index = self.index(of: number) else { return false }
        self.leaveGap(at: index)
        return true
    }

    /// Removes all whose deadline has come.
    mutating func removeExpired(at now: Instant) -> [Waiter] {
        let expired = self.slots.filter { slot in
            guard !slot.isGap, let deadline = slot.waiter.deadline else { return false }
            return deadline <= now
        }
        for slot in expired { _ = self.remove(number: slot.waiter.number) }
        return expired.map(\.waiter)
    }

    mutating func removeAll() -> [Waiter] {
        defer {
            self.slots.removeAll()
            self.count = 0
            self.counts = [:]
        }
        return self.waiters
    }

    /// Everyone who waits, in order.
    var waiters: [Waiter] { self.slots.lazy.filter { !$0.isGap }.map(\.waiter) }

    var nextDeadline: Instant? { self.slots.lazy.filter { !$0.isGap }.compactMap(\.waiter.deadline).min() }

    private func index(of number: UInt64) -> Int? {
        var low = 0
        var high = self.slots.count
        while low < high {
            let middle = (low + high) / 2
            if self.slots[middle].waiter.number < number { low = middle + 1 } else { high = middle }
        }
        guard low < self.slots.count, self.slots[low].waiter.number == number, !self.slots[low].isGap else {
            return nil
        }
        return low
    }

    private mutating func leaveGap(at index: Int) {
        self.slots[index].isGap = true
        self.count -= 1
        if let holder = self.slots[index].waiter.holder {
            let left = self.count(of: holder) - 1
            self.counts[holder] = left > 0 ? left : nil
        }
        while self.slots.first?.isGap == true { self.slots.removeFirst() }
        if self.slots.count > 2 * self.count + 16 { self.slots.removeAll(where: \.isGap) }
    }
}
