// SPDX-License-Identifier: MIT

import FairShare
import Testing

struct TurnSharesTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let start: UInt64 = 1_000_000 * TurnShares.period

    @Test func `one that floods gets the total of a period, is paused, and goes on in the next`() {
        var shares = TurnShares()
        let id = shares.newID()
        #expect(shares.nextResumption == nil)
        var spent: UInt64 = 0
        while !shares.charge(id, Self.millisecond, at: Self.start) { spent += Self.millisecond }
        #expect(spent == TurnShares.total)
        let next = shares.nextResumption
        #expect(next == Self.start + TurnShares.period)
        #expect(shares.periodEnded(at: Self.start + TurnShares.period - 1).isEmpty)
        #expect(shares.periodEnded(at: Self.start + TurnShares.period) == [id])
        #expect(shares.nextResumption == nil)
    }

    @Test func `a read that took long is paid back before the next one`() {
        var shares = TurnShares()
        let id = shares.newID()
        let isOver = shares.charge(id, 4 * TurnShares.total, at: Self.start)
        #expect(isOver)
        var now = Self.start
        var periods = 0
        while shares.periodEnded(at: now).isEmpty {
            now += TurnShares.period
            periods += 1
        }
        #expect(periods == 4)
    }

    @Test func `a debt of an hour is forgiven after seconds, and times may be anything`() {
        var shares = TurnShares()
        let id = shares.newID()
        let isOver = shares.charge(id, .max, at: Self.start)
        #expect(isOver)
        let isStillOver = shares.charge(id, .max, at: Self.start)
        #expect(isStillOver)
        #expect(shares.periodEnded(at: Self.start + 201 * TurnShares.period) == [id])
        _ = shares.charge(id, 1, at: .max - 2 * TurnShares.period)
        shares.remove(id)
        #expect(shares.nextResumption == nil)
    }

    @Test func `who may go on is told it, also when another one's charge began the period`() {
        var shares = TurnShares()
        let (flood, other) = (shares.newID(), shares.newID())
        let isOver = shares.charge(flood, TurnShares.total + 1, at: Self.start)
        #expect(isOver)
        let isOtherOver = shares.charge(other, 1, at: Self.start + TurnShares.period)
        #expect(!isOtherOver)
        #expect(shares.nextResumption != nil)
        #expect(shares.periodEnded(at: Self.start + TurnShares.period) == [flood])
        #expect(shares.periodEnded(at: Self.start + TurnShares.period).isEmpty)
    }

    @Test func `many that begin to flood at once share from the first period on`() {
        var shares = TurnShares()
        let ids = (0..<100).map { _ in shares.newID() }
        let cost = TurnShares.total / 200
        var spent: UInt64 = 0
        var open = ids
        while !open.isEmpty {
            open = open.filter {
                spent += cost
                return !shares.charge($0, cost, at: Self.start)
            }
        }
        #expect(spent <= 3 * TurnShares.total)
    }

    /// Some flood, some print a little in each period; whatever the order.
    @Test func `on any walk, floods get no more than the total, and who prints little never waits`() {
        for seed in 0..<60 as Range<UInt64> {
            var generator = SeededNumbers(seed: seed)
            var shares = TurnShares()
            let floods = (0..<Int.random(in: 1...20, using: &generator)).map { _ in shares.newID() }
            let modest = (0..<Int.random(in: 1...10, using: &generator)).map { _ in shares.newID() }
            let most = TurnShares.total / UInt64(floods.count + modest.count)
            var paused: Set<TurnShares.ID> = []
            var spent: UInt64 = 0
            let periods: UInt64 = 60
            for period in 0..<periods {
                let began = Self.start + period * TurnShares.period
                for id in shares.periodEnded(at: began) { #expect(paused.remove(id) != nil, "walk \(seed)") }
                for id in modest {
                    let isPaused = shares.charge(id, UInt64.random(in: 0...most, using: &generator), at: began)
                    #expect(!isPaused, "walk \(seed), period \(period)")
                }
                for _ in 0..<400 {
                    guard let id = floods.filter({ !paused.contains($0) }).randomElement(using: &generator) else {
                        break
                    }
                    let cost = UInt64.random(in: 1...TurnShares.total / 20, using: &generator)
                    spent += cost
                    if shares.charge(id, cost, at: began + 1) { paused.insert(id) }
                }
                #expect(paused.isEmpty || shares.nextResumption == began + TurnShares.period, "walk \(seed)")
            }
            // A read of each may go above the level once.
            let slack = UInt64(floods.count + 1) * TurnShares.total
            #expect(spent <= periods * TurnShares.total + slack, "walk \(seed)")
        }
    }
}
