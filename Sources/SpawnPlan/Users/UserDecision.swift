// SPDX-License-Identifier: MIT

import AppSettings

/// One decision of `UserSwitching`: the rules in their order, and why each of them came to what it did.
struct UserDecision<Accounts: UserDatabase> {
    let policy: UserSwitching.Policy
    let choice: UserSwitching.Choice
    let app: DetectedApp
    let accounts: AccountLookups<Accounts>

    /// A user with the reason for it: "joe owns config.ru".
    private struct User {
        let account: Account
        let cause: String
        var restsOnOwnership = false
        /// It stands in for one that is unknown or root.
        var isDefault = false
        var warnings: [String] = []
    }

    /// A group with the reason for it; nil when that goes without saying.
    private struct Group {
        let gid: UInt32
        let name: String
        var cause: String?
        var warnings: [String] = []
    }

    func identity() throws(UserSwitchingProblem) -> RunningIdentity {
        guard policy.daemonUID == 0 else { return try daemonIdentity() }
        let user = try chosenUser()
        let group = try chosenGroup(of: user)
        try check(user)
        return RunningIdentity(
            userName: user.account.name,
            groupName: group.name,
            uid: user.account.uid,
            gid: group.gid,
            groups: accounts.groups(of: user.account, primary: group.gid),
            account: user.account,
            reason: sentence(user, group),
            isSwitched: true,
            restsOnOwnership: user.restsOnOwnership,
            isStandIn: user.isDefault && user.restsOnOwnership,
            warnings: user.warnings + group.warnings
        )
    }

    /// "runs as joe because joe owns config.ru"; the group only where a login of that user would have another one.
    private func sentence(_ user: User, _ group: Group) -> String {
        let name = user.account.name
        let who = group.gid == user.account.gid ? name : "\(name) with group \(group.name)"
        let causes = [user.cause, group.cause].compactMap(\.self).joined(separator: ", and ")
        return "runs as \(who) because \(causes)"
    }

    // MARK: Without root

    private func daemonIdentity() throws(UserSwitchingProblem) -> RunningIdentity {
        guard let account = try accounts.account(uid: policy.daemonUID) else {
            throw .daemonHasNoAccount(uid: policy.daemonUID)
        }
        return RunningIdentity(
            userName: account.name,
            groupName: try accounts.name(ofGroup: policy.daemonGID),
            uid: account.uid,
            gid: policy.daemonGID,
            groups: [policy.daemonGID] + policy.daemonGroups.filter { $0 != policy.daemonGID },
            account: account,
            reason:
                "runs as \(account.name) because the daemon itself does: only a daemon started as root switches users",
            isSwitched: false,
            restsOnOwnership: false,
            warnings: warningsAboutChoice("the daemon does not run as root")
        )
    }

    private func warningsAboutChoice(_ reason: String) -> [String] {
        let names = [choice.user.map { _ in "passenger_user" }, choice.group.map { _ in "passenger_group" }]
        let given = names.compactMap(\.self)
        guard !given.isEmpty else { return [] }
        return [
            given.joined(separator: " and ") + (given.count == 1 ? " has" : " have") + " no effect, because \(reason)"
        ]
    }

    // MARK: User

    private func chosenUser() throws(UserSwitchingProblem) -> User {
        guard policy.isEnabled else {
            let cause = "user switching is off (--no-user-switching)"
            var user = try fallback(cause)
            user.warnings = warningsAboutChoice(cause)
            return user
        }
        if let wanted = choice.user { return try configured(wanted) }
        return try owner()
    }

    private func configured(_ wanted: String) throws(UserSwitchingProblem) -> User {
        guard let account = try accounts.account(wanted) else {
            throw .unknownUser(wanted)
        }
        guard account.uid != 0 else {
            return try fallback("passenger_user is \(wanted), and no app ever runs as root", isWorthAWarning: true)
        }
        return User(account: account, cause: "passenger_user is set to \(wanted)")
    }

