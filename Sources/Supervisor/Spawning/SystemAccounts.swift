// SPDX-License-Identifier: MIT

import LinuxSystem
import PathSafety
package import SpawnPlan

/// The account database of the machine.
///
/// Lookups may block: not on an event loop.
package struct SystemAccounts: UserDatabase {
    package init() {}

    package func account(named name: String) throws(UserDatabaseProblem) -> Account? {
        try Self.ask { () throws(SystemError) in try Accounts.user(named: name) }.map(Account.init)
    }

    package func account(uid: UInt32) throws(UserDatabaseProblem) -> Account? {
        try Self.ask { () throws(SystemError) in try Accounts.user(id: uid) }.map(Account.init)
    }

    package func group(named name: String) throws(UserDatabaseProblem) -> UInt32? {
        try Self.ask { () throws(SystemError) in try Accounts.group(named: name) }?.gid
    }

    package func group(gid: UInt32) throws(UserDatabaseProblem) -> AccountGroup? {
        try Self.ask { () throws(SystemError) in try Accounts.group(id: gid) }
            .map { AccountGroup(gid: $0.gid, name: $0.name, members: $0.members) }
    }

    package func groups(of account: Account, primary gid: UInt32) -> [UInt32] {
        // Fewer groups than the user has is the safe side.
        (try? Accounts.groups(of: account.name, primaryGroup: gid)) ?? [gid]
    }

    private static func ask<Entry>(
        _ lookup: () throws(SystemError) -> Entry?
    ) throws(UserDatabaseProblem) -> Entry? {
        do {
            return try lookup()
        } catch {
            throw UserDatabaseProblem(reason: error.description)
        }
    }
}

extension Account {
    init(_ user: UserAccount) {
        self.init(name: user.name, uid: user.uid, gid: user.primaryGroup, home: user.home, shell: user.shell)
    }
}
