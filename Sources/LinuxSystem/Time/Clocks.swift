// SPDX-License-Identifier: MIT

import Glibc

/// Time that only grows; not related to the time of day.
package enum MonotonicClock {
    /// Nanoseconds since the machine started (CLOCK_MONOTONIC).
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// The processor time of the calling thread, however long others kept it from running.
package enum ThreadClock {
    /// Nanoseconds since it started (CLOCK_THREAD_CPUTIME_ID).
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// The time of day.
package enum WallClock {
    /// Microseconds since 1970-01-01 00:00 UTC.
    package static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Microseconds since 1970 of the current moment; an alias that reads well at call sites.
    package static var now: Int64 { microseconds }

    package static var localTime: LocalTime { LocalTime(microseconds: microseconds) }
}

/// A moment as the local calendar shows it.
package struct LocalTime: Equatable, Sendable {
    package let year: Int
    /// 1 to 12.
    package let month: Int
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int
    package let microsecond: Int
    /// 0 is Sunday.
    package let weekday: Int
    /// East of Greenwich.
    package let zoneOffsetSeconds: Int

    /// The moment in local time, or in universal time when `universal`.
    package init(microseconds: Int64, universal: Bool = false) {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        var seconds = time_t(rest < 0 ? whole - 1 : whole)
        var parts = tm()
        if universal { gmtime_r(&seconds, &parts) } else { localtime_r(&seconds, &parts) }
        self.year = Int(parts.tm_year) + 1900
        self.month = Int(parts.tm_mon) + 1
        self.day = Int(parts.tm_mday)
        self.hour = Int(parts.tm_hour)
        self.minute = Int(parts.tm_min)
        self.second = Int(parts.tm_sec)
        self.microsecond = Int(rest < 0 ? rest + 1_000_000 : rest)
        self.weekday = Int(parts.tm_wday)
        self.zoneOffsetSeconds = parts.tm_gmtoff
    }
}
