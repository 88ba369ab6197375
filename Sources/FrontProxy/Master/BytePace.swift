// SPDX-License-Identifier: MIT

/// How many bytes may be taken from somebody who is not trusted: so many at once, and so many a second after that.
struct BytePace {
    private let perSecond: Int
    private let burst: Int
    private var left: Int
    /// Monotonic, in nanoseconds; when `left` was so.
    private var time: UInt64

    init(perSecond: Int, burst: Int, at now: UInt64) {
        self.perSecond = perSecond
        self.burst = burst
        left = burst
        time = now
    }

    /// Whether any may be taken.
    mutating func allows(at now: UInt64) -> Bool {
        let elapsed = Int(clamping: now > time ? (now - time) / 1_000 : 0)
        // An hour fills every burst, and does not overflow.
        let gained = min(elapsed, 3_600_000_000) * perSecond / 1_000_000
        if gained > 0 {
            left = min(burst, left + gained)
            time = now
        }
        return left > 0
    }

    /// More than was left is taken off what comes next.
    mutating func took(_ bytes: Int) { left -= bytes }

    /// How long to wait until something may be taken, in nanoseconds.
    var pause: UInt64 { left > 0 ? 0 : UInt64(1 - left) * 1_000_000_000 / UInt64(perSecond) + 1_000 }
}
