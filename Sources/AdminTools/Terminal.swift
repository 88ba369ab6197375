// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText

/// Standard output and error of a tool, and dates as it prints them.
enum Terminal {
    static var isStandardOutput: Bool {
        // Not being able to tell means no colours.
        guard let status = try? FileStatus(descriptor: 1) else { return false }
        return status.kind == .characterDevice
    }

    static func write(_ text: String) { self.write(text, to: 1) }

    /// Names of files and instances in it may come from anywhere.
    static func writeError(_ text: String) { self.write(SafeText.block(text), to: 2) }

    /// A reader that has gone (`| head`) is no failure of the tool.
    private static func write(_ text: String, to number: Int32) {
        guard let descriptor = try? Descriptor.duplicating(number) else { return }
        try? descriptor.writeAll(text)
    }

    /// `YYYY-MM-DD HH:MM:SS ±ZZZZ` in local time.
    static func date(_ microseconds: Int64) -> String {
        self.text(LocalTime(microseconds: microseconds))
    }

    static func text(_ time: LocalTime) -> String {
        let day = "\(self.digits(time.year, 4))-\(self.digits(time.month, 2))-\(self.digits(time.day, 2))"
        let clock = "\(self.digits(time.hour, 2)):\(self.digits(time.minute, 2)):\(self.digits(time.second, 2))"
        let minutes = abs(time.zoneOffsetSeconds) / 60
        let sign = time.zoneOffsetSeconds < 0 ? "-" : "+"
        return "\(day) \(clock) \(sign)\(self.digits(minutes / 60, 2))\(self.digits(minutes % 60, 2))"
    }

    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
