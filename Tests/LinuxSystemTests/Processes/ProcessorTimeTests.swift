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

    @Test func `a process that does not exist has none`() {
        #expect(ProcessorTime(pid: -1) == nil)
    }
}
