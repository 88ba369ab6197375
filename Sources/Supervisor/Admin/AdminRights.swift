// SPDX-License-Identifier: MIT

/// What the peer of an admin connection may see and do.
package enum AdminRights: Hashable, Sendable {
    /// Root and the daemon's own user.
    case everything
    /// Anyone else: only groups that run as them.
    case ownGroups(uid: UInt32)

    package init(peerUID: UInt32, daemonUID: UInt32) {
        self = peerUID == 0 || peerUID == daemonUID ? .everything : .ownGroups(uid: peerUID)
    }

    /// `runningAs` is nil while nobody knows yet as whom the group's processes will run.
    package func mayControl(_ key: GroupKey, runningAs: UInt32?) -> Bool {
        switch (self, runningAs, key.namespace) {
        case (.everything, _, _): true
        case (.ownGroups(let uid), let user?, _): uid == user
        case (.ownGroups(let uid), nil, .uid(let owner)): uid == owner
        case (.ownGroups, nil, .authority): false
        }
    }
}
