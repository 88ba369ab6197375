// SPDX-License-Identifier: MIT

import LinuxSystem

/// Ends an app process at once, with all that it has started, as far as the system lets that be found.
///
/// From any thread, as often as it is needed, but only until the process has been collected: its number may be another's
/// after that.
protocol ProcessEnder: Sendable {
    func endAll()
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
}
