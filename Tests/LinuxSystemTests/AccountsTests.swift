// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct AccountsTests {
    @Test func `root is found by name and by number`() throws {
        let root = try #require(try Accounts.user(named: "root"))
        #expect(root.uid == 0)
        #expect(root.home == "/root")
        #expect(try Accounts.user(id: 0) == root)
        #expect(try Accounts.group(named: "root")?.gid == 0)
        #expect(try Accounts.group(id: 0)?.name == "root")
    }

    @Test func `an account that does not exist is no error`() throws {
        #expect(try Accounts.user(named: "no-such-user") == nil)
        #expect(try Accounts.user(id: 4_000_000_000) == nil)
        #expect(try Accounts.group(named: "no-such-group") == nil)
        #expect(try Accounts.group(id: 4_000_000_000) == nil)
    }

    @Test func `the primary group is among the groups of a user`() throws {
        let games = try #require(try Accounts.user(named: "games"))
        #expect(try Accounts.groups(of: games).contains(games.primaryGroup))
    }
}
