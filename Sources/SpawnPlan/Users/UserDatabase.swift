// SPDX-License-Identifier: MIT

package import PathSafety

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

package typealias AccountGroup = PathPolicy.Group

/// Answers about accounts; the daemon's version asks NSS, the tests' one a dictionary.
///
/// nil means that the database knows of nobody. That it could not be asked is an error, never nil: an app must not run
/// as somebody else because a server did not answer or descriptors were short.
package protocol UserDatabase {
    func account(named name: String) throws(UserDatabaseProblem) -> Account?
    func account(uid: UInt32) throws(UserDatabaseProblem) -> Account?
    func group(named name: String) throws(UserDatabaseProblem) -> UInt32?
    func group(gid: UInt32) throws(UserDatabaseProblem) -> AccountGroup?
    /// The groups of `account` as a login would get them, with `gid` as the primary one.
    func groups(of account: Account, primary gid: UInt32) -> [UInt32]
}

extension UserDatabase {
    package func groupName(gid: UInt32) throws(UserDatabaseProblem) -> String? { try self.group(gid: gid)?.name }

    /// The group that nobody but this account is in; nil if it has none.
    package func privateGroup(of account: Account) throws(UserDatabaseProblem) -> UInt32? {
        guard let group = try self.group(gid: account.gid) else { return nil }
        return group.isPrivate(of: account.name) ? group.gid : nil
    }

    /// For an app that is to run as whoever this is: root and that user decide, and the group that is theirs alone.
    package func policy(owner uid: UInt32) -> PathPolicy {
        // A database that does not answer makes it nobody's own group: rather a refusal than a wrong user.
        let account = (try? self.account(uid: uid)) ?? nil
        let group = account.flatMap { (try? self.group(gid: $0.gid)) ?? nil }
        return PathPolicy(owner: uid, name: account?.name, primaryGroup: group)
    }

    package var pathNames: PathNames {
        PathNames(user: self.displayName, group: { gid in (try? self.groupName(gid: gid)) ?? nil })
    }

    /// For sentences: the name, else "uid 1234".
    package func displayName(uid: UInt32) -> String {
        // A sentence is better off with a number than not written.
        ((try? self.account(uid: uid)) ?? nil)?.name ?? "uid \(uid)"
    }
}

/// The account database did not answer.
package struct UserDatabaseProblem: Error, Hashable, Sendable {
    /// Such as "getpwuid_r 1000: Too many open files (EMFILE)".
    package let reason: String

    package init(reason: String) { self.reason = reason }
}

/// Names and numbers as settings and flags give them.
struct AccountLookups<Accounts: UserDatabase> {
    private let accounts: Accounts

    init(_ accounts: Accounts) { self.accounts = accounts }

    /// A name, else the number of an account.
    func account(_ wanted: String) throws(UserSwitchingProblem) -> Account? {
        let named = try self.ask { () throws(UserDatabaseProblem) in try self.accounts.account(named: wanted) }
        if let named { return Self.usable(named) }
        guard let uid = Self.number(wanted) else { return nil }
        return try self.account(uid: uid)
    }

    func account(uid: UInt32) throws(UserSwitchingProblem) -> Account? {
        Self.usable(try self.ask { () throws(UserDatabaseProblem) in try self.accounts.account(uid: uid) })
    }

    /// A name, else the number of a group that has a name.
    func group(_ wanted: String) throws(UserSwitchingProblem) -> (gid: UInt32, name: String)? {
        let named = try self.ask { () throws(UserDatabaseProblem) in try self.accounts.group(named: wanted) }
        guard let gid = named ?? Self.number(wanted), gid != Self.unchanged else { return nil }
        return try self.groupName(gid: gid).map { (gid, $0) }
    }

    func groupName(gid: UInt32) throws(UserSwitchingProblem) -> String? {
        guard gid != Self.unchanged else { return nil }
        return try self.ask { () throws(UserDatabaseProblem) in try self.accounts.groupName(gid: gid) }
    }

    func name(ofGroup gid: UInt32) throws(UserSwitchingProblem) -> String {
        try self.groupName(gid: gid) ?? String(gid)
    }

    func groups(of account: Account, primary gid: UInt32) -> [UInt32] {
        self.accounts.groups(of: account, primary: gid)
    }

    /// The ID that means "leave it as it is" to setresuid(2) and its kin: for a daemon of root's, root.
    private static var unchanged: UInt32 { .max }

    private static func usable(_ account: Account?) -> Account? {
        guard let account, account.uid != self.unchanged, account.gid != self.unchanged else { return nil }
        return account
    }

    /// Digits only: `UInt32` itself would take a sign.
    private static func number(_ text: String) -> UInt32? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt32(text)
    }

    private func ask<Answer>(_ lookup: () throws(UserDatabaseProblem) -> Answer) throws(UserSwitchingProblem) -> Answer
    {
        do {
            return try lookup()
        } catch {
            throw .databaseUnavailable(error)
        }
    }
}
