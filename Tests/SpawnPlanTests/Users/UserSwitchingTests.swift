// SPDX-License-Identifier: MIT

import AppSettings
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

    // MARK: The matrix of the specification: user × group × owner

    enum UserSetting: String, CaseIterable { case none, given, numeric, unknown, root }
    enum GroupSetting: String, CaseIterable { case none, given, numeric, unknown, root, ofStartupFile }
    enum Owner: String, CaseIterable { case normal, root, unknown }

    @Test(arguments: UserSetting.allCases, GroupSetting.allCases)
    func `every combination gives the user and group of the rules`(user: UserSetting, group: GroupSetting) throws {
        for owner in Owner.allCases {
            let ownerUID: UInt32 = owner == .normal ? 1000 : owner == .root ? 0 : 4242
            let app = app(owner: ownerUID, group: owner == .root ? 0 : 200)
            let choice = UserSwitching.Choice(
                user: [.given: "mary", .numeric: "1001", .unknown: "nope", .root: "root"][user],
                group: [
                    .given: "staff", .numeric: "200", .unknown: "nope", .root: "root", .ofStartupFile: "!STARTUP_FILE!",
                ][group]
            )
            let identity = try policy().decide(choice, app: app, accounts: users)

            let expectedUser =
                switch user {
                case .given, .numeric: "mary"
                case .unknown, .root: "nobody"
                case .none: owner == .normal ? "joe" : "nobody"
                }
            let primary: UInt32 = ["mary": 101, "joe": 100, "nobody": 65534][expectedUser] ?? 0
            let expectedGroup: UInt32 =
                switch group {
                case .given, .numeric: 200
                case .unknown, .root: 65534
                case .ofStartupFile: owner == .root ? 65534 : 200
                case .none: primary
                }
            let label = Comment(rawValue: "\(user) \(group) \(owner)")
            #expect(identity.userName == expectedUser, label)
            #expect(identity.gid == expectedGroup, label)
            #expect(identity.uid != 0 && identity.gid != 0, label)
            #expect(identity.isSwitched, label)
            #expect(identity.restsOnOwnership == (user == .none), label)
            #expect(identity.groups.first == expectedGroup, label)
        }
    }

    // MARK: Reasons

    @Test func `the reason names owner and file`() throws {
        let identity = try policy().decide(.init(), app: app(), accounts: users)
        #expect(identity.reason == "runs as joe because joe owns config.ru")
        #expect(identity.groups == [100, 200])
        #expect(identity.account?.home == "/home/joe")
        #expect(identity.warnings.isEmpty)
    }

    @Test func `a generic app is judged by its root`() throws {
        let identity = try policy().decide(.init(), app: app(owner: 1001, file: nil), accounts: users)
        #expect(identity.reason == "runs as mary because mary owns the app root")
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
        let group = try policy().decide(.init(group: "nope"), app: app(), accounts: users)
        #expect(group.warnings == ["passenger_group is nope and names no known group: the app runs with group nogroup"])
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
        }
        let identity = try switching.decide(.init(user: "joe"), app: app(), accounts: users)
        #expect(identity.userName == "mary" && identity.gid == 101)
        #expect(!identity.isSwitched && !identity.restsOnOwnership)
        #expect(identity.warnings.count == 1)
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
        #expect(throws: UserSwitchingProblem.noDefaultUser(name)) { try switching.checkDefaults(accounts: users) }
        #expect(throws: UserSwitchingProblem.noDefaultUser(name)) {
            try switching.decide(.init(), app: app(owner: 0), accounts: users)
        }
    }

    @Test func `a default group that is root's or unknown is refused`() {
        #expect(throws: UserSwitchingProblem.noDefaultGroup("nope")) {
            try policy { $0.defaultGroup = "nope" }.checkDefaults(accounts: users)
        }
        #expect(throws: UserSwitchingProblem.self) {
            try policy { $0.defaultUser = "rootgroup" }.checkDefaults(accounts: users)
        }
        #expect(throws: Never.self) { try policy().checkDefaults(accounts: users) }
    }

    @Test func `problems are sentences with remedies`() {
        let problem = UserSwitchingProblem.belowMinUID(user: "sys", uid: 3, limit: 100, cause: "sys owns config.ru")
        #expect(
            problem.description
                == "the app would run as sys because sys owns config.ru, but uid 3 is below --min-uid (100)"
        )
        #expect(!problem.remedies.isEmpty)
    }
}
