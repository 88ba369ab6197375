// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
import Synchronization

/// Children that some part of this program waits for by itself.
///
/// The launcher enters a child while it holds the lock around the spawn, so that the reaper cannot see it before.
enum ChildRegistry {
    /// Tells one use of a PID from the next one: numbers come again as soon as a child was collected.
    struct Registration: Equatable {
        fileprivate let number: UInt64
    }

    private struct Known {
        var children: [Int32: Registration] = [:]
        var lastNumber: UInt64 = 0
    }

    private static let known = Mutex(Known())

    /// Does nothing when the PID belongs to a later child by now.
    static func remove(_ pid: Int32, _ registration: Registration) {
        known.withLock { known in
            if known.children[pid] == registration { known.children[pid] = nil }
        }
    }

    /// Runs `spawn` and enters the PID that it returns, before the reaper may look again.
    static func entering<Failure: Error>(
        _ spawn: () throws(Failure) -> Int32
    ) throws(Failure) -> (pid: Int32, registration: Registration) {
        try known.withLock { known throws(Failure) in
            let pid = try spawn()
            known.lastNumber += 1
            let registration = Registration(number: known.lastNumber)
            known.children[pid] = registration
            return (pid, registration)
        }
    }

    static func withKnown<Result>(_ body: (Set<Int32>) -> Result) -> Result {
        known.withLock { body(Set($0.children.keys)) }
    }
}

/// Collects children that nobody here started: orphans that a subreaper inherits.
///
/// A blind wait for any child would steal the status of processes whose `ProcessHandle` is waited for elsewhere.
package enum Reaper {
    package struct Reaped: Equatable, Sendable {
        package let pid: Int32
        package let status: ExitStatus

        package init(pid: Int32, status: ExitStatus) {
            self.pid = pid
            self.status = status
        }
    }

    /// Collects every ended child that no `ProcessHandle` of this program stands for.
    ///
    /// Call it on SIGCHLD.
    @discardableResult
    package static func collectAdopted() -> [Reaped] {
        ChildRegistry.withKnown { known in
            var reaped: [Reaped] = []
            var ended = fp_exit()
            // The quick way: look who ended first, and take it if it is not ours.
            while fp_wait_child(0, true, &ended) == 1 {
                if known.contains(ended.pid) {
                    // It hides others behind it until its owner collects it: ask for each child by name.
                    return reaped + collectEach(in: ProcInfo.children(), except: known)
                }
                if let one = collect(ended.pid) { reaped.append(one) }
            }
            return reaped
        }
    }

    /// The children that no `ProcessHandle` of this program stands for.
    package static func adopted() -> [Int32] {
        ChildRegistry.withKnown { known in ProcInfo.children().filter { !known.contains($0) } }
    }

    private static func collectEach(in children: [Int32], except known: Set<Int32>) -> [Reaped] {
        children.filter { !known.contains($0) }.compactMap(collect)
    }

    private static func collect(_ pid: Int32) -> Reaped? {
        var ended = fp_exit()
        guard fp_wait_child(pid, false, &ended) == 1 else { return nil }
        return Reaped(pid: pid, status: ExitStatus(ended))
    }
}
