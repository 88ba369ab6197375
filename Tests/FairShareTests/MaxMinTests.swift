// SPDX-License-Identifier: MIT

import FairShare
import Testing

struct MaxMinTests {
    private static let infinity = Double.infinity

    @Test(
        arguments: [
            ([], .enough(left: 12)), ([5], .enough(left: 7)), ([5, 5], .enough(left: 2)), ([12], .each(12)),
            ([0, 0], .enough(left: 12)), ([6, 6], .each(6)), ([7, 7], .each(6)), ([12, 1], .each(11)),
            ([2, 4, 9], .each(6)), ([9, 2, 4], .each(6)), ([7, 8, 9], .each(4)), ([1, 2, 3], .enough(left: 6)),
            ([infinity], .each(12)), ([infinity, infinity], .each(6)), ([2, infinity], .each(10)),
            ([infinity, infinity, infinity, 0], .each(4)), ([1, 2, infinity, infinity], .each(4.5)),
            ([0.5, 0.5, 20, 20], .each(5.5)),
        ] as [([Double], MaxMin.Level)]
    )
    func `the level leaves all to those who want less`(demands: [Double], level: MaxMin.Level) {
        #expect(MaxMin.level(of: 12, among: demands) == level)
    }

    @Test func `of nothing, nobody gets anything, and those who want nothing have it`() {
        #expect(MaxMin.level(of: 0, among: [3, 4]) == .each(0))
        #expect(MaxMin.level(of: 0, among: []) == .enough(left: 0))
    }

    @Test(arguments: 1...50)
    func `all of it is given when there is not enough, and nobody has more than they want`(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        let demands = (0..<Int.random(in: 1...20, using: &numbers)).map { _ in
            Double.random(in: 0...100, using: &numbers)
        }
        let total = Double.random(in: 0...1000, using: &numbers)
        switch MaxMin.level(of: total, among: demands) {
        case .enough(let left): #expect(abs(demands.reduce(0, +) + left - total) < 1e-6)
        case .each(let level): #expect(abs(demands.reduce(0) { $0 + min($1, level) } - total) < 1e-6)
        }
    }
}

/// Random numbers that a seed fixes.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: some BinaryInteger) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
