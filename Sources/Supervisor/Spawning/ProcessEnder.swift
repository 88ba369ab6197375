// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan

/// Ends an app process at once, with all that it has started, as far as the system lets that be found.
///
/// From any thread, as often as it is needed, but only until the process has been collected: its number may be another's
/// after that.
protocol ProcessEnder: Sendable {
    func endAll()
    /// The process was collected, once: what held it is not needed any more.
    func collected()
    /// What the kernel has refused to the process and what it has started; nil: nothing that is known of.
    ///
    /// Before ``collected()``.
    var reachedLimit: ReachedLimit? { get }
}

/// By its process group; what has left that group goes on.
struct ProcessGroupEnder: ProcessEnder {
    /// The leader of the group.
    let handle: ProcessHandle

    func endAll() {
        // Nobody left in the group, or the process has ended already: that is what was wanted.
        _ = try? ProcessGroup.signal(self.handle.pid, .kill)
        _ = try? self.handle.signal(.kill)
    }

    func collected() {}

    var reachedLimit: ReachedLimit? { nil }
}

/// By its control group, which nothing that it has started can leave.
///
/// Its process group gets a signal of its own: a process that could not be moved is not in the control group.
struct EnclosureEnder: ProcessEnder {
    let group: ProcessGroupEnder
    let enclosure: Enclosure

    func endAll() {
        self.group.endAll()
        self.enclosure.kill()
    }

    func collected() { self.enclosure.end() }

    var reachedLimit: ReachedLimit? { self.enclosure.reachedLimit }
}
