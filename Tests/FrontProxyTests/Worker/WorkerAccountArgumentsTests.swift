// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import FrontProxy

@Suite struct WorkerAccountArgumentsTests {
    private static func account(_ identity: UserIdentity?) -> WorkerAccount {
        WorkerAccount(uid: 0, identity: identity, name: "somebody", warning: nil)
    }

    @Test(arguments: [
        UserIdentity(uid: 33, gid: 33, groups: []),
        UserIdentity(uid: 33, gid: 34, groups: [4]),
        UserIdentity(uid: .max, gid: .max, groups: [4, 33, .max]),
    ])
    func `a worker reads whom it is to become`(_ identity: UserIdentity) throws {
        #expect(try WorkerAccount.identity(inArguments: Self.account(identity).arguments) == identity)
    }

    @Test func `without rights to give up there is nothing to read`() throws {
        #expect(Self.account(nil).arguments.isEmpty)
        #expect(try WorkerAccount.identity(inArguments: []) == nil)
    }

    @Test(arguments: [
        "", "33", "33:33", "33:33:33:", "-1:33:", "33::33", "33:33:x", "33:33:4,x", "4294967296:33:", "٣:33:",
    ])
    func `anything else is refused`(_ text: String) {
        #expect(throws: WorkerStartError.self) { try WorkerAccount.identity(inArguments: [text]) }
    }

    @Test func `so are two`() {
        #expect(throws: WorkerStartError.self) { try WorkerAccount.identity(inArguments: ["33:33:", "33:33:"]) }
    }
}
