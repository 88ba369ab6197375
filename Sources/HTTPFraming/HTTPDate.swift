// SPDX-License-Identifier: MIT

package import NIOCore

/// Instants as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let days: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// What can be written: 1970 to the end of 9999, the last year of four digits, in seconds since 1970-01-01 00:00 UTC.
    package static let range = 0...253_402_300_799

    /// A moment outside of `range` is written as the nearest one in it.
    package static func write(_ moment: Int, into buffer: inout ByteBuffer) {
        let seconds = min(max(moment, Self.range.lowerBound), Self.range.upperBound)
        let days = seconds / 86400
        let inDay = seconds % 86400
        let date = Self.civil(days)
        buffer.writeStaticString(Self.days[days % 7])
        buffer.writeStaticString(", ")
        Self.write(date.day, digits: 2, into: &buffer)
        buffer.writeStaticString(" ")
        buffer.writeStaticString(Self.months[date.month - 1])
        buffer.writeStaticString(" ")
        Self.write(date.year, digits: 4, into: &buffer)
        buffer.writeStaticString(" ")
        Self.write(inDay / 3600, digits: 2, into: &buffer)
        buffer.writeStaticString(":")
        Self.write(inDay / 60 % 60, digits: 2, into: &buffer)
        buffer.writeStaticString(":")
        Self.write(inDay % 60, digits: 2, into: &buffer)
        buffer.writeStaticString(" GMT")
    }

    /// Only the preferred form is read; the obsolete ones, and anything else, give nil: then nothing is conditional.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count == 29, bytes[3] == ByteClass.comma, bytes[25] == ByteClass.space,
            let day = ByteClass.decimal(bytes, 5..<7), let year = ByteClass.decimal(bytes, 12..<16), year >= 1970,
            let hour = ByteClass.decimal(bytes, 17..<19), hour < 24,
            let minute = ByteClass.decimal(bytes, 20..<22), minute < 60,
            let second = ByteClass.decimal(bytes, 23..<25), second < 61,
            let month = Self.months.firstIndex(where: { name in
                (0..<3).allSatisfy { bytes[8 + $0] == name.utf8Start[$0] }
            }), day >= 1, day <= 31
        else { return nil }
        return Self.days(year: year, month: month + 1, day: day) * 86400 + hour * 3600 + minute * 60 + second
    }

    private static func write(_ value: Int, digits: Int, into buffer: inout ByteBuffer) {
        var divisor = digits == 4 ? 1000 : 10
        while divisor > 0 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: value / divisor % 10) + 0x30)
            divisor /= 10
        }
    }

    /// Days since the epoch to a date of the Gregorian calendar; years begin in March, so that leap days come last.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
