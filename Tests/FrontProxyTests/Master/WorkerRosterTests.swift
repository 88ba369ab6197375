// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct WorkerRosterTests {
    private typealias ID = WorkerRoster.ID

    private func id(_ number: Int) -> ID { ID(rawValue: number) }

    /// A roster whose first worker serves since 0.
    private func serving() -> WorkerRoster {
        var roster = WorkerRoster()
        _ = roster.launchRequested()
        _ = roster.ready(id(1), at: 0)
        return roster
    }

    @Test func `the first worker that is ready is announced`() {
        var roster = WorkerRoster()
        #expect(roster.launchRequested()?.launch == id(1))
        #expect(roster.ready(id(1), at: 0) == .serves(drain: [], isFirst: true))
        #expect(roster.serving == id(1))
    }

    @Test func `a first worker that ends before it is ready ends the master`() {
        var roster = WorkerRoster()
        _ = roster.launchRequested()
        #expect(roster.ended(id(1), at: 5) == .giveUp)
    }

    @Test func `on a reload the old worker drains only when the new one is ready`() {
        var roster = serving()
        #expect(roster.launchRequested()?.launch == id(2))
        #expect(roster.serving == id(1))
        #expect(roster.ready(id(2), at: 9) == .serves(drain: [id(1)], isFirst: false))
        #expect(roster.serving == id(2))
        #expect(roster.ended(id(1), at: 10) == .nothing)
    }

    @Test func `a second reload supersedes a worker that is still starting`() {
        var roster = serving()
        _ = roster.launchRequested()
        let again = roster.launchRequested()
        #expect(again?.launch == id(3))
        #expect(again?.quit == id(2))
        #expect(roster.ready(id(2), at: 1) == .ignored(reason: "it was told to end before"))
        #expect(roster.ready(id(3), at: 2) == .serves(drain: [id(1)], isFirst: false))
    }

    @Test func `when the worker of a reload fails the old one stays`() {
        var roster = serving()
        _ = roster.launchRequested()
        #expect(roster.ended(id(2), at: 5) == .keepServing(id(1)))
        #expect(roster.newest == id(1))
        #expect(roster.ended(id(1), at: 60_000) == .launch(afterMilliseconds: 0))
    }

    @Test func `a crashed worker is replaced at once, one that crashes again and again with growing waits`() {
        var roster = serving()
        #expect(roster.ended(id(1), at: 20_000) == .launch(afterMilliseconds: 0))
        var delays: [Int64] = []
        for number in 2..<11 {
            #expect(roster.launchDue()?.launch == id(number))
            _ = roster.ready(id(number), at: 20_000)
            if case .launch(let delay) = roster.ended(id(number), at: 20_001) { delays.append(delay) }
        }
        #expect(delays == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    }

    @Test func `a replacement that fails to start is tried again`() {
        var roster = serving()
        _ = roster.ended(id(1), at: 1)
        _ = roster.launchDue()
        #expect(roster.ended(id(2), at: 2) == .launch(afterMilliseconds: 200))
        #expect(roster.launchDue()?.launch == id(3))
        #expect(roster.launchDue() == nil)
    }

    @Test func `a crash while the next worker starts needs no third one`() {
        var roster = serving()
        _ = roster.launchRequested()
        #expect(roster.ended(id(1), at: 1) == .nothing)
        #expect(roster.ready(id(2), at: 2) == .serves(drain: [], isFirst: false))
    }

    @Test func `stopping drains, then quits, then forces`() {
        var roster = serving()
        _ = roster.launchRequested()
        #expect(roster.stopRequested() == .drain([id(1), id(2)]))
        #expect(roster.launchRequested() == nil)
        #expect(roster.ready(id(2), at: 1) == .ignored(reason: "it was told to end before"))
        #expect(roster.stopRequested() == .quit([id(1), id(2)]))
        #expect(roster.stopRequested() == .force([id(1), id(2)]))
        #expect(roster.stopRequested() == .force([id(1), id(2)]))
        #expect(roster.ended(id(1), at: 2) == .nothing)
        #expect(roster.ended(id(2), at: 3) == .finished)
    }

    @Test func `stopping between a crash and its replacement ends at once`() {
        var roster = serving()
        _ = roster.ended(id(1), at: 1)
        #expect(roster.stopRequested() == .finished)
        #expect(roster.launchDue() == nil)
    }

    @Test func `a worker that was told to drain is not told again`() {
        var roster = serving()
        _ = roster.launchRequested()
        _ = roster.ready(id(2), at: 1)
        #expect(roster.stopRequested() == .drain([id(2)]))
    }

    @Test func `a random walk never has two serving workers nor none without a launch`() {
        for seed in 0..<20 as Range<UInt64> {
            var random = WalkGenerator(state: seed)
            var roster = WorkerRoster()
            _ = roster.launchRequested()
            _ = roster.ready(id(1), at: 0)
            var isLaunchPending = false
            for step in 0..<500 {
                let known = roster.workers.keys.sorted { $0.rawValue < $1.rawValue }
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    if roster.launchRequested() != nil { isLaunchPending = false }
                case 1: if let one = known.randomElement(using: &random) { _ = roster.ready(one, at: Int64(step)) }
                case 2:
                    guard let one = known.randomElement(using: &random) else { break }
                    if case .launch = roster.ended(one, at: Int64(step)) { isLaunchPending = true }
                default: if roster.launchDue() != nil { isLaunchPending = false }
                }
                let serving = roster.workers.values.count { if case .serving = $0 { true } else { false } }
                let isStarting = roster.workers.values.contains(.starting)
                #expect(serving <= 1, "seed \(seed), step \(step)")
                #expect(serving == 1 || isStarting || isLaunchPending, "seed \(seed), step \(step)")
            }
        }
    }
}

/// xorshift64*.
private struct WalkGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