    private func owner() throws(UserSwitchingProblem) -> User {
        let uid = app.fact.uid
        var user: User
        if uid == 0 {
            user = try fallback("root owns \(app.referenceName), and no app ever runs as root")
        } else if let account = try accounts.account(uid: uid) {
            user = User(account: account, cause: "\(account.name) owns \(app.referenceName)")
        } else {
            user = try fallback("uid \(uid), which has no account, owns \(app.referenceName)")
        }
        user.restsOnOwnership = true
        return user
    }

    private func fallback(_ cause: String, isWorthAWarning: Bool = false) throws(UserSwitchingProblem) -> User {
        let account = try defaultUser()
        return User(
            account: account,
            cause: cause,
            isDefault: true,
            warnings: isWorthAWarning ? ["\(cause): the app runs as \(account.name)"] : []
        )
    }

    private func defaultUser() throws(UserSwitchingProblem) -> Account {
        guard let account = try accounts.account(policy.defaultUser), account.uid != 0 else {
            throw .noDefaultUser(policy.defaultUser)
        }
        return account
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
        guard allowed.contains(ExactText(account.name)) || allowed.contains(ExactText(String(account.uid))) else {
            throw .notAllowed(user: account.name, cause: user.cause)
        }
    }

    // MARK: Group

    private func chosenGroup(of user: User) throws(UserSwitchingProblem) -> Group {
        guard policy.isEnabled else { return try defaultGroup() }
        if let wanted = choice.group {
            return wanted == UserSwitching.groupOfStartupFile ? try groupOfStartupFile() : try configuredGroup(wanted)
        }
        return user.isDefault ? try defaultGroup() : try primaryGroup(of: user.account)
    }

    private func configuredGroup(_ wanted: String) throws(UserSwitchingProblem) -> Group {
        guard let group = try accounts.group(wanted) else {
            throw .unknownGroup(wanted)
        }
        guard group.gid != 0 else {
            return try fallbackGroup("passenger_group is \(wanted), which no app ever gets")
        }
        return Group(gid: group.gid, name: group.name, cause: "passenger_group is set to \(wanted)")
    }

    private func groupOfStartupFile() throws(UserSwitchingProblem) -> Group {
        let gid = app.fact.gid
        let setting = "passenger_group is \(UserSwitching.groupOfStartupFile)"
        guard gid != 0 else {
            return try fallbackGroup("\(setting), and \(app.referenceName) has root's group, which no app ever gets")
        }
        guard let name = try accounts.groupName(gid: gid) else {
            return try fallbackGroup("\(setting), and \(app.referenceName) has gid \(gid), which is no group")
        }
        return Group(gid: gid, name: name, cause: "\(setting), the group of \(app.referenceName)")
    }

    private func primaryGroup(of account: Account) throws(UserSwitchingProblem) -> Group {
        guard account.gid != 0 else {
            return try fallbackGroup("the primary group of \(account.name) is root's, which no app ever gets")
        }
        guard let name = try accounts.groupName(gid: account.gid) else {
            return try fallbackGroup("the primary group of \(account.name) is gid \(account.gid), which is no group")
        }
        return Group(gid: account.gid, name: name)
    }

    private func fallbackGroup(_ cause: String) throws(UserSwitchingProblem) -> Group {
        var group = try defaultGroup()
        group.cause = cause
        group.warnings = ["\(cause): the app runs with group \(group.name)"]
        return group
    }

    private func defaultGroup() throws(UserSwitchingProblem) -> Group {
        guard let name = policy.defaultGroup else {
            let gid = try defaultUser().gid
            guard gid != 0 else { throw .noDefaultGroup("the primary group of \(policy.defaultUser)") }
            return Group(gid: gid, name: try accounts.name(ofGroup: gid))
        }
        guard let group = try accounts.group(name), group.gid != 0 else { throw .noDefaultGroup(name) }
        return Group(gid: group.gid, name: group.name)
    }
}
