// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Which app processes there are, in files that outlive a daemon that is killed: the next one ends what is left.
///
/// One file per process; its name is the PID and the start time, which together are unique since boot. It holds the facts
/// of a process that the daemon has started, and nothing for what such a process has left behind.
package struct ProcessRecords: Sendable {
    private static let suffix = ".process"

    package let directory: String

    /// `directory` exists and is the daemon's alone.
    package init(directory: String) { self.directory = directory }

    /// Call it while the process has not been waited for.
    package func add(_ process: ProcInfo) throws(SystemError) {
        try Files.write([], to: self.path(process.pid, process.startTime), mode: 0o600)
    }

    /// The same for a process of which more is known, also when that has changed.
    package func add(_ facts: AppProcessFacts) throws(SystemError) {
        try Files.write(facts.text.utf8, to: self.path(facts.pid, facts.startTime), mode: 0o600)
    }

    /// Finds it at once, however many there are.
    package func remove(pid: Int32, startedAt startTime: UInt64) {
        // Gone already, or the directory is: then there is nothing to remove.
        try? Files.remove(self.path(pid, startTime))
    }

    /// Ends every recorded process that still runs, with its group, and forgets all records.
    ///
    /// - Returns: the PIDs of those that were ended.
    @discardableResult
    package func sweep() -> [Int32] {
        var ended: [Int32] = []
        // Without the directory no process was ever recorded.
        for name in (try? Files.list(self.directory)) ?? [] {
            guard let record = Self.parse(name) else { continue }
            if Self.end(record) { ended.append(record.pid) }
            // Left behind, it would only be looked at again.
            try? Files.remove("\(self.directory)/\(name)")
        }
        return ended
    }

    private static func end(_ record: (pid: Int32, startTime: UInt64)) -> Bool {
        // A descriptor first, so that the check and the signal mean the same process.
        guard record.pid > 1, let handle = try? ProcessHandle(pid: record.pid),
            let process = ProcInfo(pid: record.pid), process.startTime == record.startTime, !process.isZombie
        else { return false }
        if process.processGroup == record.pid {
            // The leader lives, so the number can mean no other group.
            _ = try? ProcessGroup.signal(record.pid, .kill)
        }
        // Ended between the look and the signal: that is what was wanted.
        _ = try? handle.signal(.kill)
        return true
    }

    private func path(_ pid: Int32, _ startTime: UInt64) -> String {
        "\(self.directory)/\(pid)-\(startTime)\(Self.suffix)"
    }

    private static func parse(_ name: String) -> (pid: Int32, startTime: UInt64)? {
        guard name.hasSuffix(self.suffix) else { return nil }
        let parts = name.dropLast(self.suffix.count).split(separator: "-")
        guard parts.count == 2, let pid = Int32(parts[0]), let startTime = UInt64(parts[1]) else { return nil }
        return (pid, startTime)
    }
}
