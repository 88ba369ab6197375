// SPDX-License-Identifier: MIT

/// As whom an application runs, and why.
package struct RunningIdentity: Hashable, Sendable {
    package let userName: String
    package let groupName: String
    package let uid: UInt32
    package let gid: UInt32
    /// All groups of the process, the primary one included.
    package let groups: [UInt32]
    /// Nil when the account database knows nobody with this uid.
    package let account: Account?
    /// Such as "runs as joe because joe owns config.ru".
    package let reason: String
    /// False when the daemon has no root rights: ids stay as they are.
    package let isSwitched: Bool
    /// The user came from file ownership, so app root and directories must pass `OwnershipCheck`.
    package let restsOnOwnership: Bool
    /// It stands in for the owner of the startup file, who cannot be used.
    package let isStandIn: Bool
    /// Worth telling the operator, once per app.
    package let warnings: [String]

    package init(
        userName: String,
        groupName: String,
        uid: UInt32,
        gid: UInt32,
        groups: [UInt32],
        account: Account?,
        reason: String,
        isSwitched: Bool,
        restsOnOwnership: Bool,
        isStandIn: Bool = false,
        warnings: [String] = []
    ) {
        self.userName = userName
        self.groupName = groupName
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.account = account
        self.reason = reason
        self.isSwitched = isSwitched
        self.restsOnOwnership = restsOnOwnership
        self.isStandIn = isStandIn
        self.warnings = warnings
    }
}
