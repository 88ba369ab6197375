// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Moments as texts of logs and tools.
package enum LogTime {
    /// `YYYY-MM-DDTHH:MM:SS.ffffff`, as log lines have it.
    package static func stamp(_ time: LocalTime) -> String {
        "\(self.day(time))T\(self.clock(time)).\(self.digits(time.microsecond, 6))"
    }

    package static func day(_ time: LocalTime) -> String {
        "\(self.digits(time.year, 4))-\(self.digits(time.month, 2))-\(self.digits(time.day, 2))"
    }

    package static func clock(_ time: LocalTime) -> String {
        "\(self.digits(time.hour, 2)):\(self.digits(time.minute, 2)):\(self.digits(time.second, 2))"
    }

    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
