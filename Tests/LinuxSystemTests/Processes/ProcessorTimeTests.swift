// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

@Suite struct ProcessorTimeTests {
    @Test func `time on a processor and time in the queue for one are told apart`() throws {
        let time = try #require(ProcessorTime("2000000000 71500000000 93\n"))
        #expect(time.used == .seconds(2) && time.waited == .milliseconds(71_500))
        #expect(ProcessorTime("0 98274 1")?.used == .zero)
    }

    @Test(arguments: ["", "0 0 0", "12", "x y z", "1 99999999999999999999 1"])
    func `nothing is made of what does not count`(text: String) {
        #expect(ProcessorTime(text) == nil)
    }

    /// The main thread of a virtual machine, which comes first, waits for another one.
    @Test func `the time of a process is that of the thread that wanted most`() throws {
        let time = try #require(
            ProcessorTime(threads: ["5 7 1\n", "", "4000000000 9000000000 8\n", "0 0 0\n", "10000000000 1 3\n"])
        )
        #expect(time.used == .seconds(4) && time.waited == .seconds(9))
        #expect(ProcessorTime(threads: ["0 0 0", ""]) == nil)
    }

    @Test func `a process that does not exist has none`() {
        #expect(ProcessorTime(pid: -1) == nil)
    }
}
