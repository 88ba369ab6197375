// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Random walks of several fronts and users over one daemon; a seed that fails fails again.
struct FrontsWalkTests {
    /// What each walk meets, whatever its seed.
    private static let events: Set<String> = [
        "checkout", "cancel", "release", "abandoned", "upgrade", "spawn", "spawn failure", "exit", "streams end",
        "connect", "disconnect", "restart", "manifest", "out-of-band work done", "time",
    ]

    @Test(arguments: Searching.seeds(6, of: 16))
    func `whatever crosses, everybody has what is theirs and gets an answer, and nothing is left`(seed: UInt64) throws {
        let walk = try FrontsWalk(seed: seed)
        var seen: Set<String> = []
        for number in 0..<800 {
            let step = try walk.step()
            seen.insert(step)
            let found = walk.look()
            guard found.isEmpty else {
                Issue.record("seed \(seed), step \(number) (\(step)): \(found.prefix(5))")
                return
            }
        }
        #expect(Self.events.subtracting(seen) == [], "seed \(seed)")
        try walk.finish()
        #expect(walk.look().isEmpty, "seed \(seed), at the end: \(walk.look().prefix(5))")
        #expect(walk.answers > 50, "the walk went nowhere: \(walk.answers) answers")
    }
}
