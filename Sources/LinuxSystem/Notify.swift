// SPDX-License-Identifier: MIT

import CSystemd

/// State messages to the supervisor that started us (sd_notify(3)); without `NOTIFY_SOCKET` nothing happens.
package enum Notify {
    package static func ready(status: String? = nil) { send("READY=1", status) }

    package static func stopping(status: String? = nil) { send("STOPPING=1", status) }

    /// Ends with the next `ready`.
    ///
    /// The time stamp is what `Type=notify-reload` asks for.
    package static func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.now / 1_000)", nil)
    }

    package static func status(_ text: String) { send("", text) }

    /// The process that the supervisor should take for the service, after a daemon has replaced itself.
    package static func mainPID(_ pid: Int32) { send("MAINPID=\(pid)", nil) }

    /// The sign of life that `WatchdogSec=` waits for.
    package static func watchdog() { send("WATCHDOG=1", nil) }

    /// Time within which a sign of life is expected; `nil` when none is.
    package static var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        return sd_watchdog_enabled(0, &microseconds) > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// A status is one line; line breaks in it would start other fields.
    private static func send(_ fields: String, _ status: String?) {
        var lines = fields.isEmpty ? [] : [fields]
        if let status {
            lines.append("STATUS=" + String(status.map { $0.isNewline ? " " : $0 }))
        }
        sd_notify(0, lines.joined(separator: "\n"))
    }
}
