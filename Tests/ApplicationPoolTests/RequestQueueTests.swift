// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct RequestQueueTests {
    private let start = Instant(nanoseconds: 0)

    private func waiter(_ number: UInt64, sticky: UInt32 = 0, deadline: Instant? = nil) -> Waiter {
        Waiter(number: number, stickyID: sticky, since: self.start, deadline: deadline)
    }

    private func queue(_ numbers: ClosedRange<UInt64>) -> RequestQueue {
        var queue = RequestQueue()
        for number in numbers { queue.append(self.waiter(number)) }
        return queue
    }

    @Test func `waiters leave in the order in which they came`() {
        var queue = self.queue(1...3)
        let order = (0..<4).map { _ in queue.removeFirst { _ in true }?.number }
        #expect(order == [1, 2, 3, nil])
        #expect(queue.isEmpty)
    }

    @Test func `a waiter can be passed over`() {
        var queue = self.queue(1...3)
        #expect(queue.removeFirst { $0.number > 1 }?.number == 2)
        #expect(queue.waiters.map(\.number) == [1, 3])
        #expect(queue.first?.number == 1)
    }

    @Test func `a waiter leaves at once from any place`() {
        for number: UInt64 in 1...5 {
            var queue = self.queue(1...5)
            let removed = queue.remove(number: number)
            #expect(removed)
            let removedAgain = queue.remove(number: number)
            #expect(!removedAgain)
            #expect(queue.count == 4)
            #expect(queue.waiters.map(\.number) == (1...5).filter { $0 != number })
            #expect(queue.first?.number == (number == 1 ? 2 : 1))
        }
    }

    @Test func `numbers that are not here are not found`() {
        var queue = self.queue(3...5)
        let removed = [queue.remove(number: 2), queue.remove(number: 6)]
        #expect(removed == [false, false])
    }

    @Test func `the expired leave, the others stay`() {
        var queue = RequestQueue()
        queue.append(self.waiter(1))
        queue.append(self.waiter(2, deadline: self.start.advanced(by: .seconds(5))))
        queue.append(self.waiter(3, deadline: self.start.advanced(by: .seconds(2))))
        #expect(queue.nextDeadline == self.start.advanced(by: .seconds(2)))
        let early = queue.removeExpired(at: self.start.advanced(by: .seconds(1)))
        #expect(early.isEmpty)
        let expired = queue.removeExpired(at: self.start.advanced(by: .seconds(5)))
        #expect(expired.map(\.number) == [2, 3])
        #expect(queue.waiters.map(\.number) == [1])
        #expect(queue.nextDeadline == nil)
    }

    @Test func `many who leave from behind one who stays leave nothing behind`() {
        var queue = RequestQueue()
        queue.append(self.waiter(0))
        for number: UInt64 in 1...10_000 {
            queue.append(self.waiter(number))
            let removed = queue.remove(number: number)
            #expect(removed)
        }
        #expect(queue.count == 1)
        #expect(queue.slotCount < 32)
        let rest = queue.removeAll()
        #expect(rest.map(\.number) == [0])
        #expect(queue.isEmpty)
    }
}
