// SPDX-License-Identifier: MIT

import AppSettings
import PathSafety
import ShownText
import SpawnPlan
import Testing

@Suite struct OwnershipCheckTests {
    private let users = InMemoryUsers()

    private func trail(_ uid: UInt32, _ gid: UInt32, _ mode: UInt32) -> PathTrail {
        PathTrail([
            .init("/webapps", .passed(PathFact(owner: 0, group: 0, mode: 0o755), holds: uid)),
            .init("/webapps/foo", .entered(PathFact(owner: uid, group: gid, mode: mode))),
        ])
    }

    private func scene(_ file: String? = "config.ru", owner: UInt32 = 1000, names: UInt64 = 1) -> OwnershipScene {
        OwnershipScene(
            appRoot: "/webapps/foo",
            realRoot: "/webapps/foo",
            app: DetectedApp(
                type: .rack,
                startupFile: file,
                fact: FileFact(kind: .file, uid: owner, gid: 100, mode: 0o644, names: names)
            ),
            names: users.pathNames
        )
    }

    private func refusal(_ trail: PathTrail, owner: UInt32 = 1000) throws -> PathRefusal {
        try #require(
            #expect(throws: PathRefusal.self) {
                try OwnershipCheck.strict.check(trail, by: users.policy(owner: owner))
            }
        )
    }

    @Test(arguments: [
        (UInt32(1000), UInt32(100), UInt32(0o755)), (0, 0, 0o755), (1000, 100, 0o775), (0, 0, 0o775),
    ])
    func `directories that only the owner or root decide about pass`(uid: UInt32, gid: UInt32, mode: UInt32) throws {
        #expect(try OwnershipCheck.strict.check(trail(uid, gid, mode), by: users.policy(owner: 1000)).isEmpty)
    }

    @Test(arguments: [
        (UInt32(1001), UInt32(101), UInt32(0o755), PathRefusal.Reason.otherOwner, true),
        (1000, 200, 0o775, .groupMayWrite(200, byList: false), true),
        (1000, 100, 0o757, .everybodyMayWrite, false),
        (0, 0, 0o1777, .everybodyMayWrite, false),
    ])
    func `others who may write are found`(
        uid: UInt32,
        gid: UInt32,
        mode: UInt32,
        reason: PathRefusal.Reason,
        isTolerated: Bool
    ) throws {
        let trail = trail(uid, gid, mode)
        #expect(try refusal(trail).reason == reason)
        if isTolerated {
            #expect(try OwnershipCheck.warn.check(trail, by: users.policy(owner: 1000)).map(\.reason) == [reason])
        } else {
            #expect(throws: PathRefusal.self) {
                try OwnershipCheck.warn.check(trail, by: users.policy(owner: 1000))
            }
        }
    }

    /// A group that somebody else is in, or of another name, is nobody's own.
    @Test func `only a group that is the user's alone stands for the user`() throws {
        #expect(users.policy(owner: 1000).groups == [0, 100])
        var shared = users
        shared.members[100] = ["joe", "mary"]
        #expect(shared.policy(owner: 1000).groups == [0])
        shared.members[100] = ["joe"]
        #expect(shared.policy(owner: 1000).groups == [0, 100])
        shared.groupNames[100] = "users"
        #expect(shared.policy(owner: 1000).groups == [0])
        #expect(users.policy(owner: 4242) == PathPolicy(owners: [4242]))
    }

    @Test func `the refusal says who owns what and how to put it right`() throws {
        let refusal = try refusal(trail(1001, 101, 0o755))
        #expect(
            refusal.summary(scene())
                == "the app root (owner mary, mode 0755) belongs neither to joe nor to root, "
                + "and the app's user is to come from the owner of config.ru, joe"
        )
        let copying =
            "cp /webapps/foo/config.ru /webapps/foo/config.ru.new && mv -f /webapps/foo/config.ru.new "
            + "/webapps/foo/config.ru"
        #expect(
            refusal.remedies(scene()).map { [$0.text, $0.command] } == [
                [
                    "If it is to run as mary, let that user put a copy of its own in its place:",
                    "runuser -u mary -- sh -c '\(copying)'",
                ],
                ["If it is to run as joe, type:", "chown joe /webapps/foo"],
                ["Or set passenger_user in the front's configuration.", nil],
                ["Or, if mary may decide what runs here, start the daemon with --trust-owner=mary.", nil],
            ]
        )
    }

    @Test func `a link of somebody else is named with what it could do, and no command can be turned by its maker`()
        throws
    {
        let trail = PathTrail([
            .init("/home", .passed(PathFact(owner: 0, group: 0, mode: 0o755), holds: 1001)),
            .init("/home/mary", .passed(PathFact(owner: 1001, group: 101, mode: 0o755), holds: 1001)),
            .init(
                "/home/mary/current",
                .link(PathFact(owner: 1001, group: 101, mode: 0o777), target: "/webapps/foo", leadsTo: 1000)
            ),
            .init("/webapps/foo", .entered(PathFact(owner: 1000, group: 100, mode: 0o755))),
        ])
        let found = users.policy(owner: 1000).refusals(of: trail)
        #expect(found.map(\.path) == ["/home/mary", "/home/mary/current"])
        #expect(
            found.last?.summary(scene())
                == "the link /home/mary/current to /webapps/foo (owner mary) belongs neither to joe nor to root, so mary could "
                + "put another application in the place of /webapps/foo, and the app's user is to come from the owner of "
                + "config.ru, joe"
        )
        let remedies = found.map { $0.remedies(scene()).first }
        #expect(remedies.map { $0?.command } == [nil, "namei -l /home/mary/current"])
        #expect(
            remedies.last??.text
                == "If it is to run as joe, give /home/mary/current to joe, once you have looked at the way to it:"
        )
    }

    @Test func `a shared directory has three ways out`() throws {
        let refusal = try refusal(trail(1000, 200, 0o2775))
        #expect(
            refusal.remedies(scene()).map { [$0.text, $0.command] } == [
                ["Type:", "chmod g-w /webapps/foo"], ["Or set passenger_user in the front's configuration.", nil],
                [
                    "Or, if the members of staff may decide what runs here, start the daemon with --trust-owner=:staff.",
                    nil,
                ],
            ]
        )
    }

    /// The usual reason for `nobody`: somebody edited the file as root.
    @Test func `a file of root's in somebody's directory is to be theirs, never the directory root's`() throws {
        let refusal = try refusal(trail(1001, 101, 0o755), owner: 0)
        let remedies = refusal.remedies(scene(owner: 0))
        #expect(remedies.count == 3 && remedies[0].command?.hasPrefix("runuser -u mary") == true, "\(remedies)")
        #expect(!remedies.contains { $0.command?.contains("chown") == true })
    }

    /// chown of a hard link to /etc/shadow would give that away.
    @Test func `nobody is told to take a file that has other names`() throws {
        let remedies = try refusal(trail(1001, 101, 0o755), owner: 0).remedies(scene(owner: 0, names: 2))
        #expect(remedies[0].text.contains("hard link"), "\(remedies)")
        #expect(remedies.allSatisfy { $0.command == nil })
    }

    @Test func `places below the app root have their names in it`() throws {
        var trail = trail(1000, 100, 0o755)
        trail.append("/webapps/foo/config", .entered(PathFact(owner: 1001, group: 101, mode: 0o755)))
        let summary = try refusal(trail).summary(scene("config/environment.rb"))
        #expect(summary.hasPrefix("config (owner mary, mode 0755) belongs neither to joe nor to root"), "\(summary)")
    }
}
