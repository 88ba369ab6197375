// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import SpawnPlan

/// Ends what a dead core has left behind.
///
/// The watchdog is a subreaper: when the core dies, its children become the watchdog's, and theirs when they die. So the
/// round is repeated until no child is left.
enum Leftovers {
    /// Processes that hang in the kernel are given up after this time.
    private static let limit = Duration.seconds(10)
    /// A look at one process takes microseconds.
    private static let patience = Duration.seconds(1)
    /// So many that do not let themselves be looked at are waited for.
    private static let maxSilent = 5

    /// Kills the process groups of all children but those `spared`; returns how many processes were ended.
    @discardableResult
    static func endAll(sparing spared: Set<Int32> = []) -> Int {
        let own = ProcInfo(pid: CurrentProcess.pid)?.processGroup
        let deadline = MonotonicClock.now + UInt64(self.limit.wholeNanoseconds)
        var ended: Set<Int32> = []
        while MonotonicClock.now < deadline {
            while Reaper.collectAdopted({ ended.insert($0.pid) }) == .more {}
            let children = ProcInfo.children().filter { !spared.contains($0) }
            guard !children.isEmpty else { break }
            for child in children { self.kill(child, ownGroup: own) }
            // Their end is no event that could be waited for before they are known; the pause is short.
            Pause.wait(.milliseconds(5))
        }
        return ended.count
    }

    /// Ends what daemons that were killed as a whole have left running, by their records.
    static func sweep(_ directory: InstanceDirectory, logger: Logger) {
        // All at once, with what nobody knows of: that is not told one by one.
        let ended = InstanceGroup.find(for: directory)?.endAll() ?? 0
        if ended > 0 {
            logger.notice(
                "ended processes that a daemon left behind",
                metadata: [LogKeys.processes: "\(ended)"]
            )
        }
        self.sweepByRecords(directory, logger: logger)
    }

    /// What was never in the control group, or left it by the hand of somebody with the rights to do so.
    private static func sweepByRecords(_ directory: InstanceDirectory, logger: Logger) {
        let records = ProcessRecords(directory: directory.processesPath)
        // A core that was still spawning may have added one: look again until there is none.
        var ended: Set<Int32> = []
        var silent: Set<Int32> = []
        defer {
            if !silent.isEmpty {
                logger.warning(
                    "processes keep waiting whoever looks at their environment; if they are of applications, end them",
                    metadata: [LogKeys.pid: "\(silent.sorted().map(String.init).joined(separator: " "))"]
                )
            }
        }
        for _ in 0..<10 {
            let recorded = records.sweep()
            let found = recorded + self.endMarked(directory.name, except: &silent)
            let pids = found.filter { ended.insert($0).inserted }
            guard !pids.isEmpty else { return }
            logger.notice(
                "ended processes that a daemon left behind",
                metadata: [LogKeys.pid: "\(pids.map(String.init).joined(separator: " "))"]
            )
        }
    }

    /// Ends the processes whose environment names the instance: those that an app left behind before they were recorded.
    ///
    /// Whoever takes that name for a process of their own loses it. Nothing of root's is ended: apps never are.
    ///
    /// Any user may have a process that cannot be looked at: `silent` are those, which are not waited for again.
    private static func endMarked(_ instance: String, except silent: inout Set<Int32>) -> [Int32] {
        let mark = "\(EnvironmentPlan.instanceVariable)=\(instance)"
        let isRoot = CurrentProcess.isRoot
        let candidates = ProcInfo.all().filter { $0 != CurrentProcess.pid && !silent.contains($0) }
        let outcome = try? PatientLook.filter(
            candidates,
            patience: self.patience,
            maxSilent: self.maxSilent - silent.count
        ) { pid in
            // A descriptor first, so that the look and the signal mean the same process.
            guard let handle = try? ProcessHandle(pid: pid), let uid = ProcInfo.uid(of: pid), !isRoot || uid != 0,
                ProcInfo.hasEnvironmentEntry(mark, pid: pid)
            else { return false }
            // Ended between the look and the signal: that is what was wanted.
            return (try? handle.signal(.kill)) != nil
        }
        // Without a descriptor or a thread for it there is no look; records and control groups are left.
        guard let outcome else { return [] }
        silent.formUnion(outcome.silent)
        return outcome.found
    }

    private static func kill(_ pid: Int32, ownGroup: Int32?) {
        guard let child = ProcInfo(pid: pid), !child.isZombie else { return }
        if child.processGroup != ownGroup {
            // Gone already is what is wanted, here and below.
            _ = try? ProcessGroup.signal(child.processGroup, .kill)
        }
        _ = try? ProcessHandle(pid: pid).signal(.kill)
    }
}
