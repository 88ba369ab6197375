// SPDX-License-Identifier: MIT

import FairShare
import Testing

/// Places, bytes: what is taken is held until it is given back.
struct BudgetOfPlacesTests {
    @Test func `one alone may have their own limit, and no more`() {
        var budget = Budget<Int>(.init(total: 10, each: 3))
        let verdicts = (0..<5).map { _ in budget.take(by: 1) }
        #expect(verdicts == [.granted, .granted, .granted, .refused, .refused])
        #expect(budget.used == 3 && budget.refusals == 2)
        budget.giveBack(by: 1)
        #expect(budget.take(by: 1) == .granted)
    }

    @Test func `when all is taken, who is below the share gets a place of the one who has most`() {
        var budget = Budget<Int>(.init(total: 10, each: 8))
        for _ in 0..<8 { #expect(budget.take(by: 1) == .granted) }
        for _ in 0..<2 { #expect(budget.take(by: 2) == .granted) }
        #expect(budget.take(by: 1) == .refused, "above the share")
        #expect(budget.take(by: 3) == .grantedInPlaceOf(1))
        budget.giveBack(by: 1)
        #expect(budget.used == 10)
        #expect(budget.take(by: 1) == .refused, "and does not get it back")
        #expect(budget.take(by: 2) == .grantedInPlaceOf(1))
        budget.giveBack(by: 1)
    }

    @Test func `the reserve is for those who may use it`() {
        var budget = Budget<Int>(.init(total: 6, reserve: 2, each: 6))
        for uid in 1...4 { #expect(budget.take(by: uid) == .granted) }
        #expect(budget.take(by: 1) == .refused)
        #expect(budget.take(by: 0, fromReserve: true) == .granted)
        #expect(budget.take(by: 0, fromReserve: true) == .granted)
        #expect(budget.take(by: 0, fromReserve: true) == .refused)
    }

    @Test func `what was never taken cannot be given back`() {
        var budget = Budget<Int>(.init(total: 6, each: 6))
        budget.giveBack(by: 1)
        _ = budget.take(2, by: 1)
        budget.giveBack(5, by: 1)
        #expect(budget.used == 0 && budget.held(by: 1) == 0)
    }

    @Test(arguments: 1...20)
    func `whatever happens, nobody within their share is refused and all limits hold`(seed: Int) {
        var numbers = SeededNumbers(seed: seed)
        let (total, each) = (20 + seed, 6 + seed % 5)
        var budget = Budget<Int>(.init(total: total, each: each))
        var model: [Int: Int] = [:]
        for step in 0..<2000 {
            let subject = Int.random(in: 0..<8, using: &numbers)
            if Int.random(in: 0..<3, using: &numbers) == 0, model[subject, default: 0] > 0 {
                budget.giveBack(by: subject)
                model[subject, default: 0] -= 1
                continue
            }
            let mine = model[subject, default: 0] + 1
            switch budget.take(by: subject) {
            case .granted: model[subject] = mine
            case .grantedInPlaceOf(let other):
                #expect(model[other, default: 0] >= mine, "seed \(seed), step \(step)")
                model[subject] = mine
                model[other, default: 0] -= 1
                budget.giveBack(by: other)
            case .refused:
                // An equal part of everything is within every share.
                let holders = model.values.count { $0 > 0 } + (mine == 1 ? 1 : 0)
                #expect(mine > each || mine * holders > total, "seed \(seed), step \(step)")
            }
            let sum = model.values.reduce(0, +)
            #expect(sum <= total && sum == budget.used, "seed \(seed), step \(step)")
            #expect(model.values.allSatisfy { (0...each).contains($0) }, "seed \(seed), step \(step)")
        }
    }
}

/// Frames and log lines: what was spent drains.
struct BudgetInTimeTests {
    private static let second: UInt64 = 1_000_000_000
    private let start: UInt64 = 1_000_000_000_000

    private func at(_ seconds: Double) -> UInt64 { self.start + UInt64(seconds * 1e9) }

    private func rates() -> Budget<Int> {
        Budget(SharedPace(each: Pace(40, perSecond: 20), all: Pace(200, perSecond: 100)))
    }

    @Test func `the first frames are due at once, others at an even pace`() {
        var budget = self.rates()
        for _ in 0..<40 { #expect(budget.spend(by: 1, at: self.start) == .zero) }
        for number in 1...60 { #expect(budget.spend(by: 1, at: self.start) == .milliseconds(50 * number)) }
        #expect(budget.spend(by: 2, at: self.start) == .zero, "another one has a pace of their own")
    }

    @Test func `who keeps to the pace never waits, and a burst comes back with time`() {
        var budget = self.rates()
        for number in 0..<1000 { #expect(budget.spend(by: 1, at: self.at(Double(number) * 0.05)) == .zero) }
        for _ in 0..<200 { _ = budget.spend(by: 1, at: self.at(60)) }
        for _ in 0..<40 { #expect(budget.spend(by: 1, at: self.at(120)) == .zero) }
        #expect(budget.spend(by: 1, at: self.at(120)) > .zero)
    }

    @Test func `many who flood share what there is, and who wants little does not notice them`() {
        var budget = self.rates()
        var served: [Int: Int] = [:]
        var due: [Int: UInt64] = [:]
        for step in 0..<6000 {
            let now = self.at(Double(step) * 0.01)
            for flooder in 1...50 where due[flooder, default: 0] <= now {
                served[flooder, default: 0] += 1
                let wait = budget.spend(by: flooder, at: now)
                due[flooder] =
                    now + UInt64(wait.components.attoseconds / 1_000_000_000)
                    + UInt64(wait.components.seconds) * Self.second
            }
            // One frame a second: the share of each of the fifty is two.
            if step > 500, step % 100 == 0 { #expect(budget.spend(by: 0, at: now) == .zero, "step \(step)") }
        }
        let all = served.values.reduce(0, +)
        // A minute at a hundred a second, and what all together may be ahead.
        #expect((5500...7200).contains(all), "\(all)")
        #expect(served.values.allSatisfy { $0 > 80 }, "\(served)")
    }

    @Test func `lines in a minute are taken or refused`() {
        var lines = Budget<Int>(SharedPace(each: Pace(perMinute: 3), all: Pace(perMinute: 8)))
        let granted = (0..<5).map { _ in lines.take(by: 1, at: self.start).isGranted }
        #expect(granted == [true, true, true, false, false])
        #expect(!lines.grants(to: 1) && lines.grants(to: 2))
        for uid in 2...3 { for _ in 0..<2 { #expect(lines.take(by: uid, at: self.start).isGranted) } }
        #expect(lines.take(by: 4, at: self.at(1)).isGranted)
        #expect(lines.take(by: 5, at: self.at(1)).isGranted, "all are gone, and this one is below the share")
        #expect(lines.take(by: 1, at: self.at(70)).isGranted)
    }

    @Test func `without a pace for all, each has their own, however many there are`() {
        var changes = Budget<Int>(SharedPace(each: Pace(perMinute: 6), all: nil))
        for subject in 0..<100 {
            #expect((0..<9).count { _ in changes.take(by: subject, at: self.start).isGranted } == 6)
        }
        for subject in 0..<100 {
            #expect((0..<9).count { _ in changes.take(by: subject, at: self.at(20)).isGranted } == 2)
        }
    }

    @Test func `more users than are kept in mind wait, and are not remembered`() {
        var budget = self.rates()
        let waits = (0..<5000).map { budget.spend(by: $0, at: self.start) }
        #expect(waits.last.map { $0 > .zero } == true)
        #expect(budget.used <= 1024)
        #expect(budget.spend(by: 9999, at: self.at(60)) == .zero)
    }

    @Test func `a clock that stands still or goes back does no harm`() {
        var budget = self.rates()
        for _ in 0..<10 { _ = budget.spend(by: 1, at: self.start) }
        _ = budget.spend(by: 1, at: self.start - 5)
        #expect(budget.used == 11)
        #expect(budget.take(by: 1, at: 0).isGranted)
    }
}
