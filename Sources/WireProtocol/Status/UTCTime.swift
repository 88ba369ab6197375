// SPDX-License-Identifier: MIT

/// A moment as text, "2026-11-24 23:31:05 UTC": the same on every machine that shows it.
package struct UTCTime: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// - Parameter microseconds: since 1970.
    package init(microseconds: Int64) {
        let seconds = Self.floored(microseconds, 1_000_000).quotient
        let (days, time) = Self.floored(seconds, 86_400)
        let (year, month, day) = Self.date(days)
        let clock = [time / 3600, time / 60 % 60, time % 60].map(Self.twoDigits).joined(separator: ":")
        self.description = "\(year)-\(Self.twoDigits(month))-\(Self.twoDigits(day)) \(clock) UTC"
    }

    /// Days since 1970 in the Gregorian calendar: whole eras of 400 years, each beginning on the first of March.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = Self.floored(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month < 10 ? 0 : 1)
        return (year, month < 10 ? month + 3 : month - 9, day)
    }

    private static func floored(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func twoDigits(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
