// SPDX-License-Identifier: MIT

import AppSettings

/// Who stands behind the settings of a group, and so what they may ask for.
package enum SettingsAuthority: Hashable, Sendable {
    /// Root, the daemon's own user, a trusted user, or a worker whose front's manifest holds these very settings.
    case full
    /// Somebody without authority: only owner settings, and the app runs as the owner of its startup file.
    case owner(uid: UInt32)
}

/// The identity of a group in the daemon: groups of different users never share a name.
package struct GroupKey: Hashable, Sendable, CustomStringConvertible {
    package enum Namespace: Hashable, Sendable {
        /// All peers with authority over settings share one set of names.
        case authority
        /// Each user without authority has names of their own.
        case uid(UInt32)
    }

    package let namespace: Namespace
    private let exactName: ExactText

    /// `app_group_name`, which is the app root unless set; names are the same only byte for byte.
    package var name: String { self.exactName.text }

    package init(namespace: Namespace, name: String) {
        self.namespace = namespace
        self.exactName = ExactText(name)
    }

    /// The user without authority that it belongs to.
    package var tenant: UInt32? {
        switch self.namespace {
        case .authority: nil
        case .uid(let uid): uid
        }
    }

    package var description: String {
        switch self.namespace {
        case .authority: self.name
        case .uid(let uid): "\(self.name) (uid \(uid))"
        }
    }
}
