// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct BackoffTests {
    private let start = Instant(nanoseconds: 0)

    private func at(_ seconds: Int) -> Instant { self.start.advanced(by: .seconds(seconds)) }

    @Test func `delays double up to a minute`() {
        let delays = (1...9).map { Backoff.delay(afterFailures: $0) }
        #expect(delays == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { Duration.seconds($0) })
        #expect(Backoff.delay(afterFailures: 1_000_000) == .seconds(60))
    }

    @Test func `a failed spawn blocks and refuses for its delay`() {
        var backoff = Backoff()
        #expect(!backoff.isBlocking(at: self.start))
        backoff.spawnFailed(isCheap: false, at: self.start)
        #expect(backoff.isBlocking(at: self.start))
        #expect(backoff.refusing(at: self.start) == self.at(1))
        #expect(!backoff.isBlocking(at: self.at(1)))
        #expect(backoff.refusing(at: self.at(1)) == nil)
        backoff.spawnFailed(isCheap: false, at: self.at(1))
        #expect(backoff.refusing(at: self.at(2)) == self.at(3))
    }

    @Test func `cheap failures hold requests back for a second only, however many there were`() {
        var backoff = Backoff()
        for second in [0, 1, 3] { backoff.spawnFailed(isCheap: true, at: self.at(second)) }
        #expect(backoff.isBlocking(at: self.at(6)))
        #expect(!backoff.isBlocking(at: self.at(7)))
        #expect(backoff.refusing(at: self.at(3)) == self.at(4))
        #expect([3, 4, 7].map { backoff.nextEnd(after: self.at($0)) } == [self.at(4), self.at(7), nil])
        #expect(!backoff.isBlockingRequests(at: self.at(4)))
        #expect(backoff.refusing(at: self.at(4)) == nil)
        backoff.spawnFailed(isCheap: false, at: self.at(4))
        #expect(backoff.refusing(at: self.at(4)) == self.at(12))
    }

    @Test func `one early death delays, the second one refuses`() {
        var backoff = Backoff()
        backoff.processDied(afterLiving: .seconds(3), hadRequests: false, at: self.at(3))
        #expect(backoff.isBlocking(at: self.at(3)))
        #expect(backoff.refusing(at: self.at(3)) == nil)
        backoff.spawnSucceeded(at: self.at(4))
        #expect(!backoff.isBlocking(at: self.at(4)))
        backoff.processDied(afterLiving: .seconds(2), hadRequests: false, at: self.at(6))
        #expect(backoff.refusing(at: self.at(6)) == self.at(8))
    }

    @Test func `a process that ended after a request is no failed start, however young it was`() {
        var backoff = Backoff()
        for second in 1...20 {
            backoff.spawnSucceeded(at: self.at(second))
            backoff.processDied(afterLiving: .milliseconds(10), hadRequests: true, at: self.at(second))
            #expect(!backoff.isBlocking(at: self.at(second)) && !backoff.isBlockingRequests(at: self.at(second)))
            #expect(backoff.refusing(at: self.at(second)) == nil && !backoff.isFailing)
        }
    }

    @Test func `an end after a request neither begins nor ends a row of failed starts`() {
        var backoff = Backoff()
        for _ in 1...3 { backoff.spawnFailed(isCheap: false, at: self.start) }
        backoff.spawnSucceeded(at: self.at(4))
        backoff.processDied(afterLiving: .seconds(1), hadRequests: true, at: self.at(5))
        #expect(backoff.failures == 3 && !backoff.isBlocking(at: self.at(5)))
        backoff.spawnFailed(isCheap: false, at: self.at(6))
        #expect(backoff.failures == 4)
        #expect(backoff.refusing(at: self.at(6)) == self.at(14))
        backoff.processDied(afterLiving: .seconds(10), hadRequests: true, at: self.at(30))
        #expect(backoff.failures == 0)
    }

    @Test func `a life of ten seconds ends a row`() {
        var backoff = Backoff()
        for _ in 1...3 { backoff.spawnFailed(isCheap: false, at: self.start) }
        backoff.spawnSucceeded(at: self.at(10))
        backoff.processDied(afterLiving: .seconds(10), hadRequests: false, at: self.at(20))
        #expect(backoff.failures == 0)
        #expect(!backoff.isBlocking(at: self.at(20)))
    }

    @Test func `a spawn that fails long after the last success begins a new row`() {
        var backoff = Backoff()
        for _ in 1...3 { backoff.spawnFailed(isCheap: false, at: self.start) }
        backoff.spawnSucceeded(at: self.at(10))
        backoff.spawnFailed(isCheap: false, at: self.at(25))
        #expect(backoff.failures == 1)
        backoff.spawnFailed(isCheap: false, at: self.at(50))
        #expect(backoff.failures == 2)
    }

    @Test func `an app is failing from its failure, early death or lost start until the next success`() {
        var backoff = Backoff()
        #expect(!backoff.isFailing)
        backoff.spawnFailed(isCheap: false, at: self.start)
        #expect(backoff.isFailing)
        backoff.spawnSucceeded(at: self.at(1))
        #expect(!backoff.isFailing)
        backoff.processDied(afterLiving: .seconds(1), hadRequests: false, at: self.at(2))
        #expect(backoff.isFailing)
        backoff.spawnSucceeded(at: self.at(3))
        backoff.processDied(afterLiving: .seconds(60), hadRequests: false, at: self.at(63))
        #expect(!backoff.isFailing)
        backoff.startGaveWay()
        #expect(backoff.isFailing && !backoff.isBlocking(at: self.at(63)))
        backoff.spawnSucceeded(at: self.at(64))
        #expect(!backoff.isFailing)
    }

    @Test func `a reset forgets everything`() {
        var backoff = Backoff()
        backoff.spawnFailed(isCheap: false, at: self.start)
        backoff.reset()
        #expect(backoff == Backoff())
    }
}
