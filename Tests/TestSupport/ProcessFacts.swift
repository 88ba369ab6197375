// SPDX-License-Identifier: MIT

import LinuxSystem

/// What `/proc` says about a process.
package struct ProcessFacts {
    package let pid: Int32
    /// Real, effective, saved and file system uid.
    package let uids: [UInt32]
    package let gids: [UInt32]
    package let groups: [UInt32]
    /// Effective and permitted capabilities, as the kernel writes them.
    package let capabilities: String
    package let residentHighWaterKilobytes: Int
    package let residentKilobytes: Int

    /// nil when there is no such process.
    package init?(pid: Int32) {
        // A process that is gone has no file, which is the answer.
        guard let status = try? TestFile.text("/proc/\(pid)/status") else { return nil }
        self.init(pid: pid, status: status)
    }

    /// Reads the lines of `/proc/PID/status`, all of them or some.
    package init(pid: Int32, status: String) {
        func words(_ name: String) -> [Substring] {
            for line in status.split(separator: "\n") where line.hasPrefix("\(name):") {
                return line.dropFirst(name.utf8.count + 1).split { $0 == " " || $0 == "\t" }
            }
            return []
        }
        self.pid = pid
        uids = words("Uid").compactMap { UInt32($0) }
        gids = words("Gid").compactMap { UInt32($0) }
        groups = words("Groups").compactMap { UInt32($0) }
        capabilities = String(words("CapEff").first ?? "")
        residentHighWaterKilobytes = words("VmHWM").first.flatMap { Int($0) } ?? 0
        residentKilobytes = words("VmRSS").first.flatMap { Int($0) } ?? 0
    }

    /// Whether there is a process with this number that has not ended yet.
    package static func isRunning(_ pid: Int32) -> Bool {
        guard let facts = ProcInfo(pid: pid) else { return false }
        return !facts.isZombie
    }

    /// Children of a process, and theirs.
    package static func descendants(of pid: Int32) -> [Int32] {
        ProcInfo.children(of: pid).flatMap { [$0] + descendants(of: $0) }
    }

    /// File name of the program that a process runs; nil when it may not be seen or is gone.
    package static func program(of pid: Int32) -> String? {
        // A process that is gone has no link, which is the answer.
        guard let path = try? Files.readLink("/proc/\(pid)/exe") else { return nil }
        return path.split(separator: "/").last.map { String($0.prefix { $0 != " " }) }
    }

    /// Number of open descriptors of a process.
    package static func descriptorCount(of pid: Int32) -> Int { TestFile.names(in: "/proc/\(pid)/fd").count }
}
