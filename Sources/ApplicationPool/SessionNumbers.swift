// SPDX-License-Identifier: MIT

/// Numbers that look random and never repeat, from one random seed: SplitMix64, a permutation of all 64-bit values.
///
/// Two cores with different seeds meet by chance only. Not secret: whoever sees some can compute the others.
package struct SessionNumbers: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
