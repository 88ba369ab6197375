// SPDX-License-Identifier: MIT

import PathSafety
import ShownText
import Testing

@Suite struct PathPolicyTests {
    /// Joe is 1000, alone in group 1000; Mary is 1001; Deploy is trusted.
    private static let joe = PathPolicy(owners: [1000], groups: [1000])
    private static let deploy: UInt32 = 1002

    private static func fact(_ owner: UInt32, _ group: UInt32, _ mode: UInt32, _ list: AccessList? = nil) -> PathFact {
        PathFact(owner: owner, group: group, mode: mode, accessList: list)
    }

    private static func list(_ entries: AccessList.Entry...) -> AccessList {
        AccessList(
            [.init(.owner, mayWrite: true), .init(.mask, mayWrite: true), .init(.others, mayWrite: false)] + entries
        )
    }

    struct Row: CustomStringConvertible, Sendable {
        let description: String
        let step: PathTrail.Step
        let reason: PathRefusal.Reason?

        init(_ description: String, _ step: PathTrail.Step, _ reason: PathRefusal.Reason? = nil) {
            self.description = description
            self.step = step
            self.reason = reason
        }
    }

    private static let passed: [Row] = [
        Row("root's directory", .passed(fact(0, 0, 0o755), holds: 1000)),
        Row("joe's directory", .passed(fact(1000, 1000, 0o755), holds: 1001)),
        Row("joe's own group may write", .passed(fact(1000, 1000, 0o775), holds: 1000)),
        Row("root's group may write", .passed(fact(0, 0, 0o775), holds: 1000)),
        Row("joe's group may write to root's", .passed(fact(0, 1000, 0o775), holds: 1000)),
        Row("a home of another user", .passed(fact(1001, 1001, 0o755), holds: 1000), .otherOwner),
        Row("/tmp, and what is joe's in it", .passed(fact(0, 0, 0o1777), holds: 1000)),
        Row("/tmp, and what is root's in it", .passed(fact(0, 0, 0o1777), holds: 0)),
        Row("/tmp, and what is mary's in it", .passed(fact(0, 0, 0o1777), holds: 1001), .everybodyMayWrite),
        Row("/tmp without the bit", .passed(fact(0, 0, 0o777), holds: 1000), .everybodyMayWrite),
        Row("mary's sticky directory", .passed(fact(1001, 1001, 0o1777), holds: 1000), .otherOwner),
        Row("a sticky directory of a group", .passed(fact(0, 50, 0o1775), holds: 1000)),
        Row(
            "setgid of a deploy group",
            .passed(fact(1000, 50, 0o2775), holds: 1000),
            .groupMayWrite(50, byList: false)
        ),
        Row("a uid without account", .passed(fact(7999, 7999, 0o755), holds: 1000), .otherOwner),
    ]
    private static let entered: [Row] = [
        Row("joe's app", .entered(fact(1000, 1000, 0o755))),
        Row("root's app", .entered(fact(0, 0, 0o755))),
        Row("sticky is no excuse where code lies", .entered(fact(0, 0, 0o1777)), .everybodyMayWrite),
        Row("nor for a group", .entered(fact(0, 50, 0o1775)), .groupMayWrite(50, byList: false)),
        Row("mary's app", .entered(fact(1001, 1001, 0o755)), .otherOwner),
        Row("mary's open to all", .entered(fact(1001, 1001, 0o777)), .everybodyMayWrite),
    ]
    private static let links: [Row] = [
        Row("root's link", .link(fact(0, 0, 0o777), target: "x", leadsTo: 1001)),
        Row("joe's link", .link(fact(1000, 50, 0o777), target: "x", leadsTo: 1001)),
        Row("mary's link", .link(fact(1001, 1001, 0o777), target: "x", leadsTo: 1000), .foreignLink(target: "x")),
    ]
    private static let lists: [Row] = [
        Row("a list that lets joe write", .entered(fact(0, 50, 0o775, list(.init(.user(1000), mayWrite: true))))),
        Row(
            "a list that lets mary write",
            .entered(fact(1000, 1000, 0o775, list(.init(.user(1001), mayWrite: true)))),
            .userMayWrite(1001)
        ),
        Row("one that lets mary read", .entered(fact(1000, 1000, 0o775, list(.init(.user(1001), mayWrite: false))))),
        Row(
            "a mask that takes it away",
            .entered(
                fact(
                    1000,
                    1000,
                    0o755,
                    AccessList([.init(.user(1001), mayWrite: true), .init(.mask, mayWrite: false)])
                )
            )
        ),
        Row(
            "a list for a group",
            .entered(fact(1000, 1000, 0o775, list(.init(.group(50), mayWrite: true)))),
            .groupMayWrite(50, byList: true)
        ),
        Row(
            "the owning group by its list",
            .entered(fact(1000, 50, 0o775, list(.init(.owningGroup, mayWrite: true)))),
            .groupMayWrite(50, byList: true)
        ),
        Row(
            "a list in a sticky directory above",
            .passed(fact(0, 0, 0o1775, list(.init(.user(1001), mayWrite: true))), holds: 1000)
        ),
    ]

    @Test(arguments: passed + entered + links + lists)
    func `each place is safe or has its reason`(_ row: Row) {
        let found = Self.joe.refusals(of: PathTrail([.init("/x", row.step)]))
        #expect(found.map(\.reason) == [row.reason].compactMap(\.self))
        #expect(Self.joe.isSafe(PathTrail([.init("/x", row.step)])) == (row.reason == nil))
    }

