// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
package import PathSafety
package import SpawnPlan
import WireProtocol

/// The users and groups that the flags name, looked up once at start.
package struct DaemonUsers: Equatable, Sendable {
    package let switching: UserSwitching.Policy
    /// Whom workers of fronts may run as, the likeliest first; none when not even `nobody` exists.
    package let frontUsers: [Account]
    package let trustedUIDs: Set<UInt32>
    /// Who may decide what lies at the app root of anybody.
    package let trustedOwners: PathPolicy
    /// Owner and group of the socket; nil leaves what the kernel gives.
    package let socketUID: UInt32?
    package let socketGID: UInt32?

    /// Looks up what the command line names.
    package init(_ options: DaemonOptions) throws(StartProblem) {
        try self.init(
            options.users,
            fronts: options.fronts,
            process: options.process,
            daemonUID: CurrentProcess.effectiveUID,
            daemonGID: CurrentProcess.effectiveGID,
            daemonGroups: CurrentProcess.groups,
            accounts: SystemAccounts()
        )
    }

    /// Refuses names that no account has, and defaults that would be root.
    package init(
        _ users: UserOptions,
        fronts: FrontOptions,
        process: ProcessOptions,
        daemonUID: UInt32,
        daemonGID: UInt32,
        daemonGroups: [UInt32] = [],
        accounts: some UserDatabase
    ) throws(StartProblem) {
        let lookup = Lookup(accounts: accounts)
        self.switching = UserSwitching.Policy(
            daemonUID: daemonUID,
            daemonGID: daemonGID,
            daemonGroups: daemonGroups,
            isEnabled: users.userSwitching,
            defaultUser: users.defaultUser,
            defaultGroup: users.defaultGroup,
            minUID: users.minUID,
            allowedUsers: users.allowedUsers
        )
        if daemonUID == 0 { try lookup.checkDefaults(users) }
        for name in users.allowedUsers ?? [] { _ = try lookup.user(name.text, flag: "--allowed-users") }
        self.frontUsers = try lookup.frontUsers(fronts)
        var trusted: Set<UInt32> = []
        for name in fronts.trustUsers { trusted.insert(try lookup.user(name, flag: "--trust-user").uid) }
        self.trustedUIDs = trusted
        self.trustedOwners = try lookup.owners(users.trustOwners)
        self.socketUID = try process.socketUser.map { name throws(StartProblem) in
            try lookup.user(name, flag: "--socket-user").uid
        }
        if let name = process.socketGroup {
            self.socketGID = try lookup.group(name, flag: "--socket-group")
        } else {
            // Without root the kernel would refuse a group that the daemon is no member of.
            self.socketGID = daemonUID == 0 ? Self.commonGroup(of: self.frontUsers, accounts) : nil
        }
    }

    /// The primary group of one of them that most of them are in; the first one's if there is no better.
    ///
    /// A flying-front that is in the group www-data shares the socket with workers that run as www-data.
    private static func commonGroup(of users: [Account], _ accounts: some UserDatabase) -> UInt32? {
        let groups = users.map { accounts.groups(of: $0, primary: $0.gid) }
        func members(_ gid: UInt32) -> Int { groups.count { $0.contains(gid) } }
        return users.map(\.gid).reduce(UInt32?.none) { best, gid in
            best.map { members(gid) > members($0) ? gid : $0 } ?? gid
        }
    }

    package var frontUIDs: Set<UInt32> { Set(self.frontUsers.map(\.uid)) }

    /// Users whose applications are told that a worker is likely to be of the same account.
    ///
    /// Workers run as `nobody` only where there is nobody else, and apps whose files belong to root do so by default.
    package var workerUIDs: Set<UInt32> {
        let own = self.frontUsers.filter { $0.name != FrontAccounts.names.last }
        return own.isEmpty ? self.frontUIDs : Set(own.map(\.uid))
    }
}

private struct Lookup<Accounts: UserDatabase> {
    let accounts: Accounts

    func user(_ name: String, flag: String) throws(StartProblem) -> Account {
        let account = try self.ask(flag) { accounts throws(UserDatabaseProblem) -> Account? in
            if let account = try accounts.account(named: name) { return account }
            guard let uid = UInt32(name) else { return nil }
            return try accounts.account(uid: uid)
        }
        guard let account else { throw StartProblem("\(flag): there is no user '\(name)' on this machine.") }
        return account
    }

    func group(_ name: String, flag: String) throws(StartProblem) -> UInt32 {
        let group = try self.ask(flag) { accounts throws(UserDatabaseProblem) -> UInt32? in
            if let gid = try accounts.group(named: name) { return gid }
            guard let gid = UInt32(name), try accounts.groupName(gid: gid) != nil else { return nil }
            return gid
        }
        guard let group else { throw StartProblem("\(flag): there is no group '\(name)' on this machine.") }
        return group
    }

    /// Users, with the groups that are theirs alone, and groups with a colon in front.
    func owners(_ names: [String]) throws(StartProblem) -> PathPolicy {
        let flag = "--trust-owner"
        var policy = PathPolicy.rootOnly
        for name in names {
            if name.utf8.first == UInt8(ascii: ":") {
                let gid = try self.group(String(Substring(name.utf8.dropFirst())), flag: flag)
                policy = policy.adding(owners: [], groups: [gid])
            } else {
                let account = try self.user(name, flag: flag)
                let own = try self.ask(flag) { accounts throws(UserDatabaseProblem) in
                    try accounts.privateGroup(of: account)
                }
                policy = policy.adding(owners: [account.uid], groups: own.map { [$0] } ?? [])
            }
        }
        return policy
    }

    func frontUsers(_ fronts: FrontOptions) throws(StartProblem) -> [Account] {
        if let name = fronts.frontUser { return [try self.user(name, flag: "--front-user")] }
        return try self.ask("--front-user") { accounts throws(UserDatabaseProblem) in
            try FrontAccounts.existing { name throws(UserDatabaseProblem) in try accounts.account(named: name) }
        }
    }

    private func ask<Answer>(
        _ flag: String,
        _ lookup: (Accounts) throws(UserDatabaseProblem) -> Answer
    ) throws(StartProblem) -> Answer {
        do {
            return try lookup(self.accounts)
        } catch {
            throw StartProblem("\(flag): the account database could not be asked: \(error.reason).")
        }
    }

    /// Nothing ever runs as root, so the user and group that stand in for root must not be root themselves.
    func checkDefaults(_ users: UserOptions) throws(StartProblem) {
        let user = try self.user(users.defaultUser, flag: "--default-user")
        guard user.uid != 0 else {
            throw StartProblem("--default-user: '\(users.defaultUser)' is root; applications never run as root.")
        }
        guard let name = users.defaultGroup else {
            guard user.gid != 0 else {
                throw StartProblem(
                    "--default-user: the primary group of '\(users.defaultUser)' is root's; name another with --default-group."
                )
            }
            return
        }
        guard try self.group(name, flag: "--default-group") != 0 else {
            throw StartProblem("--default-group: '\(name)' is root's group; applications never run with it.")
        }
    }
}
