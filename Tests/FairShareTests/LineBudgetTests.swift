// SPDX-License-Identifier: MIT

import FairShare
import Testing

@Suite struct LineBudgetTests {
    private typealias Limits = LineBudget<String>.Limits

    private static let limits: Limits = {
        var limits = Limits()
        (limits.sourceBurst, limits.sourceRate) = (10_000, 1_000)
        (limits.commonRate, limits.potBurst) = (4_000, 30_000)
        (limits.reserveBurst, limits.reserveRate) = (5_000, 500)
        (limits.leastCost, limits.sources) = (100, 4)
        return limits
    }()
    private static let shop = "shop"
    private static let blog = "blog"

    private var budget = LineBudget<String>(limits)

    private mutating func admitted(_ source: String?, _ lines: Int, bytes: Int = 100, at now: Duration) -> Int {
        (0..<lines).count { _ in budget.admit(source, bytes: bytes, at: now) }
    }

    @Test mutating func `a burst is written in full, a flood at a steady rate`() {
        #expect(admitted(Self.shop, 1_000, at: .zero) == 100)
        #expect(admitted(Self.shop, 1_000, at: .seconds(1)) == 10)
        #expect(admitted(Self.shop, 1_000, at: .seconds(3)) == 20)
        // Quiet for long, it has its burst again.
        #expect(admitted(Self.shop, 1_000, at: .seconds(60)) == 100)
    }

    @Test mutating func `a long line costs what it is, a short one costs something`() {
        #expect(admitted(Self.shop, 1_000, bytes: 1_000, at: .zero) == 10)
        #expect(admitted(Self.blog, 1_000, bytes: 1, at: .zero) == 100)
    }

    @Test mutating func `who stays below the share loses nothing, whatever others do`() {
        let floods = ["a", "b", "uid 7001"]
        for tick in 0..<600 {
            let now = Duration.milliseconds(100 * tick)
            for flood in floods { _ = admitted(flood, 200, at: now) }
            // 500 bytes per second: less than a fifth of the common rate.
            if tick % 2 == 0 { #expect(admitted(Self.shop, 1, at: now) == 1, "\(tick)") }
        }
    }

    @Test mutating func `all together write no more than the common rate`() {
        let floods = ["a", "b", "c"]
        var lines = 0
        for tick in 0..<1_000 {
            for flood in floods { lines += admitted(flood, 50, at: .milliseconds(100 * tick)) }
        }
        // 100 s at 1,000 bytes per second each, and their bursts.
        #expect((3_000...3_300).contains(lines), "\(lines)")
        var limits = Limits()
        (limits.commonRate, limits.potBurst, limits.leastCost) = (1_000, 0, 100)
        budget = LineBudget<String>(limits)
        lines = (0..<1_000).reduce(0) { sum, tick in
            sum + floods.reduce(0) { $0 + admitted($1, 50, at: .milliseconds(100 * tick)) }
        }
        #expect((900...1_100).contains(lines), "\(lines)")
    }

    @Test mutating func `floods of all others leave the reserve of the program`() {
        for number in 0..<100 { _ = admitted("app\(number)", 1_000, at: .zero) }
        #expect(admitted(nil, 1_000, at: .zero) == 50)
        #expect(admitted(nil, 1_000, at: .seconds(2)) == 10)
    }

    @Test mutating func `what was left out is told once for each source and interval`() {
        _ = admitted(Self.shop, 300, at: .zero)
        _ = admitted(Self.blog, 100, at: .seconds(1))
        #expect(budget.nextNote == .seconds(10) && budget.dueNotes(at: .seconds(9)).isEmpty)
        _ = admitted(Self.blog, 105, at: .seconds(2))
        #expect(budget.dueNotes(at: .seconds(10)) == [.init(author: .source(Self.shop), lines: 200)])
        #expect(budget.dueNotes(at: .seconds(11)).isEmpty)
        let notes = budget.dueNotes(at: .seconds(12))
        #expect(notes.map(\.author) == [.source(Self.blog)] && budget.nextNote == nil)
    }

    @Test mutating func `more sources than are kept share one budget, and are told together`() {
        for number in 0..<10 { _ = admitted("app\(number)", 200, at: .zero) }
        #expect(budget.dueNotes(at: .seconds(10)).contains { $0.author == .others && $0.lines >= 1_000 })
    }

    @Test mutating func `idle sources make room for new ones`() {
        for number in 0..<4 { _ = admitted("app\(number)", 1, at: .zero) }
        #expect(admitted(Self.shop, 1_000, at: .seconds(30)) == 100)
        // It has an account of its own: it is named.
        #expect(budget.dueNotes(at: .seconds(40)) == [.init(author: .source(Self.shop), lines: 900)])
    }

    @Test mutating func `whatever happens, nobody gets more than ceiling and common rate`() {
        var generator = SeededNumbers(seed: 7)
        var now = Duration.zero
        var written: [Int: Int] = [:]
        for _ in 0..<5_000 {
            now += .milliseconds(Int.random(in: 0...200, using: &generator))
            let number = Int.random(in: 0..<6, using: &generator)
            let bytes = Int.random(in: 0...2_000, using: &generator)
            if budget.admit("app\(number)", bytes: bytes, at: now) {
                written[number, default: 0] += max(bytes, 100)
            }
            _ = budget.dueNotes(at: now)
            let seconds = Int(now / .seconds(1)) + 1
            #expect(written.values.allSatisfy { $0 <= 2 * 10_000 + 1_000 * seconds })
            #expect(written.values.reduce(0, +) <= 30_000 + 5 * 4_000 + 4_000 * seconds)
        }
    }
}
