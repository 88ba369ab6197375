// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

/// The table of `Refork`: when a process has served enough, and what is older than what.
struct ReforkTests {
    private static let worker = Process.ID(rawValue: 7)
    private static let other = Process.ID(rawValue: 8)
    private static let spawn = Spawn.ID(rawValue: 3)

    /// One that is in that generation.
    private static func refork(_ generation: UInt32) -> Refork {
        var refork = Refork()
        for _ in 0..<generation {
            refork.began(from: worker)
            _ = refork.ended(from: worker, .succeeded, beside: nil)
        }
        return refork
    }

    @Test(arguments: [
        (0, 0, 1000, false), (9, 0, 10, false), (10, 0, 10, true), (11, 0, 10, true),
        // Each generation takes ten times as many, and none is due that nobody can reach.
        (99, 1, 10, false), (100, 1, 10, true), (999, 2, 10, false), (1000, 2, 10, true),
        (Int.max, 30, 10, false), (Int.max, 0, 0, false),
    ])
    func `a process is due once it has served enough`(served: Int, generation: UInt32, count: Int, isDue: Bool) {
        let refork = Self.refork(generation)
        #expect(refork.generation == generation)
        #expect(refork.isDue(after: served, of: generation, count: count) == isDue)
        // Only what the newest preloader has forked.
        #expect(!refork.isDue(after: served, of: generation + 1, count: count))
    }

    @Test func `nobody is due while one is under way, nor after a failure in the same generation`() {
        var refork = Self.refork(1)
        refork.began(from: Self.worker)
        #expect(refork.state == .underWay(from: Self.worker))
        #expect(!refork.isDue(after: .max, of: 1, count: 1))
        let isOfOther = refork.ended(from: Self.other, .succeeded, beside: nil)
        #expect(!isOfOther && refork.state == .underWay(from: Self.worker))
        let isOwn = refork.ended(from: Self.worker, .failed(isWorkerLost: false), beside: nil)
        #expect(isOwn && refork.state == .idle && refork.generation == 1)
        #expect(!refork.isDue(after: .max, of: 1, count: 1))
        let isAgain = refork.ended(from: Self.worker, .succeeded, beside: nil)
        #expect(!isAgain && refork.generation == 1)
    }

    @Test func `what older preloaders have forked is older, and nothing else`() {
        let refork = Self.refork(2)
        #expect([nil, 0, 1, 2, 3].map { refork.isOlder($0) } == [false, true, true, false, false])
        #expect([nil, 0].map { Refork().isOlder($0) } == [false, false])
    }

    @Test func `a preloader that has loaded the app anew is the newest`() {
        var refork = Self.refork(2)
        refork.processCame(of: nil, by: Self.spawn)
        refork.processCame(of: 2, by: Self.spawn)
        #expect(refork.generation == 2)
        refork.processCame(of: 0, by: Self.spawn)
        #expect(refork.generation == 0 && refork.isDue(after: 5, of: 0, count: 5))
    }

    @Test func `a spawn that began before the refork had ended says nothing about the newest preloader`() {
        var refork = Refork()
        refork.began(from: Self.worker)
        _ = refork.ended(from: Self.worker, .succeeded, beside: Self.spawn)
        refork.processCame(of: 0, by: Self.spawn)
        #expect(refork.generation == 1)
        refork.processCame(of: 0, by: Spawn.ID(rawValue: 4))
        #expect(refork.generation == 0)
    }

    @Test func `where a process cannot be replaced all that are left stay`() {
        var refork = Self.refork(3)
        refork.replacementFailed(oldest: 1)
        #expect(!refork.isOlder(1))
        #expect(!refork.isDue(after: .max, of: 1, count: 1))
    }
}
