// SPDX-License-Identifier: MIT

import Logging
import Testing

@testable import ProgramLog

@Suite struct LogBudgetTests {
    private static let limits = LogBudget.Limits(
        sourceBurst: 10_000,
        sourceRate: 1_000,
        commonRate: 4_000,
        potBurst: 30_000,
        reserveBurst: 5_000,
        reserveRate: 500,
        leastCost: 100,
        sources: 4,
        idle: .seconds(10),
        interval: .seconds(10)
    )
    private static let shop = LogSource.output(of: "shop")
    private static let blog = LogSource.output(of: "blog")

    private var budget = LogBudget(limits)

    private mutating func admitted(_ source: LogSource, _ lines: Int, bytes: Int = 100, at now: Duration) -> Int {
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
        let floods = [LogSource.output(of: "a"), .output(of: "b"), LogSource(of: ["uid": "7001"])]
        for tick in 0..<600 {
            let now = Duration.milliseconds(100 * tick)
            for flood in floods { _ = admitted(flood, 200, at: now) }
            // 500 bytes per second: less than a fifth of the common rate.
            if tick % 2 == 0 { #expect(admitted(Self.shop, 1, at: now) == 1, "\(tick)") }
        }
    }

    @Test mutating func `all together write no more than the common rate`() {
        let floods = ["a", "b", "c"].map { LogSource.output(of: $0) }
        var lines = 0
        for tick in 0..<1_000 {
            for flood in floods { lines += admitted(flood, 50, at: .milliseconds(100 * tick)) }
        }
        // 100 s at 1,000 bytes per second each, and their bursts.
        #expect((3_000...3_300).contains(lines), "\(lines)")
        let limits = LogBudget.Limits(commonRate: 1_000, potBurst: 0, leastCost: 100)
        budget = LogBudget(limits)
        lines = (0..<1_000).reduce(0) { sum, tick in
            sum + floods.reduce(0) { $0 + admitted($1, 50, at: .milliseconds(100 * tick)) }
        }
        #expect((900...1_100).contains(lines), "\(lines)")
    }

    @Test mutating func `floods of all others leave the reserve of the program`() {
        for number in 0..<100 { _ = admitted(.output(of: "app\(number)"), 1_000, at: .zero) }
        #expect(admitted(.program, 1_000, at: .zero) == 50)
        #expect(admitted(.program, 1_000, at: .seconds(2)) == 10)
    }

    @Test mutating func `what was left out is told once for each source and interval`() {
        _ = admitted(Self.shop, 300, at: .zero)
        _ = admitted(Self.blog, 100, at: .seconds(1))
        #expect(budget.nextNote == .seconds(10) && budget.dueNotes(at: .seconds(9)).isEmpty)
        _ = admitted(Self.blog, 105, at: .seconds(2))
        #expect(budget.dueNotes(at: .seconds(10)) == [.init(source: Self.shop, lines: 200)])
        #expect(budget.dueNotes(at: .seconds(11)).isEmpty)
        let notes = budget.dueNotes(at: .seconds(12))
        #expect(notes.map(\.source) == [Self.blog] && budget.nextNote == nil)
    }

    @Test mutating func `more sources than are kept share one budget, and are told together`() {
        for number in 0..<10 { _ = admitted(.output(of: "app\(number)"), 200, at: .zero) }
        #expect(budget.dueNotes(at: .seconds(10)).contains { $0.source == nil && $0.lines >= 1_000 })
    }

    @Test mutating func `idle sources make room for new ones`() {
        for number in 0..<4 { _ = admitted(.output(of: "app\(number)"), 1, at: .zero) }
        #expect(admitted(Self.shop, 1_000, at: .seconds(30)) == 100)
        // It has an account of its own: it is named.
        #expect(budget.dueNotes(at: .seconds(40)) == [.init(source: Self.shop, lines: 900)])
    }

    @Test mutating func `whatever happens, nobody gets more than ceiling and common rate`() {
        var generator = SystemRandomNumberGenerator()
        var now = Duration.zero
        var written: [Int: Int] = [:]
        for _ in 0..<5_000 {
            now += .milliseconds(Int.random(in: 0...200, using: &generator))
            let number = Int.random(in: 0..<6, using: &generator)
            let bytes = Int.random(in: 0...2_000, using: &generator)
            if budget.admit(.output(of: "app\(number)"), bytes: bytes, at: now) {
                written[number, default: 0] += max(bytes, 100)
            }
            _ = budget.dueNotes(at: now)
            let seconds = Int(now / .seconds(1)) + 1
            #expect(written.values.allSatisfy { $0 <= 2 * 10_000 + 1_000 * seconds })
            #expect(written.values.reduce(0, +) <= 30_000 + 5 * 4_000 + 4_000 * seconds)
        }
    }

    @Test(
        arguments: [
            ([:], LogSource.Kind.program, [:]), (["pid": "1"], .program, [:]),
            (["uid": "0", "app": "/srv/a"], .program, [:]),
            (["uid": "33", "app": "/srv/a"], .peer, ["uid": "33"]), (["app": "/srv/a"], .app, ["app": "/srv/a"]),
        ] as [(Logger.Metadata, LogSource.Kind, Logger.Metadata)]
    )
    func `a line belongs to the peer that causes it, else to its app`(
        metadata: Logger.Metadata,
        kind: LogSource.Kind,
        facts: Logger.Metadata
    ) {
        #expect(LogSource(of: metadata).kind == kind && LogSource(of: metadata).facts == facts)
    }

    @Test func `names are told apart byte for byte`() {
        #expect(LogSource.output(of: "caf\u{E9}") != .output(of: "cafe\u{301}"))
        #expect(LogSource.output(of: "shop") != LogSource(of: ["app": "shop"]))
    }
}
