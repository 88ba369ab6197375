// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
import Synchronization

/// How much of the processors processes get beside others: the lower the number, the more (setpriority(2)).
package enum Niceness {
    /// Nothing gets less than this.
    package static let least: Int32 = 19

    /// Of the calling thread, and of what it starts.
    package static var own: Int32 { fp_niceness() }

    /// Whether this process may give others back what it has itself.
    ///
    /// It is tried, because capabilities, limits and namespaces all have a say; on a thread that ends with it.
    package static func mayBeLowered() -> Bool {
        let own = self.own
        guard own < self.least else { return false }
        let answer = Atomic(false)
        let thread = try? OSThread.start(name: "niceness") {
            answer.store(
                fp_set_niceness(own + 1) == 0 && fp_set_niceness(own) == 0 && fp_niceness() == own,
                ordering: .relaxed
            )
        }
        thread?.join()
        return answer.load(ordering: .relaxed)
    }
}

extension ProcessGroup {
    /// For all threads of all its processes; one that is being made in this moment may be missed.
    ///
    /// False when no process of the group is left. Group 0 and 1 are refused: they would mean others than asked.
    @discardableResult
    package static func setNiceness(_ niceness: Int32, of group: Int32) throws(SystemError) -> Bool {
        guard group > 1 else { throw SystemError(call: "setpriority", code: EINVAL, subject: "process group \(group)") }
        do {
            _ = try checked("setpriority", "process group \(group)") { fp_set_group_niceness(group, niceness) }
            return true
        } catch  where error.isNoSuchProcess {
            return false
        }
    }
}

/// Sessions that the scheduler shares the processors between, before it looks at the processes in them.
///
/// See autogroup in sched(7). With a control group for processors a session counts for nothing, nor where the kernel has no such
/// file.
package enum Autogroup {
    /// Of the session of a process; nil: there are none here, the process is gone, or nobody before it ever made a session.
    package static func niceness(of pid: Int32) -> Int32? {
        guard let bytes = try? Files.read(path(pid), limit: 256) else { return nil }
        return niceness(in: String(decoding: bytes, as: UTF8.self))
    }

    /// From a line like `/autogroup-25 nice 0`.
    static func niceness(in line: String) -> Int32? {
        let words = line.split { $0 == " " || $0 == "\n" }
        return words.count == 3 && words[1] == "nice" ? Int32(words[2]) : nil
    }

    /// `EAGAIN` for a process without rights when another one did it within the last tenth of a second.
    package static func set(_ niceness: Int32, of pid: Int32) throws(SystemError) {
        let path = path(pid)
        let file = Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, O_WRONLY, 0) })
        try file.writeAll(Array(String(niceness).utf8))
    }

    /// Whether this process may do it for others at any moment.
    ///
    /// It is tried by giving its own session twice what that has: without rights the second time is too soon. A process that is
    /// in no session but the kernel's first one, as the first one of a container may be, is told only then that this one cannot
    /// be set (`EINVAL`), and sets those of others all the same.
    package static func mayBeSet() -> Bool { mayBeSet(trying: CurrentProcess.pid) }

    static func mayBeSet(trying pid: Int32) -> Bool {
        let own = niceness(of: pid) ?? 0
        for _ in 0..<2 {
            do throws(SystemError) {
                try set(own, of: pid)
            } catch  where error.code == EINVAL {
                continue
            } catch {
                // Whatever the reason is, it will be one the next time, too.
                return false
            }
        }
        return true
    }

    private static func path(_ pid: Int32) -> String { "/proc/\(pid)/autogroup" }
}
