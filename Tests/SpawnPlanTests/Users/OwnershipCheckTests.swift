// SPDX-License-Identifier: MIT

import AppSettings
import SpawnPlan
import Testing

@Suite struct OwnershipCheckTests {
    private let users = InMemoryUsers()

    private func files(_ uid: UInt32, _ gid: UInt32, _ mode: UInt32) -> InMemoryFiles {
        InMemoryFiles(root: FileFact(kind: .directory, uid: uid, gid: gid, mode: mode))
    }

    private func app(_ file: String? = "config.ru", owner: UInt32 = 1000) -> DetectedApp {
        DetectedApp(type: .rack, startupFile: file, fact: FileFact(kind: .file, uid: owner, gid: 100, mode: 0o644))
    }

    @Test(arguments: [
        (UInt32(1000), UInt32(100), UInt32(0o755)),
        (0, 0, 0o755),
        (1000, 100, 0o775),  // the owner's own group may write
        (0, 0, 0o775),  // root's group may as well
    ])
    func `directories that only the owner or root decide about pass`(uid: UInt32, gid: UInt32, mode: UInt32) throws {
        #expect(try OwnershipCheck.strict.check(app(), in: files(uid, gid, mode), accounts: users).isEmpty)
    }

    @Test(arguments: [
        (UInt32(1001), UInt32(101), UInt32(0o755), OwnershipCheck.Finding.Reason.otherOwner(expected: 1000), true),
        (1000, 200, 0o775, .groupMayWrite, true),
        (1000, 100, 0o757, .everybodyMayWrite, false),
        (0, 0, 0o1777, .everybodyMayWrite, false),
    ])
    func `others who may write are found`(
        uid: UInt32,
        gid: UInt32,
        mode: UInt32,
        reason: OwnershipCheck.Finding.Reason,
        isTolerated: Bool
    ) throws {
        let files = files(uid, gid, mode)
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(app(), in: files, accounts: users)
        }
        #expect(finding?.reason == reason)
        if isTolerated {
            #expect(try OwnershipCheck.warn.check(app(), in: files, accounts: users).map(\.reason) == [reason])
        } else {
            #expect(throws: OwnershipCheck.Finding.self) {
                try OwnershipCheck.warn.check(app(), in: files, accounts: users)
            }
        }
    }

    @Test func `each directory on the way to the startup file counts`() throws {
        var files = files(1000, 100, 0o755)
        files.facts[.below("config")] = FileFact(kind: .directory, uid: 1001, gid: 101, mode: 0o755)
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(app("config/environment.rb"), in: files, accounts: users)
        }
        #expect(finding?.path == .below("config"))
        files.facts[.below("config")] = FileFact(kind: .link, uid: 1000, gid: 100, mode: 0o777)
        #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.warn.check(app("config/environment.rb"), in: files, accounts: users)
        }
    }

    @Test func `the finding says who owns what and how to put it right`() {
        let files = files(1001, 101, 0o755)
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(app(), in: files, accounts: users)
        }
        #expect(
            finding?.summary(app: app(), names: users.displayName)
                == "the app root (owner mary, mode 0755) belongs neither to joe nor to root, "
                + "and the app's user is to come from the owner of config.ru, joe"
        )
        #expect(
            finding?.remedies(appRoot: "/webapps/foo", app: app(), names: users.displayName) == [
                "If it is to run as mary, type: chown -h mary /webapps/foo/config.ru",
                "If it is to run as joe, type: chown joe /webapps/foo",
                "Or set passenger_user in the front's configuration.",
            ]
        )
    }

    /// The usual reason for `nobody`: somebody edited the file as root.
    @Test func `a file of root's in somebody's directory is to be given to them, never the directory to root`() {
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(app(owner: 0), in: files(1001, 101, 0o755), accounts: users)
        }
        #expect(
            finding?.remedies(appRoot: "/webapps/foo", app: app(owner: 0), names: users.displayName) == [
                "If it is to run as mary, type: chown -h mary /webapps/foo/config.ru",
                "Or set passenger_user in the front's configuration.",
            ]
        )
    }

    /// chown of a hard link to /etc/shadow would give that away.
    @Test func `nobody is told to change the owner of a file that has other names`() throws {
        let linked = DetectedApp(
            type: .rack,
            startupFile: "config.ru",
            fact: FileFact(kind: .file, uid: 0, gid: 0, mode: 0o644, names: 2)
        )
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(linked, in: files(1001, 101, 0o755), accounts: users)
        }
        let remedies = try #require(finding).remedies(appRoot: "/webapps/foo", app: linked, names: users.displayName)
        #expect(remedies.count == 2 && remedies[0].contains("hard link"), "\(remedies)")
        #expect(!remedies.contains { $0.contains("chown") })
    }

    @Test func `a directory of a uid without account is named by its number`() {
        let finding = #expect(throws: OwnershipCheck.Finding.self) {
            try OwnershipCheck.strict.check(app(), in: files(4242, 4242, 0o755), accounts: users)
        }
        let remedies = finding?.remedies(appRoot: "/webapps/foo", app: app(), names: users.displayName)
        #expect(remedies?.first == "If it is to run as uid 4242, type: chown -h 4242 /webapps/foo/config.ru")
    }
}
