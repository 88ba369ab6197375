// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Facts about a process from /proc (proc(5)).
package struct ProcInfo: Hashable, Sendable {
    package let pid: Int32
    /// At most 15 bytes.
    package let command: String
    /// The letter of proc(5), such as R, S, D, Z or T.
    package let state: Character
    package let parent: Int32
    package let processGroup: Int32
    package let session: Int32
    /// The kernel's flags of the first thread (PF_… of linux/sched.h).
    private let flags: UInt32
    /// User and system time in clock ticks (`ticksPerSecond`).
    package let cpuTicks: UInt64
    package let threads: Int
    /// When it started, in clock ticks since boot: together with the PID unique since boot.
    package let startTime: UInt64
    package let residentBytes: UInt64
    /// Address space, used or not.
    package let virtualBytes: UInt64

    package static let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    private static let pageSize = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))

    /// `nil` when there is no such process.
    package init?(pid: Int32) {
        // Any failure to read means that the process is gone: /proc entries are readable by all.
        guard let bytes = try? Files.read("/proc/\(pid)/stat", limit: 8_192) else { return nil }
        self.init(pid: pid, stat: String(decoding: bytes, as: UTF8.self))
    }

    /// The command name may hold spaces and parentheses: the fields start behind the last ")".
    ///
    /// The process chooses that name, so this looks at bytes: a parenthesis and an accent would be one character.
    init?(pid: Int32, stat: String) {
        let bytes = stat.utf8
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        let fields = stat[bytes.index(after: close)...].split { $0 == " " || $0 == "\n" }
        guard fields.count > 21, let state = fields[0].first else { return nil }
        self.pid = pid
        self.command = String(stat[bytes.index(after: open)..<close])
        self.state = state
        self.parent = Int32(fields[1]) ?? 0
        self.processGroup = Int32(fields[2]) ?? 0
        self.session = Int32(fields[3]) ?? 0
        self.flags = UInt32(fields[6]) ?? 0
        self.cpuTicks = (UInt64(fields[11]) ?? 0).addingSaturated(UInt64(fields[12]) ?? 0)
        self.threads = Int(fields[17]) ?? 0
        self.startTime = UInt64(fields[19]) ?? 0
        self.virtualBytes = UInt64(fields[20]) ?? 0
        self.residentBytes = (UInt64(fields[21]) ?? 0).multipliedSaturated(by: Self.pageSize)
    }

    /// It has ended, all of it, and waits to be collected.
    ///
    /// The state is that of the first thread, which can end by itself while others go on.
    package var isZombie: Bool { hasLostFirstThread && threads <= 1 }

    private var hasLostFirstThread: Bool { state == "Z" || state == "X" }

    /// It executes nothing any more.
    ///
    /// So it is before the kernel closes what it had open, however long its end takes.
    package var isEnding: Bool { hasLostFirstThread || flags & Self.exiting != 0 }

    /// PF_EXITING; set by do_exit() before it lets go of files.
    private static let exiting: UInt32 = 0x4

    /// Values of a file such as /proc/PID/smaps_rollup or /proc/meminfo in bytes by name (`Rss`, `Pss`, …).
    static func kilobyteFields(_ text: String) -> [String: UInt64] {
        var fields: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", words[0].hasSuffix(":"), let value = UInt64(words[1]) else {
                continue
            }
            fields[String(words[0].dropLast())] = value.multipliedSaturated(by: 1_024)
        }
        return fields
    }

    /// Effective user of a process; `nil` when it is gone.
    package static func uid(of pid: Int32) -> UInt32? {
        idLine("Uid:", of: pid)?[1]
    }

    /// Real, effective, saved and file-system user of a process; empty when it is gone.
    package static func uids(of pid: Int32) -> [UInt32] { idLine("Uid:", of: pid) ?? [] }

    /// Real, effective, saved and file-system ids of a line in /proc/PID/status.
    private static func idLine(_ name: String, of pid: Int32) -> [UInt32]? {
        guard let bytes = try? Files.read("/proc/\(pid)/status", limit: 16_384) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return nil }
        let ids = line.dropFirst(name.count).split { $0 == "\t" || $0 == " " }.compactMap { UInt32($0) }
        return ids.count == 4 ? ids : nil
    }

    /// Argument vector of a process; empty for a kernel thread, a zombie, or a process that is gone.
    package static func arguments(of pid: Int32) -> [String] {
        guard let bytes = try? Files.read("/proc/\(pid)/cmdline", limit: 4 << 20) else { return [] }
        return nulSeparated(bytes)
    }

    /// Whether `NAME=VALUE` is in the environment that a process was started with; false when it may not be read.
    package static func hasEnvironmentEntry(_ entry: String, pid: Int32) -> Bool {
        guard let bytes = try? Files.read("/proc/\(pid)/environ", limit: 4 << 20) else { return false }
        return bytes.split(separator: 0).contains { $0.elementsEqual(entry.utf8) }
    }

    static func nulSeparated(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0, omittingEmptySubsequences: false)
            .dropLast(bytes.last == 0 ? 1 : 0)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Children of a process, of all its threads, zombies included.
    package static func children(of pid: Int32? = nil) -> [Int32] {
        let tasks = "/proc/\(pid.map(String.init) ?? "self")/task"
        guard let threads = try? Files.list(tasks) else { return [] }
        return threads.flatMap { thread -> [Int32] in
            // A thread may end while we look.
            guard let bytes = try? Files.read("\(tasks)/\(thread)/children", limit: 1 << 20) else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// PIDs of all processes that this one may see.
    package static func all() -> [Int32] {
        ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }
    }
}

/// Numbers of /proc and of file systems: what they say is not ours, and too much of it is the most there is.
extension UInt64 {
    func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    func multipliedSaturated(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
