// SPDX-License-Identifier: MIT

/// A point on a clock that never goes back; the pool is told the time, it has no clock.
package struct Instant: Hashable, Comparable, Sendable {
    /// Since an arbitrary moment, such as the boot of the machine.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// 292 years; differences of instants up to it fit into signed numbers, which timers use.
    package static let distantFuture = Instant(nanoseconds: UInt64(Int64.max))

    /// The instant `duration` later, at most the distant future.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .distantFuture : min(Instant(nanoseconds: sum), .distantFuture)
    }

    /// The instant `duration` earlier, at the earliest the beginning of the clock.
    package func before(_ duration: Duration) -> Instant {
        let (difference, overflow) = self.nanoseconds.subtractingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflow ? 0 : difference)
    }

    /// The time that passed since `earlier`; zero when `earlier` is later.
    package func since(_ earlier: Instant) -> Duration {
        guard self > earlier else { return .zero }
        return .nanoseconds(Int64(clamping: self.nanoseconds - earlier.nanoseconds))
    }
}

extension Duration {
    /// Negative durations count as zero, very long ones as 292 years.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, product < UInt64(Int64.max) else { return UInt64(Int64.max) }
        return product + UInt64(attoseconds / 1_000_000_000)
    }
}
