// SPDX-License-Identifier: MIT

import ArgumentParser
import PathSafety
import SpawnPlan
import Testing

@testable import Supervisor

private struct Machine: UserDatabase {
    static let users = [
        Account(name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/sh"),
        Account(name: "www-data", uid: 33, gid: 34, home: "/var/www", shell: "/usr/sbin/nologin"),
        Account(name: "nobody", uid: 65534, gid: 65534, home: "/nonexistent", shell: "/usr/sbin/nologin"),
        Account(name: "odd", uid: 500, gid: 0, home: "/", shell: ""),
    ]
    var users = Self.users

    func account(named name: String) -> Account? { users.first { $0.name == name } }
    func account(uid: UInt32) -> Account? { users.first { $0.uid == uid } }
    func group(named name: String) -> UInt32? { ["root": 0, "staff": 50][name] }
    func group(gid: UInt32) -> AccountGroup? {
        [0: "root", 50: "staff"][gid].map { AccountGroup(gid: gid, name: $0, members: []) }
    }
    /// Whom the group www-data has besides its own user.
    var webGroupMembers: [String] = []
    func groups(of account: Account, primary gid: UInt32) -> [UInt32] {
        webGroupMembers.contains(account.name) ? [gid, 34] : [gid]
    }
}

@Suite struct DaemonUsersTests {
    /// Parsed once: a debug build takes a tenth of a second for it.
    private static let defaults = Result { try parse([]) }

    private static func parse(_ arguments: [String]) throws -> DaemonOptions {
        try DaemonCommand.parse(["--socket-file=/run/fp.sock"] + arguments).options
    }

    private func users(
        _ arguments: String...,
        uid: UInt32 = 0,
        machine: Machine = Machine()
    ) throws -> DaemonUsers {
        let options = arguments.isEmpty ? try Self.defaults.get() : try Self.parse(arguments)
        return try DaemonUsers(
            options.users,
            fronts: options.fronts,
            process: options.process,
            daemonUID: uid,
            daemonGID: uid,
            accounts: machine
        )
    }

    private static let front = Account(name: "flying-front", uid: 101, gid: 102, home: "/", shell: "/usr/sbin/nologin")

    @Test func `fronts run as flying-front, www-data or nobody, or as one that is named`() throws {
        #expect(try users().frontUsers.map(\.name) == ["www-data", "nobody"])
        let bare = Machine(users: Machine.users.filter { $0.name != "www-data" })
        #expect(try users(machine: bare).frontUsers.map(\.name) == ["nobody"])
        #expect(try users(machine: bare).workerUIDs == [65534])
        let packaged = Machine(users: Machine.users + [Self.front])
        #expect(try users(machine: packaged).frontUsers.map(\.name) == ["flying-front", "www-data", "nobody"])
        #expect(try users(machine: packaged).workerUIDs == [101, 33])
        #expect(try users("--front-user=odd").frontUsers.map(\.uid) == [500])
        #expect(try users("--no-user-switching", uid: 500, machine: Machine(users: [])).frontUsers.isEmpty)
    }

    @Test func `the socket has the group that most users of fronts are in`() throws {
        #expect(try users().socketGID == 34)
        var machine = Machine(users: Machine.users + [Self.front])
        #expect(try users(machine: machine).socketGID == 102)
        machine.webGroupMembers = ["flying-front"]
        #expect(try users(machine: machine).socketGID == 34)
        #expect(try users("--front-user=flying-front", machine: machine).socketGID == 102)
    }

    @Test func `a daemon without root leaves the group of its socket alone`() throws {
        #expect(try users(uid: 500).socketGID == nil)
        #expect(try users("--socket-group=staff", uid: 500).socketGID == 50)
    }

    @Test func `users are named or numbered`() throws {
        let users = try users("--trust-user=odd", "--trust-user=33", "--socket-user=www-data", "--socket-group=50")
        #expect(users.trustedUIDs == [500, 33])
        #expect(users.socketUID == 33)
        #expect(users.socketGID == 50)
    }

    @Test(arguments: [
        ("--default-user=ghost", "--default-user: there is no user 'ghost' on this machine."),
        ("--default-user=root", "--default-user: 'root' is root; applications never run as root."),
        (
            "--default-user=odd",
            "--default-user: the primary group of 'odd' is root's; name another with --default-group."
        ),
        ("--default-group=ghosts", "--default-group: there is no group 'ghosts' on this machine."),
        ("--default-group=root", "--default-group: 'root' is root's group; applications never run with it."),
        ("--front-user=ghost", "--front-user: there is no user 'ghost' on this machine."),
        ("--trust-user=ghost", "--trust-user: there is no user 'ghost' on this machine."),
        ("--allowed-users=odd,ghost", "--allowed-users: there is no user 'ghost' on this machine."),
        ("--socket-user=ghost", "--socket-user: there is no user 'ghost' on this machine."),
        ("--socket-group=ghosts", "--socket-group: there is no group 'ghosts' on this machine."),
    ])
    func `unknown names and root as default are refused`(argument: String, text: String) {
        #expect(throws: StartProblem(text)) { try users(argument) }
    }

    @Test func `without root the defaults are of no interest`() throws {
        #expect(try users("--default-user=ghost", uid: 500).switching.defaultUser == "ghost")
    }
}
