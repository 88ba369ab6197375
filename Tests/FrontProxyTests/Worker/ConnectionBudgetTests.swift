// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct ConnectionBudgetTests {
    @Test func `as many connections begin as the limit says, and an end makes room`() {
        var budget = ConnectionBudget(limit: 2)
        let begun = (0..<3).map { _ in budget.begin() }
        #expect(begun == [true, true, false] && budget.open == 2 && !budget.hasRoom)
        let madeRoom = (0..<2).map { _ in budget.ended() }
        #expect(madeRoom == [true, false] && budget.hasRoom)
    }

    @Test func `without a limit there is always room`() {
        var budget = ConnectionBudget(limit: nil)
        for _ in 0..<10_000 { _ = budget.begin() }
        #expect(budget.hasRoom && budget.open == 10_000)
    }

    @Test func `a limit can be lifted`() {
        var budget = ConnectionBudget(limit: 1)
        _ = budget.begin()
        budget.lift()
        #expect(budget.hasRoom)
    }

    @Test func `an acceptor ends only when it keeps no connection, and is given none afterwards`() {
        var budget = ConnectionBudget(limit: nil)
        let isKept = budget.idleBegan()
        #expect(isKept && budget.idle == 1)
        let endsEarly = budget.close()
        #expect(!endsEarly)
        budget.idleEnded()
        let ends = budget.close()
        let isKeptAfterwards = budget.idleBegan()
        #expect(ends && !isKeptAfterwards && budget.idle == 0)
    }
}
