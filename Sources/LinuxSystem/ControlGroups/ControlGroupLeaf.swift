// SPDX-License-Identifier: MIT

import Glibc

/// The control group of one process and of all that it starts, which they cannot leave.
///
/// Safe from any thread.
package final class ControlGroupLeaf: Sendable {
    package let group: ControlGroup
    /// Open from the beginning, so that nothing fails to end for lack of descriptors.
    ///
    /// nil before Linux 5.14.
    private let killFile: SharedDescriptor?

    /// Of a group that exists.
    package init(_ group: ControlGroup) {
        self.group = group
        do throws(SystemError) {
            if Floor.lacks("cgroup.kill") { throw SystemError(call: "open", code: ENOENT) }
            self.killFile = SharedDescriptor(try group.openForWriting("cgroup.kill"))
        } catch {
            // An older kernel has no such file.
            self.killFile = nil
        }
    }

    /// Ends all of its processes at once.
    package func kill() {
        guard let killFile else { return group.killAll() }
        // A group that is gone has no process.
        _ = try? killFile.descriptor.writeAll([UInt8(ascii: "1")])
    }
}
