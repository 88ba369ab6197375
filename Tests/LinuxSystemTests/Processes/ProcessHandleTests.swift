// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct ProcessHandleTests {
    @Test func `the end of a process is readable, seen, and collected once`() throws {
        let process = try TestProgram("/bin/sh", ["-c", "exit 7"]).launch()
        #expect(try process.handle.hasEnded(within: .seconds(20)))
        #expect(try process.handle.peek() == .exited(7))
        #expect(try process.handle.collect() == .exited(7))
        let error = #expect(throws: SystemError.self) { try process.handle.collect() }
        #expect(error?.isNoChild == true)
        #expect(try process.handle.signal(.terminate) == false)
    }

    @Test func `a signal ends a process and is told`() throws {
        let process = try TestProgram("/bin/sleep", ["1000"]).launch()
        #expect(try process.handle.collect() == nil)
        #expect(try !process.handle.hasEnded())
        #expect(try process.handle.signal(.kill))
        #expect(try process.handle.waitForExit() == .signaled(9, coreDumped: false))
    }

    @Test func `a whole group is signalled`() throws {
        let process = try TestProgram("/bin/sh", ["-c", "sleep 1000 & wait"]).launch()
        #expect(ProcessGroup.exists(process.pid))
        #expect(try ProcessGroup.signal(process.pid, .kill))
        _ = try process.handle.waitForExit()
    }

    @Test(arguments: [Int32(-5), 0, 1])
    func `groups that mean others are refused`(group: Int32) {
        #expect(throws: SystemError.self) { try ProcessGroup.signal(group, .hangUp) }
        #expect(!ProcessGroup.exists(group))
    }

    @Test func `a process that is not there`() {
        let error = #expect(throws: SystemError.self) { _ = try ProcessHandle(pid: 0x3FFF_FFFF).pid }
        #expect(error?.isNoSuchProcess == true || error?.isInvalidArgument == true)
    }

    @Test func `a status reads as words`() {
        #expect(ExitStatus.exited(1).description == "exit code 1")
        #expect(ExitStatus.signaled(9, coreDumped: false).description == "signal SIGKILL")
        #expect(ExitStatus.signaled(11, coreDumped: true).description == "signal SIGSEGV (core dumped)")
    }
}
