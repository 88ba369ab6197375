// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging

/// What app processes leave behind: children of theirs that the core inherits, because it is a subreaper.
///
/// Confined to the core's main thread. Processes that the core has started itself are collected by whoever holds their
/// `ProcessHandle`.
final class Orphans {
    private let records: ProcessRecords
    private let logger: Logger
    private var recorded: Set<Int32> = []
    private var hasFailed = false

    init(records: ProcessRecords, logger: Logger) {
        self.records = records
        self.logger = logger
    }

    /// Collects those that have ended; for SIGCHLD.
    func collect() {
        for orphan in Reaper.collectAdopted() where self.recorded.remove(orphan.pid) != nil {
            self.records.remove(pid: orphan.pid)
        }
    }

    /// Writes down those that came since the last time, so that the next daemon ends them if this one is killed as a whole.
    ///
    /// Nothing tells when a process is inherited.
    func record() {
        for pid in Reaper.adopted() where !self.recorded.contains(pid) {
            do throws(SystemError) {
                try self.records.add(pid: pid)
                self.recorded.insert(pid)
                self.logger.info(
                    "an app has left a process behind; it ends with the daemon",
                    metadata: [LogKeys.pid: "\(pid)"]
                )
            } catch {
                // Tried again next time; one word about it is enough.
                if !self.hasFailed {
                    self.logger.error(
                        "cannot record a process that an app has left behind",
                        metadata: [LogKeys.pid: "\(pid)", LogKeys.error: "\(error)"]
                    )
                }
                self.hasFailed = true
            }
        }
    }
}
