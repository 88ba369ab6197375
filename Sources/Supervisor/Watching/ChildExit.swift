// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Collects what the daemon inherits as a subreaper: orphans of app processes.
///
/// Processes that it started itself are collected by whoever holds their `ProcessHandle`.
package final class ChildExit: Sendable {
    private let signals: SignalStream

    /// Begins to listen for SIGCHLD, which must be blocked in every thread.
    ///
    /// `reaped` is called on a thread of its own for each orphan that ended.
    package init(reaped: @escaping @Sendable (_ pid: Int32, _ status: ExitStatus) -> Void) throws(SystemError) {
        self.signals = try SignalStream([.child]) { _ in
            for orphan in Reaper.collectAdopted() { reaped(orphan.pid, orphan.status) }
        }
        // Those that ended before anybody listened.
        for orphan in Reaper.collectAdopted() { reaped(orphan.pid, orphan.status) }
    }

    package func stop() { self.signals.stop() }

    /// Kills all children and what they leave behind, until none is left.
    ///
    /// The last act of a daemon that ends; it blocks.
    ///
    /// - Returns: how many processes were found; those that cannot be killed within `limit` are left.
    @discardableResult
    package static func endRemaining(within limit: Duration = .seconds(5)) -> Int {
        var seen: Set<Int32> = []
        let deadline = MonotonicClock.now + UInt64(max(0, limit.wholeNanoseconds))
        while MonotonicClock.now < deadline {
            let children = ProcInfo.children().filter { ProcInfo(pid: $0)?.isZombie == false }
            if children.isEmpty { break }
            for child in children { self.end(child) }
            seen.formUnion(children)
            Reaper.collectAdopted()
            // Nothing tells of children of children; there are few, and the daemon is about to end.
            _ = try? Poll.wait([], timeout: .milliseconds(5))
        }
        Reaper.collectAdopted()
        return seen.count
    }

    /// A child stays ours until we collect it, so its number cannot mean another process meanwhile.
    private static func end(_ child: Int32) {
        guard let process = ProcInfo(pid: child), let handle = try? ProcessHandle(pid: child) else { return }
        if process.processGroup == child { _ = try? ProcessGroup.signal(child, .kill) }
        // Ended by itself in between.
        _ = try? handle.signal(.kill)
    }
}
