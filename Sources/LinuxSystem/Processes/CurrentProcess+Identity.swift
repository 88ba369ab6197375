// SPDX-License-Identifier: MIT

import CIdentity
import Glibc

extension CurrentProcess {
    /// Gives up root for good: groups, group, user and capabilities, and proves that there is no way back.
    ///
    /// Call it while the process has one thread; after an error the process may be half of each and must end. Afterwards other
    /// processes of that user can neither trace this one nor read its memory: the kernel sees to that with the change itself
    /// (prctl(2), PR_SET_DUMPABLE), unless `fs.suid_dumpable` is 1.
    package static func become(_ identity: UserIdentity) throws(LaunchFailure) {
        var groups = identity.groups
        var failure = identity_failure()
        let isTaken = groups.withUnsafeMutableBufferPointer { groups in
            var wanted = CIdentity.identity(
                uid: identity.uid,
                gid: identity.gid,
                groups: groups.baseAddress,
                group_count: groups.count
            )
            return take_identity(&wanted, &failure)
        }
        guard !isTaken else { return }
        let subject = withUnsafeBytes(of: failure.subject) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let step = failure.step.flatMap { LaunchStep(rawValue: String(cString: $0)) }
        throw LaunchFailure(step: step ?? .user, code: failure.code, subject: subject)
    }
}
