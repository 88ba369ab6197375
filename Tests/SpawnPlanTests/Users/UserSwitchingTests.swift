// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import SpawnPlan
import Testing

@Suite struct UserSwitchingTests {
    private let users = InMemoryUsers()

    private func policy(_ change: (inout UserSwitching.Policy) -> Void = { _ in }) -> UserSwitching {
        var policy = UserSwitching.Policy(daemonUID: 0, daemonGID: 0)
        change(&policy)
        return UserSwitching(policy)
    }

    private func app(owner: UInt32 = 1000, group: UInt32 = 100, file: String? = "config.ru") -> DetectedApp {
        DetectedApp(
            type: file == nil ? .generic : .rack,
            startupFile: file,
            fact: FileFact(kind: file == nil ? .directory : .file, uid: owner, gid: group, mode: 0o644)
        )
    }

    // MARK: Reasons

    @Test func `the reason names owner and file`() throws {
        let identity = try policy().decide(.init(), app: app(), accounts: users)
        #expect(identity.reason == "runs as joe because joe owns config.ru")
        #expect(identity.groups == [100, 200])
        #expect(identity.account?.home == "/home/joe")
        #expect(identity.warnings.isEmpty)
    }

    @Test func `the reason tells why the default user was taken`() throws {
        let root = try policy().decide(.init(), app: app(owner: 0), accounts: users)
        #expect(root.reason == "runs as nobody because root owns config.ru, and no app ever runs as root")
        let unknown = try policy().decide(.init(), app: app(owner: 4242), accounts: users)
        #expect(unknown.reason == "runs as nobody because uid 4242, which has no account, owns config.ru")
        let set = try policy().decide(.init(user: "mary"), app: app(), accounts: users)
        #expect(set.reason == "runs as mary because passenger_user is set to mary")
    }

