// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
import Synchronization

/// Children that some part of this program waits for by itself.
///
/// The launcher enters a child while it holds the lock around the spawn, so that the reaper cannot see it before. Whoever
/// starts a process needs this lock: nobody may hold it for longer than one system call that does not wait.
enum ChildRegistry {
    /// Tells one use of a PID from the next one: numbers come again as soon as a child was collected.
    struct Registration: Equatable {
        fileprivate let number: UInt64
    }

    enum Outcome: Equatable {
        /// nil: somebody was quicker.
        case collected(Reaper.Reaped?)
        /// Its owner collects it, and `whenFree` is called then.
        case othersChild
    }

    private struct Known {
        var children: [Int32: Registration] = [:]
        var lastNumber: UInt64 = 0
        /// To be called when this child is no longer known.
        var awaited: (pid: Int32, whenFree: @Sendable () -> Void)?
    }

    private static let known = Mutex(Known())

    /// Does nothing when the PID belongs to a later child by now.
    static func remove(_ pid: Int32, _ registration: Registration) {
        let whenFree: (@Sendable () -> Void)? = known.withLock { known in
            guard known.children[pid] == registration else { return nil }
            known.children[pid] = nil
            guard known.awaited?.pid == pid else { return nil }
            return known.awaited.take()?.whenFree
        }
        whenFree?()
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

    /// Enters an inherited child; nil: somebody waits for it already, or `isChild` says that it is none, or none any more.
    ///
    /// Under the lock, so that the reaper does not collect it between the look and the entry.
    static func adopting(_ pid: Int32, _ isChild: () -> Bool) -> Registration? {
        known.withLock { known in
            guard known.children[pid] == nil, isChild() else { return nil }
            known.lastNumber += 1
            let registration = Registration(number: known.lastNumber)
            known.children[pid] = registration
            return registration
        }
    }

    static func isKnown(_ pid: Int32) -> Bool { known.withLock { $0.children[pid] != nil } }

    /// Collects an ended child unless somebody waits for it.
    ///
    /// Under the lock, so that the number cannot come to mean a child that was started meanwhile.
    static func collect(_ pid: Int32, whenFree: @escaping @Sendable () -> Void) -> Outcome {
        known.withLock { known in
            guard known.children[pid] == nil else {
                known.awaited = (pid, whenFree)
                return .othersChild
            }
            var ended = fp_exit()
            guard fp_wait_child(pid, false, &ended) == 1 else { return .collected(nil) }
            return .collected(Reaper.Reaped(pid: pid, status: ExitStatus(ended)))
        }
    }

    /// Those that nobody waits for.
    static func unknown(among pids: [Int32]) -> [Int32] {
        known.withLock { known in pids.filter { known.children[$0] == nil } }
    }
}

/// Collects children that nobody here started: orphans that a subreaper inherits.
///
/// A blind wait for any child would steal the status of processes whose `ProcessHandle` is waited for elsewhere. Each child
/// costs the same, however many there are: what an app leaves behind must not hold up the starts of others.
package enum Reaper {
    package struct Reaped: Equatable, Sendable {
        package let pid: Int32
        package let status: ExitStatus

        package init(pid: Int32, status: ExitStatus) {
            self.pid = pid
            self.status = status
        }
    }

    /// What is left after a turn.
    package enum Rest: Equatable, Sendable {
        /// No ended child.
        case nothing
        /// Perhaps more: the turn had its full length.
        case more
        /// Perhaps more, behind one whose owner has not collected it yet; `whenFree` is called once that has happened.
        case behindAnother
    }

    /// Collects ended children that no `ProcessHandle` of this program stands for, at most `limit` of them.
    ///
    /// Call it on SIGCHLD, from one thread. The kernel shows the first ended child only, so one that is somebody else's
    /// hides the others until it is collected.
    @discardableResult
    package static func collectAdopted(
        limit: Int = 256,
        _ collected: (Reaped) -> Void = { _ in },
        whenFree: @escaping @Sendable () -> Void = {}
    ) -> Rest {
        for _ in 0..<limit {
            var ended = fp_exit()
            guard fp_wait_child(0, true, &ended) == 1 else { return .nothing }
            switch ChildRegistry.collect(ended.pid, whenFree: whenFree) {
            case .collected(let one?): collected(one)
            case .collected(nil): continue
            case .othersChild: return .behindAnother
            }
        }
        return .more
    }

    /// Whether a `ProcessHandle` of this program stands for this child, and will collect it.
    package static func isTaken(_ pid: Int32) -> Bool { ChildRegistry.isKnown(pid) }

    /// The children that no `ProcessHandle` of this program stands for, but for those that are excluded.
    ///
    /// Reads as much of /proc as there are children, without keeping anybody from starting one.
    package static func adopted(except isExcluded: (Int32) -> Bool = { _ in false }) -> [Int32] {
        ChildRegistry.unknown(among: ProcInfo.children().filter { !isExcluded($0) })
    }
}
