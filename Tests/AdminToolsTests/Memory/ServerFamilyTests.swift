// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import AdminTools

@Suite struct ServerFamilyTests {
    static func process(_ pid: Int32, _ command: String, parent: Int32 = 1, uid: UInt32 = 0) -> ServerProcess {
        ServerProcess(pid: pid, parent: parent, uid: uid, command: command, virtualBytes: 100 << 20)
    }

    @Test func `a family is its masters and what they started`() {
        let processes = [
            Self.process(30, "nginx", parent: 20, uid: 33), Self.process(20, "nginx"), Self.process(21, "front-proxy"),
            Self.process(31, "front-proxy", parent: 21, uid: 99), Self.process(32, "sh", parent: 21),
            Self.process(33, "front-proxy", parent: 32, uid: 99), Self.process(22, "httpd"),
            Self.process(23, "apache2", parent: 22, uid: 33),
        ]
        let members = ServerFamily.allCases.map { $0.members(of: processes, trusting: [0]).map(\.pid) }
        #expect(members == [[21, 31], [22, 23], [20, 30]])
    }

    @Test func `somebody's process that calls itself so is no member`() {
        let processes = [Self.process(20, "nginx", uid: 1001), Self.process(21, "nginx", parent: 20, uid: 1002)]
        #expect(ServerFamily.nginx.members(of: processes, trusting: [0]).isEmpty)
        #expect(ServerFamily.nginx.members(of: processes, trusting: [0, 1001]).map(\.pid) == [20, 21])
    }

    @Test func `this process is among those of the machine`() throws {
        let own = try #require(ServerProcess.all().first { $0.pid == CurrentProcess.pid })
        #expect(own.parent == CurrentProcess.parentPID && own.uid == CurrentProcess.effectiveUID)
        #expect(own.virtualBytes > 1 << 20)
    }
}
