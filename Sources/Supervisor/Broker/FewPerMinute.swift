// SPDX-License-Identifier: MIT

/// Bounds how much of the log one subject can fill: so many lines in a minute, the last of them saying so.
struct FewPerMinute<Subject: Hashable> {
    enum Verdict: Hashable {
        case log
        /// To be logged, with the word that no more are for a while.
        case logAsLast
        case keepQuiet
    }

    private struct Minute {
        let start: UInt64
        var lines: Int
    }

    private static var length: UInt64 { 60_000_000_000 }
    private let limit: Int
    private var minutes: [Subject: Minute] = [:]

    init(limit: Int) { self.limit = limit }

    /// What becomes of one more line `now`, in nanoseconds of a clock that only grows.
    mutating func oneMore(of subject: Subject, at now: UInt64) -> Verdict {
        var minute = self.minutes[subject] ?? Minute(start: now, lines: 0)
        if now - minute.start >= Self.length { minute = Minute(start: now, lines: 0) }
        guard minute.lines < self.limit else { return .keepQuiet }
        minute.lines += 1
        self.minutes[subject] = minute
        return minute.lines == self.limit ? .logAsLast : .log
    }
}
