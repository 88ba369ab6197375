// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import Testing

/// One after the other: each would collect what another one waits for.
@Suite(.serialized, .timeLimit(.minutes(1)))
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
        // The shell's zombie is in front of the orphan's, which so is not seen before.
        let calls = Mutex(0)
        // Other tests of this process may have children of theirs in between.
        var others: [Int32] = []
        let rest = Reaper.collectAdopted({ others.append($0.pid) }, whenFree: { calls.withLock { $0 += 1 } })
        #expect(rest == .behindAnother && !others.contains(orphan) && !others.contains(shell.pid))
        #expect(try shell.handle.collect() == .exited(0))
        while calls.withLock({ $0 }) == 0 {}
        var status: LinuxSystem.ExitStatus?
        while status == nil { status = try collected(orphan) }
        #expect(status == .exited(0))
    }

    @Test func `a turn takes no more than its share`() throws {
        try CurrentProcess.becomeSubreaper()
        // Five orphans, which end when the pipe does.
        var pipe = try Pipe.make()
        var output = try Pipe.make()
        let reader = try owned(output.takeReadEnd())
        var plan = TestProgram("/bin/sh", ["-c", "for i in 1 2 3 4 5; do (exec cat) <&3 >&3 & echo $!; done"]).plan()
        plan.descriptors = [.init(source: output.writeEnd, target: 1), .init(source: pipe.readEnd, target: 3)]
        let shell = try TestProgram.launcher.launch(plan)
        try close(output.takeWriteEnd())
        #expect(try shell.handle.waitForExit() == .exited(0))
        let orphans = try reader.readAll(limit: 4096).text.split(separator: "\n").compactMap { Int32($0) }
        // Other tests of this process may have children of theirs.
        #expect(orphans.count == 5 && Set(orphans).isSubset(of: Reaper.adopted()))
        #expect(!Reaper.adopted(except: { $0 == orphans[0] }).contains(orphans[0]))
        let handles = try orphans.map { try ProcessHandle(pid: $0) }
        try close(pipe.takeWriteEnd())
        for handle in handles { #expect(try handle.hasEnded(within: .seconds(20))) }
        var found: [Int32] = []
        for _ in 0..<1_000_000 where !Set(orphans).isSubset(of: found) {
            let before = found.count
            let rest = Reaper.collectAdopted(limit: 2) { found.append($0.pid) }
            #expect(found.count - before <= 2 && (rest == .more || found.count - before < 2))
        }
        #expect(Set(orphans).isSubset(of: found))
    }

    /// Collects until this process was among the collected.
    private func collected(_ pid: Int32) throws -> LinuxSystem.ExitStatus? {
        var found: LinuxSystem.ExitStatus?
        _ = Reaper.collectAdopted { if $0.pid == pid { found = $0.status } }
        return found
    }

    @Test func `a second handle of a launched process does not give it away`() throws {
        let process = try TestProgram("/bin/true").launch()
        do {
            let second = try ProcessHandle(pid: process.pid)
            #expect(try second.hasEnded(within: .seconds(20)))
        }
        #expect(try collected(process.pid) == nil)
        #expect(try process.handle.collect() == .exited(0))
    }

    @Test func `a launched process that nobody waits for is collected`() throws {
        let pid = try launchAndForget()
        let watched = try ProcessHandle(pid: pid)
        #expect(try watched.hasEnded(within: .seconds(20)))
        #expect(try collected(pid) == .exited(0))
    }

    private func launchAndForget() throws -> Int32 { try TestProgram("/bin/true").launch().pid }
}
