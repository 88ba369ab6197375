// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging

/// What app processes leave behind: children of theirs that the core inherits, because it is a subreaper.
///
/// Confined to the core's main thread. Processes that the core has started itself are collected by whoever holds their
/// `ProcessHandle`. An app may leave thousands: each turn does a bounded part of the work.
final class Orphans {
    /// Records of one turn; those of a second are written in a few hundredths of one.
    private static let recordsPerTurn = 256
    /// Lines of one turn that name a process each.
    private static let linesPerTurn = 8

    private let records: ProcessRecords
    private let sessions: AppSessions
    private let logger: Logger
    /// Start times by PID.
    private var recorded: [Int32: UInt64] = [:]
    private var hasFailed = false

    init(records: ProcessRecords, sessions: AppSessions, logger: Logger) {
        self.records = records
        self.sessions = sessions
        self.logger = logger
    }

    /// Collects those that have ended; for SIGCHLD, and again as long as it says that there may be more.
    ///
    /// `whenFree` is called on some thread when those that could not be seen this time can be.
    func collect(whenFree: @escaping @Sendable () -> Void = {}) -> Reaper.Rest {
        Reaper.collectAdopted(
            { orphan in
                guard let startTime = self.recorded.removeValue(forKey: orphan.pid) else { return }
                self.records.remove(pid: orphan.pid, startedAt: startTime)
            },
            whenFree: whenFree
        )
    }

    /// Writes down those that came since the last time, so that the next daemon ends them if this one is killed as a whole.
    ///
    /// Nothing tells when a process is inherited: call it once in a while.
    func record() {
        // A process that a preloader has forked is an orphan for the milliseconds until it has said so.
        for pid in self.recorded.keys where Reaper.isTaken(pid) { self.recorded[pid] = nil }
        var named = 0
        var unnamed = 0
        for pid in Reaper.adopted(except: { self.recorded[$0] != nil }).prefix(Self.recordsPerTurn) {
            // One that ended since it was listed, and was collected, is no child any more.
            guard let process = ProcInfo(pid: pid), process.parent == CurrentProcess.pid, !process.isZombie,
                self.record(process)
            else { continue }
            guard named < Self.linesPerTurn else {
                unnamed += 1
                continue
            }
            named += 1
            self.logger.info(
                "an app has left a process behind",
                metadata: self.facts(of: process)
            )
        }
        guard unnamed > 0 else { return }
        self.logger.info("apps have left more processes behind", metadata: [LogKeys.processes: "\(unnamed)"])
    }

    private func record(_ process: ProcInfo) -> Bool {
        do throws(SystemError) {
            try self.records.add(process)
            self.recorded[process.pid] = process.startTime
            return true
        } catch {
            // Tried again next time; one word about it is enough.
            if !self.hasFailed {
                self.logger.error(
                    "cannot record a process that an app has left behind",
                    metadata: self.facts(of: process).merging([LogKeys.error: "\(error)"]) { own, _ in own }
                )
            }
            self.hasFailed = true
            return false
        }
    }

    /// The app where it is known; else whose process it is says most.
    private func facts(of process: ProcInfo) -> Logger.Metadata {
        var facts: Logger.Metadata = [LogKeys.pid: "\(process.pid)"]
        guard let uid = ProcInfo.uid(of: process.pid) else { return facts }
        facts[LogKeys.uid] = "\(uid)"
        if let app = self.sessions.app(inSession: process.session, of: uid) { facts[LogKeys.group] = "\(app)" }
        return facts
    }
}
