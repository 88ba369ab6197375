// SPDX-License-Identifier: MIT

import LinuxSystem
package import SpawnPlan

/// The account database of the machine.
///
/// Lookups may block: not on an event loop.
package struct SystemAccounts: UserDatabase {
    package init() {}

    package func account(named name: String) -> Account? {
        // A database that cannot be asked is one that knows nobody: the decision falls back, it never widens.
        (try? Accounts.user(named: name)).flatMap { $0 }.map(Account.init)
    }

    package func account(uid: UInt32) -> Account? {
        // As above.
        (try? Accounts.user(id: uid)).flatMap { $0 }.map(Account.init)
    }

    package func group(named name: String) -> UInt32? {
        // As above.
        (try? Accounts.group(named: name)).flatMap { $0 }?.gid
    }

    package func groupName(gid: UInt32) -> String? {
        // As above.
        (try? Accounts.group(id: gid)).flatMap { $0 }?.name
    }

    package func groups(of account: Account, primary gid: UInt32) -> [UInt32] {
        // Fewer groups than the user has is the safe side.
        (try? Accounts.groups(of: account.name, primaryGroup: gid)) ?? [gid]
    }
}

extension Account {
    init(_ user: UserAccount) {
        self.init(name: user.name, uid: user.uid, gid: user.primaryGroup, home: user.home, shell: user.shell)
    }
}
