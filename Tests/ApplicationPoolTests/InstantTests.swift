// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct InstantTests {
    @Test func `instants move by durations`() {
        let start = Instant(nanoseconds: 5)
        #expect(start.advanced(by: .milliseconds(2)) == Instant(nanoseconds: 2_000_005))
        #expect(start.advanced(by: .seconds(-3)) == start)
        #expect(start.advanced(by: .milliseconds(2)).since(start) == .milliseconds(2))
        #expect(start.since(start.advanced(by: .seconds(1))) == .zero)
    }

    @Test func `an endless duration does not overflow`() {
        let late = Instant(nanoseconds: .max - 1)
        #expect(late.advanced(by: .seconds(1)) == .distantFuture)
        #expect(Instant(nanoseconds: 7).advanced(by: .seconds(Int64.max)) == .distantFuture)
    }
}

struct SessionNumbersTests {
    @Test func `numbers do not repeat and depend on the seed`() {
        var first = SessionNumbers(seed: 1)
        var second = SessionNumbers(seed: 2)
        let numbers = (0..<1000).map { _ in first.next() }
        #expect(Set(numbers).count == 1000)
        #expect(Set(numbers).isDisjoint(with: (0..<1000).map { _ in second.next() }))
    }
}

struct ProcessTests {
    @Test func `a sticky id is never zero`() {
        #expect(Process.ID(rawValue: 0).stickyID == 1)
        #expect(Process.ID(rawValue: 0x0000_0007_0000_0007).stickyID == 1)
        #expect(Process.ID(rawValue: 0x0000_0001_0000_0006).stickyID == 7)
    }
}
