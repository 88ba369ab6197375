// SPDX-License-Identifier: MIT

import AppSettings
import PathSafety
import ShownText
import SpawnPlan
import Testing

/// Every row of the matrix: {user} × {group} × {owner} × {startup file}, by files and accounts that exist here only.
///
/// What is expected is written down as a table of its own, in words of the specification, not computed as the code
/// computes it.
@Suite struct UserMatrixTests {
    private let users = InMemoryUsers()

    enum Owner: String, CaseIterable {
        case normal, root, unknown

        var uid: UInt32 { [.normal: 1000, .root: 0, .unknown: 4242][self] ?? 1 }
        /// Of the startup file; the link's own where it is a link.
        var gid: UInt32 { [.normal: 200, .root: 0, .unknown: 4343][self] ?? 1 }
    }

    enum File: String, CaseIterable { case regular, linkToOthers, hardLinkToOthers }

    /// The value of `passenger_user`, and the user for each owner.
    static let userRows: [(setting: String?, users: [Owner: String])] = [
        (nil, [.normal: "joe", .root: "nobody", .unknown: "nobody"]),
        ("mary", [.normal: "mary", .root: "mary", .unknown: "mary"]),
        ("1001", [.normal: "mary", .root: "mary", .unknown: "mary"]),
        ("root", [.normal: "nobody", .root: "nobody", .unknown: "nobody"]),
        ("0", [.normal: "nobody", .root: "nobody", .unknown: "nobody"]),
    ]

    /// The value of `passenger_group`, and the group for each owner; nil: the primary group of the user.
    static let groupRows: [(setting: String?, groups: [Owner: UInt32]?)] = [
        (nil, nil),
        ("sys", [.normal: 3, .root: 3, .unknown: 3]),
        ("3", [.normal: 3, .root: 3, .unknown: 3]),
        ("root", [.normal: 65534, .root: 65534, .unknown: 65534]),
        ("0", [.normal: 65534, .root: 65534, .unknown: 65534]),
        ("!STARTUP_FILE!", [.normal: 200, .root: 65534, .unknown: 65534]),
    ]

    static let primaryGroups: [String: UInt32] = ["joe": 100, "mary": 101, "nobody": 65534]

    @Test func `every row gives the user, the group and the refusal of the rules`() throws {
        var rows = 0
        for (user, expectedUsers) in Self.userRows {
            for (group, expectedGroups) in Self.groupRows {
                for owner in Owner.allCases {
                    for file in File.allCases {
                        let label = Comment(rawValue: "\(user ?? "-") \(group ?? "-") \(owner) \(file)")
                        let name = try #require(expectedUsers[owner])
                        let gid = try #require(expectedGroups?[owner] ?? Self.primaryGroups[name])
                        try self.check(.init(user: user, group: group), owner, file, expected: (name, gid), label)
                        rows += 1
                    }
                }
            }
        }
        #expect(rows == 5 * 6 * 3 * 3)
    }

    /// Names and numbers that lead to nothing, beside every other value: an error, never somebody else.
    @Test func `a setting that names nobody fails the start, whoever owns the file`() throws {
        let switching = UserSwitching(UserSwitching.Policy(daemonUID: 0, daemonGID: 0))
        for owner in Owner.allCases {
            let app = try self.app(owner, .regular)
            for name in ["nope", "4242"] {
                for (group, _) in Self.groupRows {
                    #expect(throws: UserSwitchingProblem.unknownUser(name), "\(owner) \(group ?? "-")") {
                        try switching.decide(.init(user: name, group: group), app: app, accounts: users)
                    }
                }
            }
            for name in ["nope", "4343"] {
                for (user, _) in Self.userRows {
                    #expect(throws: UserSwitchingProblem.unknownGroup(name), "\(owner) \(user ?? "-")") {
                        try switching.decide(.init(user: user, group: name), app: app, accounts: users)
                    }
                }
            }
        }
    }

    @Test func `what names nobody is told with the setting, the name and what to type`() {
        let user = UserSwitchingProblem.unknownUser("j o")
        #expect(user.description == "passenger_user is j o, which is not an account of this machine")
        #expect(user.cause.remedies.first?.description.hasSuffix("getent passwd 'j o'") == true)
        #expect(user.cause.category == .configuration)
        let group = UserSwitchingProblem.unknownGroup("crew")
        #expect(group.description == "passenger_group is crew, which is not a group of this machine")
        #expect(group.cause.remedies.first?.description.hasSuffix("getent group crew") == true)
        #expect(group.cause.category == .configuration)
    }

    private func check(
        _ choice: UserSwitching.Choice,
        _ owner: Owner,
        _ file: File,
        expected: (user: String, gid: UInt32),
        _ label: Comment
    ) throws {
        let app = try self.app(owner, file)
        let switching = UserSwitching(UserSwitching.Policy(daemonUID: 0, daemonGID: 0))
        let identity = try switching.decide(choice, app: app, accounts: users)
        #expect(identity.userName == expected.user, label)
        #expect(identity.gid == expected.gid, label)
        #expect(identity.groups.first == expected.gid && !identity.groups.contains(0), label)
        #expect(identity.uid != 0 && identity.gid != 0 && identity.isSwitched, label)
        #expect(identity.reason.hasPrefix("runs as \(expected.user)"), label)
        #expect(identity.reason.contains(" with group ") == (expected.gid != identity.account?.gid), label)
        // Ownership is asked about where it decided, and refuses where a file was put by somebody else.
        #expect(identity.restsOnOwnership == (choice.user == nil), label)
        guard identity.restsOnOwnership else { return }
        let found = users.policy(owner: app.fact.uid).refusals(of: Self.trail(owner, file))
        #expect(found.map(\.reason) == (file == .hardLinkToOthers ? [.otherOwner] : []), label)
    }

    private static func trail(_ owner: Owner, _ file: File) -> PathTrail {
        let directory: UInt32 = file == .hardLinkToOthers ? 3 : owner.uid
        return PathTrail([
            .init("/webapps", .passed(PathFact(owner: 0, group: 0, mode: 0o755), holds: directory)),
            .init("/webapps/foo", .entered(PathFact(owner: directory, group: owner.gid, mode: 0o755))),
        ])
    }

    /// A link belongs to `owner` and leads to mary's file; a hard link lies in a directory of sys', the file is the owner's.
    private func app(_ owner: Owner, _ file: File) throws -> DetectedApp {
        let directory: UInt32 = file == .hardLinkToOthers ? 3 : owner.uid
        var files = InMemoryFiles(root: FileFact(kind: .directory, uid: directory, gid: owner.gid, mode: 0o755))
        files.facts[.below("config.ru")] = FileFact(
            kind: file == .linkToOthers ? .link : .file,
            uid: owner.uid,
            gid: owner.gid,
            mode: file == .linkToOthers ? 0o777 : 0o644,
            names: file == .hardLinkToOthers ? 2 : 1
        )
        return try AppTypeDetection.detect(settings(), in: files)
    }
}
