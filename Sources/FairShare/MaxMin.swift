// SPDX-License-Identifier: MIT

/// The one rule by which users share what there is only so much of.
///
/// Whoever wants less than the level gets all of it, everybody else gets the level: nobody can have more without somebody
/// getting less who has no more. So those who want little never notice those who want everything.
///
///     of 12, wanted    2  4  9    each 6
///                      7  8  9    each 4
///                      1  2  3    enough, 6 are left
package enum MaxMin {
    package enum Level: Hashable, Sendable {
        /// There is not enough for all: nobody gets more than this.
        case each(Double)
        /// All get what they want.
        case enough(left: Double)
    }

    /// The level for demands in any order; those that know no bound are infinite.
    package static func level(of total: Double, among demands: some Sequence<Double>) -> Level {
        let demands = demands.sorted()
        var left = total
        for (position, demand) in demands.enumerated() {
            let equal = left / Double(demands.count - position)
            guard demand < equal else { return .each(equal) }
            left -= demand
        }
        return .enough(left: left)
    }
}
