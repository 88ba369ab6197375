// SPDX-License-Identifier: MIT

/// How long to wait before a crashed core is started again: nothing at first, then doubling from 1 s to 30 s.
///
///     crashes in a row    1   2   3   4   5    6    7 and more
///     delay in seconds    0   1   2   4   8   16   30
///
/// The first crash costs no delay, because fronts let requests wait 5 s. A core that lived 60 s after it was ready has
/// proved itself: the count starts anew.
struct RestartBackoff: Equatable {
    static let provenLife = Duration.seconds(60)
    static let longest = 30

    private(set) var crashesInARow = 0

    mutating func crashed(afterLiving life: Duration) -> Duration {
        if life >= Self.provenLife { self.crashesInARow = 0 }
        self.crashesInARow += 1
        return Self.delay(crashesInARow: self.crashesInARow)
    }

    static func delay(crashesInARow count: Int) -> Duration {
        switch count {
        case ...1: .zero
        // Beyond 2^5 the cap holds; the shift must not overflow.
        default: .seconds(min(Self.longest, 1 << min(count - 2, 5)))
        }
    }
}
