// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import WireProtocol

/// Whom a worker runs as.
struct WorkerAccount: Equatable, Sendable {
    let uid: UInt32
    /// nil: the master has no rights to give up.
    let identity: UserIdentity?
    /// For the log.
    let name: String
    /// Something to say once: a configured user that cannot be had.
    let warning: String?

    /// Looks the account up; `user` and `group` are what is configured.
    static func find(user: String?, group: String?) throws -> WorkerAccount {
        guard CurrentProcess.isRoot else { return try own(ignoring: user) }
        let account = try account(user)
        guard account.uid != 0 else {
            throw StartError("the worker must not run as root: name another user by --user or the directive \"user\"")
        }
        var gid = account.primaryGroup
        if let group {
            guard let found = try Accounts.group(named: group) else {
                throw StartError("there is no group \"\(group)\"")
            }
            gid = found.gid
        }
        guard gid != 0 else { throw StartError("the worker must not run with the group of root") }
        // Root's group among the others would undo what the user gives.
        let groups = try Accounts.groups(of: account.name, primaryGroup: gid).filter { $0 != 0 }
        let identity = UserIdentity(uid: account.uid, gid: gid, groups: groups)
        return WorkerAccount(uid: account.uid, identity: identity, name: account.name, warning: nil)
    }

    private static func own(ignoring user: String?) throws -> WorkerAccount {
        let uid = CurrentProcess.effectiveUID
        let name = try Accounts.user(id: uid)?.name ?? "uid \(uid)"
        let isOther = user.map { !$0.isExactly(name) } ?? false
        let warning = isOther ? "started without root rights: the worker runs as \(name), not as \(user ?? "")" : nil
        return WorkerAccount(uid: uid, identity: nil, name: name, warning: warning)
    }

    private static func account(_ user: String?) throws -> UserAccount {
        if let user {
            if let account = try Accounts.user(named: user) { return account }
            throw StartError("there is no user \"\(user)\" for the worker to run as")
        }
        if let account = try FrontAccounts.existing({ try Accounts.user(named: $0) }).first { return account }
        throw StartError(
            "there is no user \(FrontAccounts.listing) for the worker: name one by --user, and to the daemon by --front-user"
        )
    }
}
