// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct NicenessTests {
    @Test func `to try it leaves this process as it is`() {
        let before = Niceness.own
        let first = Niceness.mayBeLowered()
        #expect(Niceness.mayBeLowered() == first)
        #expect(Niceness.own == before)
        #expect(Autogroup.niceness(of: CurrentProcess.pid) != Niceness.least)
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "needs CAP_SYS_ADMIN"))
    func `a process in no session that can be set may still set those of others`() throws {
        // On most machines that holds for the first one; where there are no sessions, nothing can be set.
        guard Files.exists("/proc/1/autogroup"), Autogroup.niceness(of: 1) == nil else { return }
        #expect(throws: SystemError.self) { try Autogroup.set(0, of: 1) }
        #expect(Autogroup.mayBeSet(trying: 1))
    }

    @Test func `a line of a session is read, anything else is none`() {
        #expect(Autogroup.niceness(in: "/autogroup-25 nice 0\n") == 0)
        #expect(Autogroup.niceness(in: "/autogroup-25 nice -11\n") == -11)
        for line in ["", "/autogroup-25", "/autogroup-25 nice", "/autogroup-25 nice x\n", "/ a 3 4\n"] {
            #expect(Autogroup.niceness(in: line) == nil, "\(line)")
        }
    }

    @Test(.enabled(if: Niceness.mayBeLowered(), "needs CAP_SYS_NICE"))
    func `a whole process group gets back what it had`() throws {
        var plan = LaunchPlan(program: .path("/bin/sh"), arguments: ["sh", "-c", "sleep 1000 & sleep 1000 & wait"])
        plan.niceness = 12
        plan.environment = [("PATH", "/usr/bin:/bin")]
        let process = try TestProgram.launcher.launch(plan)
        defer {
            _ = try? ProcessGroup.signal(process.pid, .kill)
            _ = try? process.handle.waitForExit()
        }
        var members: [Int32] = []
        while members.count < 3 { members = ProcInfo.all().filter { ProcInfo(pid: $0)?.processGroup == process.pid } }
        #expect(members.allSatisfy { Self.niceness($0) == "12" })
        #expect(try ProcessGroup.setNiceness(3, of: process.pid))
        #expect(members.allSatisfy { Self.niceness($0) == "3" })
    }

    @Test func `groups that would mean others are refused, and one that is gone is none`() throws {
        for group: Int32 in [-1, 0, 1] {
            #expect(throws: SystemError.self) { try ProcessGroup.setNiceness(0, of: group) }
        }
        #expect(try !ProcessGroup.setNiceness(19, of: Int32.max))
    }

    /// Field 19 of proc(5); the command of these has no spaces.
    private static func niceness(_ pid: Int32) -> String? {
        guard let bytes = try? Files.read("/proc/\(pid)/stat") else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst(18).first.map(String.init)
    }
}
