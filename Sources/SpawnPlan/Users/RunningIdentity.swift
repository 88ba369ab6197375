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
        self.warnings = warnings
    }
}

/// One line of the account database.
package struct Account: Hashable, Sendable {
    package let name: String
    package let uid: UInt32
    package let gid: UInt32
    package let home: String
    package let shell: String

    package init(name: String, uid: UInt32, gid: UInt32, home: String, shell: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell
    }
}

/// Answers about accounts; the daemon's version asks NSS, the tests' one a dictionary.
package protocol UserDatabase {
    func account(named name: String) -> Account?
    func account(uid: UInt32) -> Account?
    func group(named name: String) -> UInt32?
    func groupName(gid: UInt32) -> String?
    /// The groups of `account` as a login would get them, with `gid` as the primary one.
    func groups(of account: Account, primary gid: UInt32) -> [UInt32]
}
