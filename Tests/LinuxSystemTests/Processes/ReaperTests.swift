// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

/// One after the other: each would collect what another one waits for.
@Suite(.serialized)
struct ReaperTests {
    @Test func `an orphan is collected, a launched child is left to its owner`() throws {
        try CurrentProcess.becomeSubreaper()
        // The shell ends at once and leaves a grandchild, which so becomes a child of this process; it ends when its
        // standard input does.
        var input = try SocketPair.make()
        var plan = TestProgram("/bin/sh", ["-c", "(exec cat) <&3 3<&- & echo $!"]).plan()
        var output = try Pipe.make()
        let reader = try owned(output.takeReadEnd())
        plan.descriptors = [.init(source: output.writeEnd, target: 1), .init(source: input.secondEnd, target: 3)]
        let shell = try TestProgram.launcher.launch(plan)
        try close(output.takeWriteEnd())
        try close(input.takeSecond())
        let line = try reader.readSome(limit: 16).text
        let orphan = try #require(Int32(line.split(separator: "\n").first ?? ""))
        #expect(try shell.handle.hasEnded(within: .seconds(20)))
        let watched = try ProcessHandle(pid: orphan)
        try close(input.takeFirst())
        #expect(try watched.hasEnded(within: .seconds(20)))
        // The shell's zombie is in front of the orphan's.
        let reaped = Reaper.collectAdopted()
        #expect(reaped.contains(.init(pid: orphan, status: .exited(0))))
        #expect(!reaped.contains { $0.pid == shell.pid })
        #expect(try shell.handle.collect() == .exited(0))
    }

    @Test func `a second handle of a launched process does not give it away`() throws {
        let process = try TestProgram("/bin/true").launch()
        do {
            let second = try ProcessHandle(pid: process.pid)
            #expect(try second.hasEnded(within: .seconds(20)))
        }
        #expect(!Reaper.collectAdopted().contains { $0.pid == process.pid })
        #expect(try process.handle.collect() == .exited(0))
    }

    @Test func `a launched process that nobody waits for is collected`() throws {
        let pid = try launchAndForget()
        let watched = try ProcessHandle(pid: pid)
        #expect(try watched.hasEnded(within: .seconds(20)))
        #expect(Reaper.collectAdopted().contains { $0.pid == pid })
    }

    private func launchAndForget() throws -> Int32 { try TestProgram("/bin/true").launch().pid }
}
