// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging

/// What app processes leave behind: children of theirs that the core inherits, because it is a subreaper.
///
/// Confined to the core's main thread. Processes that the core has started itself are collected by whoever holds their
/// `ProcessHandle`.
final class Orphans {
    private let records: ProcessRecords
    private let sessions: AppSessions
    private let logger: Logger
    private var recorded: Set<Int32> = []
    private var hasFailed = false

    init(records: ProcessRecords, sessions: AppSessions, logger: Logger) {
        self.records = records
        self.sessions = sessions
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
                    metadata: self.facts(of: pid)
                )
            } catch {
                // Tried again next time; one word about it is enough.
                if !self.hasFailed {
                    self.logger.error(
                        "cannot record a process that an app has left behind",
                        metadata: self.facts(of: pid).merging([LogKeys.error: "\(error)"]) { own, _ in own }
                    )
                }
                self.hasFailed = true
            }
        }
    }

    /// The app where it is known; else whose process it is says most.
    private func facts(of pid: Int32) -> Logger.Metadata {
        var facts: Logger.Metadata = [LogKeys.pid: "\(pid)"]
        guard let process = ProcInfo(pid: pid), let uid = ProcInfo.uid(of: pid) else { return facts }
        facts[LogKeys.uid] = "\(uid)"
        if let app = self.sessions.app(inSession: process.session, of: uid) { facts[LogKeys.group] = "\(app)" }
        return facts
    }
}