    @Test func `those who are trusted count as owners, with their groups`() {
        let policy = Self.joe.adding(owners: [Self.deploy], groups: [50])
        let trail = PathTrail([
            .init("/srv", .passed(Self.fact(Self.deploy, 50, 0o2775), holds: Self.deploy)),
            .init("/srv/current", .link(Self.fact(Self.deploy, 50, 0o777), target: "r", leadsTo: 1000)),
        ])
        #expect(policy.isSafe(trail))
        #expect(Self.joe.refusals(of: trail).map(\.path) == ["/srv", "/srv/current"])
        #expect(PathPolicy.rootOnly.refusals(of: trail).count == 2)
    }

    @Test(
        arguments: [
            ("/", 0, 0o777), ("/tmp", 0, 0o1777), ("/var/log", 0, 0o777), ("/srv", 1001, 0o755),
            ("/root/", 1001, 0o755),
            ("/srv/drop", 0, 0o1777), ("/home/mary", 1001, 0o755), ("/usr/local", 0, 0o2775),
        ] as [(String, UInt32, UInt32)]
    )
    func `what others rely on is left as it is`(path: String, owner: UInt32, mode: UInt32) throws {
        let names = PathNames(user: { "uid \($0)" }, group: { _ in nil })
        let trail = PathTrail([.init(path, .entered(Self.fact(owner, 50, mode)))])
        let refusal = try #require(Self.joe.refusals(of: trail).first)
        #expect(refusal.closingCommand(names) == nil && refusal.givingCommand(to: "joe") == nil)
        #expect(
            refusal.remedies(givingTo: 1000, names) == [
                Remedy("Leave \(path) as it is, since others rely on that, and keep what lies below it elsewhere.")
            ]
        )
    }

    @Test func `commands of root's are given only for places that nobody else can turn`() throws {
        let names = PathNames(user: { [0: "root", 1000: "joe", 1001: "mary"][$0] ?? "uid \($0)" }, group: { _ in nil })
        let open = Self.fact(1000, 1000, 0o777)
        let trail = PathTrail([
            .init("/srv", .passed(Self.fact(0, 0, 0o755), holds: 1000)),
            .init("/srv/a", .passed(open, holds: 1000)),
            .init("/srv/a/b", .entered(open)),
            .init("/srv/a/b/c", .entered(Self.fact(1001, 1001, 0o755))),
        ])
        let found = Self.joe.refusals(of: trail)
        #expect(
            found.map { $0.closingCommand(names)?.text } == [
                "chmod o-w /srv/a", "runuser -u joe -- chmod o-w /srv/a/b", nil,
            ]
        )
        let last = try #require(found.last)
        #expect(last.givingCommand(to: "joe") == nil)
        let first = Self.joe.refusals(of: PathTrail([.init("/srv/d", .entered(Self.fact(1001, 1001, 0o755)))]))
        #expect(first.first?.givingCommand(to: "joe")?.text == "chown joe /srv/d")
        #expect(last.sentence(names) == "/srv/a/b/c (owner mary, mode 0755) belongs neither to joe nor to root")
    }

    @Test(arguments: [
        (UInt32(0), UInt32(1001), true), (1000, 1000, true), (1000, 1001, false), (1000, 1002, true),
        (1001, 1002, false),
        (1001, 0, false),
    ])
    func `a link of a document root is followed by these rules`(_ owner: UInt32, _ leadsTo: UInt32, _ isFollowed: Bool)
    {
        let policy = LinkPolicy(rootOwner: 1000, appUser: 1002)
        let trail = PathTrail([.init("/p", .link(Self.fact(owner, 0, 0o777), target: "x", leadsTo: leadsTo))])
        #expect((policy.refusal(of: trail) == nil) == isFollowed)
        let plain = LinkPolicy(rootOwner: 1000, appUser: nil)
        #expect((plain.refusal(of: trail) == nil) == (owner == 0 || owner == leadsTo))
    }
}

@Suite struct AccessListTests {
    private static func entry(_ tag: UInt8, _ permissions: UInt8, _ id: UInt8 = 255) -> [UInt8] {
        [tag, 0, permissions, 0] + (id == 255 ? [255, 255, 255, 255] : [id, 1, 0, 0])
    }

    @Test func `a list is read as the kernel stores it`() {
        let bytes =
            [2, 0, 0, 0] + Self.entry(1, 7) + Self.entry(2, 6, 7) + Self.entry(4, 5) + Self.entry(8, 2, 9)
            + Self.entry(16, 7) + Self.entry(32, 0)
        #expect(
            AccessList(bytes: bytes)
                == AccessList([
                    .init(.owner, mayWrite: true), .init(.user(263), mayWrite: true),
                    .init(.owningGroup, mayWrite: false),
                    .init(.group(265), mayWrite: true), .init(.mask, mayWrite: true), .init(.others, mayWrite: false),
                ])
        )
    }

    @Test func `what is no list is none`() {
        #expect(AccessList(bytes: []) == nil)
        #expect(AccessList(bytes: [2, 0, 0]) == nil)
        #expect(AccessList(bytes: [3, 0, 0, 0]) == nil)
        #expect(AccessList(bytes: [2, 0, 0, 0, 1]) == nil)
        #expect(AccessList(bytes: [2, 0, 0, 0] + Self.entry(64, 7)) == nil)
        #expect(AccessList(bytes: [2, 0, 0, 0])?.entries == [])
    }
}
