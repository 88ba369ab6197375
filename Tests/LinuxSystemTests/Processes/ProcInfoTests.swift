// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct ProcInfoTests {
    @Test func `facts about this process`() throws {
        let info = try #require(ProcInfo(pid: CurrentProcess.pid))
        #expect(info.parent == CurrentProcess.parentPID)
        #expect(info.startTime > 0)
        #expect(info.residentBytes > 1 << 20)
        #expect(!info.isZombie)
        #expect(info.threads == CurrentProcess.threadCount || info.threads > 0)
        #expect(ProcInfo.uid(of: CurrentProcess.pid) == CurrentProcess.effectiveUID)
        #expect(ProcInfo.arguments(of: CurrentProcess.pid) == CurrentProcess.arguments)
        #expect(info.virtualBytes > info.residentBytes)
        #expect(ProcInfo.all().contains(CurrentProcess.pid))
    }

    @Test func `a process that does not exist`() {
        #expect(ProcInfo(pid: 0x7FFF_FFFF) == nil)
        #expect(ProcInfo.uid(of: 0x7FFF_FFFF) == nil)
        #expect(ProcInfo.children(of: 0x7FFF_FFFF).isEmpty)
    }

    @Test func `a command name may hold parentheses and spaces`() throws {
        let fields = (1...40).map(String.init).joined(separator: " ")
        let info = try #require(ProcInfo(pid: 7, stat: "7 (a) (b c) R \(fields)\n"))
        #expect(info.command == "a) (b c")
        #expect(info.state == "R")
        #expect(info.parent == 1)
        #expect(info.processGroup == 2)
        #expect(info.session == 3)
        #expect(info.cpuTicks == 11 + 12)
        #expect(info.threads == 17)
        #expect(info.startTime == 19)
    }

    /// State, flags of the kernel, whether it is ending.
    @Test(arguments: [("S", 0x0040_0000, false), ("D", 0x0040_000C, true), ("R", 0x4, true), ("Z", 0, true)])
    func `a process is ending as soon as the kernel says so`(_ state: String, _ flags: Int, _ isEnding: Bool) throws {
        let rest = String(repeating: " 0", count: 40)
        let info = try #require(ProcInfo(pid: 7, stat: "7 (a) \(state) 1 2 3 0 -1 \(flags)\(rest)"))
        #expect(info.isEnding == isEnding)
    }

    /// State, threads, whether it is a zombie.
    @Test(arguments: [("Z", 1, true), ("Z", 2, false), ("Z", 0, true), ("X", 0, true), ("S", 1, false)])
    func `a process whose first thread alone has ended is no zombie`(state: String, threads: Int, isZombie: Bool) throws
    {
        let fields = (1...40).map { $0 == 17 ? "\(threads)" : "\($0)" }.joined(separator: " ")
        let info = try #require(ProcInfo(pid: 7, stat: "7 (a) \(state) \(fields)\n"))
        #expect(info.isZombie == isZombie)
    }

    @Test func `numbers that no kernel writes end at the largest one`() throws {
        let huge = String(repeating: " \(UInt64.max)", count: 40)
        let info = try #require(ProcInfo(pid: 7, stat: "7 (a) R\(huge)\n"))
        #expect(info.cpuTicks == .max && info.residentBytes == .max)
        #expect(ProcInfo.kilobyteFields("Swap: \(UInt64.max) kB\n") == ["Swap": .max])
    }

    @Test(arguments: ["\u{301}", "a\u{301}", ")\u{301}(", "\r", ""])
    func `no command name hides a process`(name: String) throws {
        let fields = (1...40).map(String.init).joined(separator: " ")
        let info = try #require(ProcInfo(pid: 7, stat: "7 (\(name)) R \(fields)\n"))
        #expect(info.command.utf8.elementsEqual(name.utf8))
        #expect(info.processGroup == 2)
    }

    @Test(arguments: ["", "7", "7 (x", "7 (x) R 1 2", ") ("])
    func `a broken line is no process`(line: String) {
        #expect(ProcInfo(pid: 7, stat: line) == nil)
    }

    @Test func `memory fields are bytes`() {
        let text = "55 rw-p [rollup]\nRss:      12 kB\nPrivate_Dirty:  3 kB\nName: x\n"
        #expect(ProcInfo.kilobyteFields(text) == ["Rss": 12 * 1_024, "Private_Dirty": 3 * 1_024])
    }
}