    @Test func `settings that cannot be followed are warned about`() throws {
        let root = try policy().decide(.init(user: "root"), app: app(), accounts: users)
        #expect(root.warnings == ["passenger_user is root, and no app ever runs as root: the app runs as nobody"])
        let group = try policy().decide(.init(group: "root"), app: app(), accounts: users)
        #expect(group.warnings == ["passenger_group is root, which no app ever gets: the app runs with group nogroup"])
        #expect(
            group.reason == "runs as joe with group nogroup because joe owns config.ru, "
                + "and passenger_group is root, which no app ever gets"
        )
    }

    /// One row: settings, what the sentence is.
    @Test(arguments: [
        (
            "staff", UInt32(100),
            "runs as joe with group staff because joe owns config.ru, and passenger_group is set to staff"
        ),
        ("200", 100, "runs as joe with group staff because joe owns config.ru, and passenger_group is set to 200"),
        ("joe", 100, "runs as joe because joe owns config.ru, and passenger_group is set to joe"),
        (
            "!STARTUP_FILE!", 200,
            "runs as joe with group staff because joe owns config.ru, and passenger_group is !STARTUP_FILE!, "
                + "the group of config.ru"
        ),
        (
            "!STARTUP_FILE!", 0,
            "runs as joe with group nogroup because joe owns config.ru, and passenger_group is !STARTUP_FILE!, "
                + "and config.ru has root's group, which no app ever gets"
        ),
        (
            "!STARTUP_FILE!", 4242,
            "runs as joe with group nogroup because joe owns config.ru, and passenger_group is !STARTUP_FILE!, "
                + "and config.ru has gid 4242, which is no group"
        ),
        (
            "root", 100,
            "runs as joe with group nogroup because joe owns config.ru, and passenger_group is root, which no app ever gets"
        ),
    ])
    func `the sentence tells where a group comes from that a login would not give`(
        group: String,
        fileGroup: UInt32,
        sentence: String
    ) throws {
        let identity = try policy().decide(.init(group: group), app: app(group: fileGroup), accounts: users)
        #expect(identity.reason == sentence)
    }

    /// -1 means "unchanged" to the kernel, which is root.
    @Test(arguments: ["4294967295", "+1000", "-1", " 1000", "1000 ", "0x3e8", ""])
    func `what is not the number of an account is refused`(wanted: String) throws {
        var users = users
        users.accounts.append(Account(name: "trap", uid: .max, gid: .max, home: "/", shell: ""))
        users.groupNames[.max] = "trap"
        for name in [wanted, "trap"] {
            #expect(throws: UserSwitchingProblem.unknownUser(name)) {
                try policy().decide(.init(user: name, group: name), app: app(), accounts: users)
            }
            #expect(throws: UserSwitchingProblem.unknownGroup(name)) {
                try policy().decide(.init(group: name), app: app(), accounts: users)
            }
        }
        #expect(try policy().decide(.init(), app: app(owner: .max, group: .max), accounts: users).uid == 65534)
    }

    @Test func `a name made of digits goes before the number`() throws {
        var users = users
        users.accounts.append(Account(name: "1001", uid: 1500, gid: 200, home: "/", shell: ""))
        #expect(try policy().decide(.init(user: "1001"), app: app(), accounts: users).uid == 1500)
    }

    @Test func `the default user has the default group, whyever it was taken`() throws {
        let switching = policy { $0.defaultGroup = "staff" }
        for (choice, owner) in [(UserSwitching.Choice(), UInt32(0)), (.init(), 4242), (.init(user: "root"), 1000)] {
            let identity = try switching.decide(choice, app: app(owner: owner), accounts: users)
            #expect(identity.userName == "nobody" && identity.gid == 200)
            #expect(identity.reason.hasPrefix("runs as nobody with group staff because "))
        }
        // A group that is set wins, and a user who was found keeps the own one.
        #expect(try switching.decide(.init(group: "joe"), app: app(owner: 0), accounts: users).gid == 100)
        #expect(try switching.decide(.init(), app: app(), accounts: users).gid == 100)
    }

    @Test(arguments: ["config.ru", "config/environment.rb", "passenger_wsgi.py", "app.js", nil])
    func `each startup file is named, and a generic app is judged by its root`(file: String?) throws {
        let identity = try policy().decide(.init(), app: app(file: file), accounts: users)
        #expect(identity.reason == "runs as joe because joe owns \(file ?? "the app root")")
        let root = try policy().decide(.init(), app: app(owner: 0, file: file), accounts: users)
        #expect(root.userName == "nobody" && root.reason.contains("root owns \(file ?? "the app root")"))
    }

    @Test func `a primary group without a name is unknown`() throws {
        var users = users
        users.accounts.append(Account(name: "odd", uid: 1600, gid: 1600, home: "/", shell: ""))
        let identity = try policy().decide(.init(user: "odd"), app: app(), accounts: users)
        #expect(identity.uid == 1600 && identity.gid == 65534)
        #expect(
            identity.warnings == [
                "the primary group of odd is gid 1600, which is no group: the app runs with group nogroup"
            ]
        )
    }

    // MARK: A database that does not answer

    private struct Silent: UserDatabase {
        func account(named name: String) throws(UserDatabaseProblem) -> Account? { throw Self.problem }
        func account(uid: UInt32) throws(UserDatabaseProblem) -> Account? { throw Self.problem }
        func group(named name: String) throws(UserDatabaseProblem) -> UInt32? { throw Self.problem }
        func group(gid: UInt32) throws(UserDatabaseProblem) -> AccountGroup? { throw Self.problem }
        func groups(of account: Account, primary gid: UInt32) -> [UInt32] { [gid] }

        static let problem = UserDatabaseProblem(reason: "getpwuid 1000: Too many open files (EMFILE)")
    }

    /// Rather not started than as nobody, who could not write its files, or with other people's.
    @Test func `an account database that cannot be asked stops the start`() {
        for choice in [UserSwitching.Choice(), .init(user: "joe"), .init(group: "staff")] {
            #expect(throws: UserSwitchingProblem.databaseUnavailable(Silent.problem)) {
                try policy().decide(choice, app: app(), accounts: Silent())
            }
        }
        let problem = UserSwitchingProblem.databaseUnavailable(Silent.problem)
        #expect(problem.cause.category == .operatingSystem && problem.description.contains("EMFILE"))
        #expect(Silent().displayName(uid: 1000) == "uid 1000")
    }

    @Test func `a user whose primary group is root's gets the default group`() throws {
        let identity = try policy().decide(.init(user: "rootgroup"), app: app(), accounts: users)
        #expect(identity.gid == 65534)
    }

    // MARK: Daemon without root, switching off

    @Test func `a daemon without root runs all apps as itself`() throws {
        let switching = policy {
            $0.daemonUID = 1001
            $0.daemonGID = 101
            $0.daemonGroups = [200, 101]
        }
        let identity = try switching.decide(.init(user: "joe"), app: app(), accounts: users)
        #expect(identity.userName == "mary" && identity.gid == 101)
        #expect(identity.groups == [101, 200], "those of the daemon, whatever the database says")
        #expect(!identity.isSwitched && !identity.restsOnOwnership)
        #expect(identity.warnings == ["passenger_user has no effect, because the daemon does not run as root"])
        let both = try switching.decide(.init(user: "root", group: "root"), app: app(owner: 0), accounts: users)
        #expect(
            both.userName == "mary"
                && both.warnings
                    == ["passenger_user and passenger_group have no effect, because the daemon does not run as root"]
        )
        #expect(try switching.decide(.init(), app: app(owner: 4242), accounts: users).warnings.isEmpty)
    }

    @Test func `a daemon whose uid has no account cannot start anything`() {
        let switching = policy { $0.daemonUID = 4242 }
        #expect(throws: UserSwitchingProblem.daemonHasNoAccount(uid: 4242)) {
            try switching.decide(.init(), app: app(), accounts: users)
        }
    }

    @Test func `without switching everything runs as the default user`() throws {
        let switching = policy {
            $0.isEnabled = false
            $0.defaultUser = "mary"
            $0.defaultGroup = "staff"
        }
        let identity = try switching.decide(.init(user: "joe", group: "joe"), app: app(), accounts: users)
        #expect(identity.userName == "mary" && identity.gid == 200)
        #expect(!identity.restsOnOwnership)
        #expect(
            identity.reason == "runs as mary with group staff because user switching is off (--no-user-switching)"
        )
        #expect(identity.warnings.count == 1 && identity.warnings[0].contains("--no-user-switching"))
    }

    // MARK: Narrowing

    @Test func `users below the minimum are refused`() {
        let switching = policy { $0.minUID = 100 }
        #expect(throws: UserSwitchingProblem.self) {
            try switching.decide(.init(), app: app(owner: 3), accounts: users)
        }
        #expect(throws: Never.self) { try policy().decide(.init(), app: app(owner: 3), accounts: users) }
    }

    @Test func `only allowed users run apps, but the default user always may`() throws {
        let switching = policy { $0.allowedUsers = ["joe", "1001"] }
        #expect(try switching.decide(.init(), app: app(), accounts: users).userName == "joe")
        #expect(try switching.decide(.init(user: "mary"), app: app(), accounts: users).userName == "mary")
        #expect(throws: UserSwitchingProblem.self) {
            try switching.decide(.init(user: "sys"), app: app(), accounts: users)
        }
        #expect(try switching.decide(.init(), app: app(owner: 0), accounts: users).userName == "nobody")
    }

    @Test(arguments: ["root", "0", "nope"])
    func `a default user that is root or unknown is refused`(name: String) {
        let switching = policy { $0.defaultUser = name }
        #expect(throws: UserSwitchingProblem.noDefaultUser(name)) {
            try switching.decide(.init(), app: app(owner: 0), accounts: users)
        }
        #expect(throws: Never.self) { try switching.decide(.init(), app: app(), accounts: users) }
    }

    @Test(arguments: ["root", "0", "nope", "4242"])
    func `a default group that is root's or unknown is refused`(name: String) {
        let switching = policy { $0.defaultGroup = name }
        #expect(throws: UserSwitchingProblem.noDefaultGroup(name)) {
            try switching.decide(.init(), app: app(owner: 0), accounts: users)
        }
        #expect(throws: UserSwitchingProblem.noDefaultGroup("the primary group of rootgroup")) {
            try policy { $0.defaultUser = "rootgroup" }.decide(.init(), app: app(owner: 0), accounts: users)
        }
    }

    @Test func `problems are sentences with remedies`() {
        let problem = UserSwitchingProblem.belowMinUID(user: "sys", uid: 3, limit: 100, cause: "sys owns config.ru")
        #expect(
            problem.description
                == "the app would run as sys because sys owns config.ru, but uid 3 is below --min-uid (100)"
        )
        #expect(!problem.cause.remedies.isEmpty)
    }
}
