// SPDX-License-Identifier: MIT

package import AppSettings

/// As whom an app runs (spec §2.1).
///
///     daemon without root            the daemon's own user and group
///     switching off                  default user and group
///     user set                       that user: a name, else a number
///     else                           owner of the startup file (of the link itself; for a generic app, of its root)
///       unknown, or uid 0            default user
///     group set                      that group: a name, else a number
///     group !STARTUP_FILE!           group of the startup file
///     else                           primary group of the user; of the default user: default group
///       unknown, or gid 0            default group
///
/// Every answer carries its reason as one sentence, which status, log and failure report repeat word for word.
package struct UserSwitching: Hashable, Sendable {
    /// What the daemon was started with.
    package struct Policy: Hashable, Sendable {
        package var daemonUID: UInt32
        package var daemonGID: UInt32
        /// All groups of the daemon; of interest without root, when its apps inherit them.
        package var daemonGroups: [UInt32]
        /// False after `--no-user-switching`.
        package var isEnabled: Bool
        package var defaultUser: String
        /// Nil: the primary group of the default user.
        package var defaultGroup: String?
        package var minUID: UInt32
        /// Names and numbers; nil: everybody.
        package var allowedUsers: Set<ExactText>?

        package init(
            daemonUID: UInt32,
            daemonGID: UInt32,
            daemonGroups: [UInt32] = [],
            isEnabled: Bool = true,
            defaultUser: String = "nobody",
            defaultGroup: String? = nil,
            minUID: UInt32 = 1,
            allowedUsers: Set<ExactText>? = nil
        ) {
            self.daemonUID = daemonUID
            self.daemonGID = daemonGID
            self.daemonGroups = daemonGroups
            self.isEnabled = isEnabled
            self.defaultUser = defaultUser
            self.defaultGroup = defaultGroup
            self.minUID = minUID
            self.allowedUsers = allowedUsers
        }
    }

    /// The settings `user` and `group` of the app, from a peer that may set them.
    package struct Choice: Hashable, Sendable {
        package var user: String?
        package var group: String?

        package init(user: String? = nil, group: String? = nil) {
            self.user = user
            self.group = group
        }
    }

    /// The value of `group` that means "the group of the startup file".
    package static let groupOfStartupFile = "!STARTUP_FILE!"

    package let policy: Policy

    package init(_ policy: Policy) { self.policy = policy }

    package func decide(
        _ choice: Choice,
        app: DetectedApp,
        accounts: some UserDatabase
    ) throws(UserSwitchingProblem) -> RunningIdentity {
        try UserDecision(policy: policy, choice: choice, app: app, accounts: AccountLookups(accounts)).identity()
    }
}
