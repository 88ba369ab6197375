// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import ProgramLog

/// The end of a core that has lost one of its threads.
///
/// A core without its doorkeeper, relay or watcher would look alive and serve nobody. The watchdog ends its apps and
/// starts another one.
enum CoreFailure {
    /// A thread that the core cannot do without.
    enum Thread: CaseIterable {
        case doorkeeper, relay, watcher

        /// What it cannot do any more when its epoll instance fails.
        var event: String {
            switch self {
            case .doorkeeper: "waiting for connections failed"
            case .relay: "waiting for streams failed"
            case .watcher: "waiting for application processes failed"
            }
        }
    }

    /// What such a thread does when it cannot wait for events.
    static func handler(_ thread: Thread) -> @Sendable (SystemError) -> Void {
        { error in self.end(thread.event, error) }
    }

    /// Writes what failed into the log, past every lock and queue, and ends the program.
    static func end(_ event: String, _ error: SystemError) -> Never {
        // Standard error of a core is its log. A reader that takes nothing is given a second.
        if (try? Poll.wait(2, for: .writable, timeout: .seconds(1)).isEmpty) == false {
            StandardError.write(self.line(event, error, time: LogTime.stamp(WallClock.localTime)) + "\n")
        }
        CurrentProcess.exitNow(9)
    }

    static func line(_ event: String, _ error: SystemError, time: String) -> String {
        LogLine.text(
            severity: .fatal,
            time: time,
            pid: CurrentProcess.pid,
            message: "\(event); this core ends, and the watchdog starts another one",
            metadata: [LogKeys.error: "\(error)"]
        )
    }
}
