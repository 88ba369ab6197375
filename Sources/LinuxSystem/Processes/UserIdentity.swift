// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// As whom something is done: a process started, a file looked at (credentials(7)).
package struct UserIdentity: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// Exactly these supplementary groups.
    package let groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// Groups of this process, which never change.
    private static let ownGroups = CurrentProcess.groups

    /// Runs `body` with the rights of this user to files; those of other threads stay as they are (setfsuid(2)).
    ///
    /// What a user may not see is so not seen in that user's name either.
    ///
    /// Only a process of root's can do so: another one runs `body` with the rights that it has.
    ///
    /// - Throws: what `body` throws, or the error of the change.
    package func run<Answer>(_ body: () throws(SystemError) -> Answer) throws(SystemError) -> Answer {
        guard CurrentProcess.isRoot else { return try body() }
        // Found out before the first change, or they would be those of somebody else.
        let ownGroups = Self.ownGroups
        // Without memory for the change back the thread keeps fewer rights than it had, and its next change mends that.
        defer { fp_return_file_identity(ownGroups, ownGroups.count) }
        _ = try checked("setfsuid", String(uid)) { fp_take_file_identity(uid, gid, groups, groups.count) }
        return try body()
    }
}
