// SPDX-License-Identifier: MIT

import Testing

/// Random walks of several fronts and users over one daemon; a seed that fails fails again.
struct FrontsWalkTests {
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `whatever crosses, everybody has what is theirs and gets an answer, and nothing is left`(seed: UInt64) throws {
        let walk = try FrontsWalk(seed: seed)
        for number in 0..<800 {
            let step = try walk.step()
            let found = walk.look()
            guard found.isEmpty else {
                Issue.record("seed \(seed), step \(number) (\(step)): \(found.prefix(5))")
                return
            }
        }
        try walk.finish()
        #expect(walk.look().isEmpty, "seed \(seed), at the end: \(walk.look().prefix(5))")
        #expect(walk.answers > 50, "the walk went nowhere: \(walk.answers) answers")
    }
}
