// SPDX-License-Identifier: MIT

/// Keeps a repeated event from filling the log: once per subject and minute.
struct OncePerMinute<Subject: Hashable> {
    private static var minute: UInt64 { 60_000_000_000 }
    private var last: [Subject: UInt64] = [:]

    init() {}

    /// Whether it is to be logged `now`, in nanoseconds of a clock that only grows.
    mutating func shouldLog(_ subject: Subject, at now: UInt64) -> Bool {
        if let last = self.last[subject], now - last < Self.minute { return false }
        if self.last.count >= 1024 { self.last = self.last.filter { now - $0.value < Self.minute } }
        // Too many subjects within a minute: rather a gap in the log than memory without bound.
        guard self.last.count < 4096 else { return false }
        self.last[subject] = now
        return true
    }
}
