// SPDX-License-Identifier: MIT

/// As whom an app runs (spec §2.1).
///
///     daemon without root            the daemon's own user and group
///     switching off                  default user and group
///     user set                       that user         unknown, or uid 0 → default user
///     else                           owner of the startup file (the link itself); unknown, or uid 0 → default user
///     group set                      that group        unknown, or gid 0 → default group
///     group !STARTUP_FILE!           group of the startup file;  unknown, or gid 0 → default group
///     else                           primary group of the user;  gid 0 → default group
package struct UserSwitching: Hashable, Sendable {
    /// What the daemon was started with.
    package struct Policy: Hashable, Sendable {
        package var daemonUID: UInt32
        package var daemonGID: UInt32
        /// False after `--no-user-switching`.
        package var isEnabled: Bool
        package var defaultUser: String
        /// Nil: the primary group of the default user.
        package var defaultGroup: String?
        package var minUID: UInt32
        /// Names and numbers; nil: everybody.
        package var allowedUsers: Set<String>?

        package init(
            daemonUID: UInt32,
            daemonGID: UInt32,
            isEnabled: Bool = true,
            defaultUser: String = "nobody",
            defaultGroup: String? = nil,
            minUID: UInt32 = 1,
            allowedUsers: Set<String>? = nil
        ) {
            self.daemonUID = daemonUID
            self.daemonGID = daemonGID
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
        guard policy.daemonUID == 0 else { return try daemonIdentity(choice, accounts: accounts) }
        let user = try chosenUser(choice, app: app, accounts: accounts)
        let group = try chosenGroup(choice, user: user.account, app: app, accounts: accounts)
        try check(user)
        return RunningIdentity(
            userName: user.account.name,
            groupName: group.name,
            uid: user.account.uid,
            gid: group.gid,
            groups: accounts.groups(of: user.account, primary: group.gid),
            account: user.account,
            reason: "runs as \(user.account.name) because \(user.cause)",
            isSwitched: true,
            restsOnOwnership: user.restsOnOwnership,
            warnings: user.warnings + group.warnings
        )
    }

    /// Refuses, before the daemon starts, default accounts that could never be used.
    package func checkDefaults(accounts: some UserDatabase) throws(UserSwitchingProblem) {
        guard policy.daemonUID == 0 else { return }
        let user = try defaultUser(accounts)
        _ = try defaultGroup(accounts, user: user)
    }
}

extension UserSwitching {
    private struct User {
        let account: Account
        let cause: String
        var restsOnOwnership = false
        var isDefault = false
        var warnings: [String] = []
    }

    private struct Group {
        let gid: UInt32
        let name: String
        var warnings: [String] = []
    }

    private func daemonIdentity(
        _ choice: Choice,
        accounts: some UserDatabase
    ) throws(UserSwitchingProblem) -> RunningIdentity {
        guard let account = accounts.account(uid: policy.daemonUID) else {
            throw .daemonHasNoAccount(uid: policy.daemonUID)
        }
        let warnings =
            choice == Choice()
            ? [] : ["passenger_user and passenger_group have no effect, because the daemon does not run as root"]
        return RunningIdentity(
            userName: account.name,
            groupName: Self.name(ofGroup: policy.daemonGID, accounts),
            uid: account.uid,
            gid: policy.daemonGID,
            groups: accounts.groups(of: account, primary: policy.daemonGID),
            account: account,
            reason:
                "runs as \(account.name) because the daemon itself does: only a daemon started as root switches users",
            isSwitched: false,
            restsOnOwnership: false,
            warnings: warnings
        )
    }

    private func chosenUser(
        _ choice: Choice,
        app: DetectedApp,
        accounts: some UserDatabase
    ) throws(UserSwitchingProblem) -> User {
        guard policy.isEnabled else {
            return try fallback("user switching is off (--no-user-switching)", accounts)
        }
        if let wanted = choice.user {
            return try configured(wanted, accounts)
        }
        return try owner(of: app, accounts)
    }

    private func configured(_ wanted: String, _ accounts: some UserDatabase) throws(UserSwitchingProblem) -> User {
        guard let account = Self.account(wanted, accounts) else {
            let cause = "passenger_user is \(wanted), which is no account"
            return try fallback(cause, warning: cause, accounts)
        }
        guard account.uid != 0 else {
            let cause = "passenger_user is \(wanted), and no app ever runs as root"
            return try fallback(cause, warning: cause, accounts)
        }
        return User(account: account, cause: "passenger_user is set to \(wanted)")
    }

    private func owner(of app: DetectedApp, _ accounts: some UserDatabase) throws(UserSwitchingProblem) -> User {
        let uid = app.fact.uid
        let account = accounts.account(uid: uid)
        var user: User
        if uid == 0 {
            user = try fallback("root owns \(app.referenceName), and no app ever runs as root", accounts)
        } else if let account {
            user = User(account: account, cause: "\(account.name) owns \(app.referenceName)")
        } else {
            user = try fallback("uid \(uid), which has no account, owns \(app.referenceName)", accounts)
        }
        user.restsOnOwnership = true
        return user
    }

    private func fallback(
        _ cause: String,
        warning: String? = nil,
        _ accounts: some UserDatabase
    ) throws(UserSwitchingProblem) -> User {
        let account = try defaultUser(accounts)
        return User(
            account: account,
            cause: cause,
            isDefault: true,
            warnings: warning.map { ["\($0): the app runs as \(account.name)"] } ?? []
        )
    }

    private func chosenGroup(
        _ choice: Choice,
        user: Account,
        app: DetectedApp,
        accounts: some UserDatabase
    ) throws(UserSwitchingProblem) -> Group {
        guard policy.isEnabled else { return try defaultGroup(accounts, user: user) }
        guard let wanted = choice.group else {
            let name = accounts.groupName(gid: user.gid)
            return user.gid != 0
                ? Group(gid: user.gid, name: name ?? String(user.gid)) : try defaultGroup(accounts, user: user)
        }
        let gid =
            wanted == Self.groupOfStartupFile
            ? app.fact.gid : accounts.group(named: wanted) ?? UInt32(wanted)
        guard let gid, gid != 0, let name = accounts.groupName(gid: gid) else {
            var group = try defaultGroup(accounts, user: user)
            let what = gid == 0 ? "means root's group, which no app ever gets" : "names no known group"
            group.warnings = ["passenger_group is \(wanted) and \(what): the app runs with group \(group.name)"]
            return group
        }
        return Group(gid: gid, name: name)
    }

    private func defaultUser(_ accounts: some UserDatabase) throws(UserSwitchingProblem) -> Account {
        guard let account = Self.account(policy.defaultUser, accounts), account.uid != 0 else {
            throw .noDefaultUser(policy.defaultUser)
        }
        return account
    }

    private func defaultGroup(_ accounts: some UserDatabase, user: Account) throws(UserSwitchingProblem) -> Group {
        if let name = policy.defaultGroup {
            guard let gid = accounts.group(named: name) ?? UInt32(name), gid != 0 else { throw .noDefaultGroup(name) }
            return Group(gid: gid, name: Self.name(ofGroup: gid, accounts))
        }
        let gid = try defaultUser(accounts).gid
        guard gid != 0 else { throw .noDefaultGroup("the primary group of \(policy.defaultUser)") }
        return Group(gid: gid, name: Self.name(ofGroup: gid, accounts))
    }

    /// `--min-uid` and `--allowed-users` narrow what settings and file owners can choose; the default user is the
    /// operator's own choice.
    private func check(_ user: User) throws(UserSwitchingProblem) {
        guard !user.isDefault else { return }
        let account = user.account
        guard account.uid >= policy.minUID else {
            throw .belowMinUID(user: account.name, uid: account.uid, limit: policy.minUID, cause: user.cause)
        }
        guard let allowed = policy.allowedUsers else { return }
        guard allowed.contains(account.name) || allowed.contains(String(account.uid)) else {
            throw .notAllowed(user: account.name, cause: user.cause)
        }
    }

    private static func account(_ wanted: String, _ accounts: some UserDatabase) -> Account? {
        accounts.account(named: wanted) ?? UInt32(wanted).flatMap { accounts.account(uid: $0) }
    }

    private static func name(ofGroup gid: UInt32, _ accounts: some UserDatabase) -> String {
        accounts.groupName(gid: gid) ?? String(gid)
    }
}
