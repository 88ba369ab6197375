// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct LaunchPlanTests {
    private let minimal = LaunchPlan(program: .path("true"), arguments: ["true"])

    @Test func `a plan is fields that each end with a zero byte`() throws {
        var plan = minimal
        plan.newSession = false
        #expect(
            try #require(plan.encoded()).text
                == "flying-passenger-exec 5\0argument\0true\0program\0true\0end\0"
        )
    }

    @Test func `every part of a plan has its fields`() throws {
        var plan = minimal
        plan.program = .open(9)
        plan.environment = [("A", "1"), ("B", "x=y")]
        plan.setsListenPID = true
        plan.identity = .init(uid: 5, gid: 60, groups: [60, 61])
        plan.descriptors = [.init(source: 7, target: 0)]
        plan.limits = [.openFiles: .init(soft: 10, hard: 20)]
        plan.umask = 0o22
        plan.noNewPrivileges = true
        plan.niceness = 10
        plan.autogroupNiceness = 11
        plan.oomScoreAdjustment = 0
        let file = LaunchPlan.StartupFile(path: "config.ru", device: 1, inode: 2, owner: 5)
        plan.workingDirectory = .examined(
            .init(descriptor: 8, walk: "/app", expectedOwner: 5, startupFile: file)
        )
        let fields = ProcInfo.nulSeparated(try #require(plan.encoded())).joined(separator: " ")
        #expect(
            fields == """
                flying-passenger-exec 5 session descriptor 7 0 niceness 10 autogroup 11 oom-score 0 limit 7 10 20 nofile umask 18 \
                identity 5 60 group 60 group 61 no-new-privileges examined-directory 8 /app directory-owner 5 \
                startup-file config.ru 1 2 5 argument true variable A=1 variable B=x=y listen-pid open-program 9 end
                """
        )
        #expect(plan.inheritedDescriptors == [7, 8, 9])
    }

    @Test func `a zero byte cannot smuggle fields in`() {
        var plan = minimal
        plan.environment = [("A", "1\0identity\00\00")]
        #expect(plan.encoded() == nil)
        plan = minimal
        plan.arguments = ["true", "a\0b"]
        #expect(plan.encoded() == nil)
    }

    @Test func `a plan that is too long is not sent`() {
        var plan = minimal
        plan.arguments = [String(repeating: "x", count: LaunchPlan.maxEncodedBytes)]
        #expect(plan.encoded() == nil)
    }
}
