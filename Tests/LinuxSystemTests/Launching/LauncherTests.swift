// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct LauncherTests {
    @Test func `a program runs with its arguments and exactly its environment`() throws {
        let run = try TestProgram.shell("echo \"$0:$1\"; /usr/bin/env").run { plan in
            plan.arguments += ["zero", "one"]
            plan.environment = [("ONE", "1"), ("TWO", "a b")]
        }
        #expect(run.status == .exited(0))
        #expect(run.lines.first == "zero:one")
        // The shell itself adds PWD.
        #expect(run.lines.dropFirst().sorted() == ["ONE=1", "PWD=/", "TWO=a b"])
    }

    @Test func `the process has a session and group of its own`() throws {
        let run = try TestProgram.shell("cut -d' ' -f5,6 /proc/$$/stat").run()
        #expect(run.lines == ["\(run.pid) \(run.pid)"])
        let same = try TestProgram.shell("cut -d' ' -f6 /proc/$$/stat").run { $0.newSession = false }
        #expect(same.lines == ["\(ProcInfo(pid: CurrentProcess.pid)?.session ?? 0)"])
    }

    @Test func `a program has exactly the descriptors that were placed`() throws {
        let keep = try Pipe.make()
        let run = try TestProgram("/bin/ls", ["/proc/self/fd"]).run { plan in
            plan.descriptors = [
                .init(source: keep.readEnd, target: 0), .init(source: keep.writeEnd, target: 3),
                .init(source: keep.readEnd, target: 6),
            ]
        }
        // The next free number is the directory that ls itself reads.
        #expect(run.lines.sorted() == ["0", "1", "2", "3", "4", "6"])
    }

    @Test func `descriptors trade places`() throws {
        let scratch = try Scratch()
        let one = SharedDescriptor(try Files.openForReading(scratch.write("one", to: "1")))
        let two = SharedDescriptor(try Files.openForReading(scratch.write("two", to: "2")))
        let run = try TestProgram.shell("cat /proc/self/fd/\(one.rawValue) /proc/self/fd/\(two.rawValue)").run { plan in
            plan.descriptors = [
                .init(source: one.rawValue, target: two.rawValue), .init(source: two.rawValue, target: one.rawValue),
            ]
        }
        #expect(run.output == "twoone")
    }

    @Test func `targets may have the numbers that the launch itself uses`() throws {
        let null = SharedDescriptor(try Descriptor.null())
        let run = try TestProgram("/bin/ls", ["/proc/self/fd"]).run { plan in
            plan.descriptors = (3..<120).map { .init(source: null.rawValue, target: $0) }
        }
        #expect(run.lines.compactMap { Int($0) }.sorted() == Array(0...120))
    }

    @Test func `signals have their default effect, also those that the caller holds back`() throws {
        let run = try TestProgram("/bin/cat", ["/proc/self/status"]).run()
        let masks = run.lines.filter { line in ["SigBlk:", "SigIgn:", "SigCgt:"].contains { line.hasPrefix($0) } }
        #expect(masks.map { $0.dropFirst(7) } == ["\t0000000000000000", "\t0000000000000000", "\t0000000000000000"])
    }

    @Test func `umask, limits and the OOM score are set`() throws {
        let run = try TestProgram.shell("umask; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj").run { plan in
            plan.umask = 0o027
            plan.limits = [.openFiles: .init(soft: 123, hard: 456), .coreSize: .init(soft: 0, hard: 0)]
            plan.oomScoreAdjustment = 0
        }
        #expect(run.lines == ["0027", "123", "0", "0"])
    }

    @Test func `how much of the processors it gets is set for process and session`() throws {
        let run = try TestProgram.shell("nice; cat /proc/self/autogroup 2> /dev/null || echo nice 12").run { plan in
            plan.niceness = 11
            plan.autogroupNiceness = 12
        }
        #expect(run.lines.first == "11")
        // Without rights the kernel takes a few of them a second only, for all users together.
        if CurrentProcess.isRoot { #expect(run.lines.last?.hasSuffix("nice 12") == true, "\(run.lines)") }
    }

    @Test func `a session that is not its own keeps what it gets`() throws {
        let path = "/proc/self/autogroup"
        let before = try? Files.read(path)
        _ = try TestProgram.shell("true").run { plan in
            plan.newSession = false
            plan.autogroupNiceness = 12
        }
        #expect((try? Files.read(path)) == before)
    }

    @Test func `a program without a slash is looked up in its own PATH`() throws {
        let scratch = try Scratch()
        try scratch.write("#!/bin/sh\necho found", to: "own-tool", mode: 0o755)
        let run = try TestProgram("own-tool").run { plan in
            plan.environment = [("PATH", "/nonexistent:\(scratch.path):/bin")]
        }
        #expect(run.output == "found\n")
    }

    @Test func `LISTEN_PID is the process itself`() throws {
        let run = try TestProgram.shell("echo $LISTEN_PID $LISTEN_FDS $$").run { plan in
            plan.environment += [("LISTEN_PID", "0"), ("LISTEN_FDS", "1")]
            plan.setsListenPID = true
        }
        #expect(run.output == "\(run.pid) 1 \(run.pid)\n")
        let added = try TestProgram.shell("echo $LISTEN_PID").run { $0.setsListenPID = true }
        #expect(added.output == "\(added.pid)\n")
    }

    @Test func `an open program is executed`() throws {
        let scratch = try Scratch()
        try Files.write(try Files.read("/bin/echo"), to: scratch.file("echo"), mode: 0o755)
        let program = SharedDescriptor(try Files.openForReading(scratch.file("echo")))
        try Files.remove(scratch.file("echo"))
        let run = try TestProgram("echo", ["hello"]).run { $0.program = .open(program.rawValue) }
        #expect(run.output == "hello\n")
    }

    @Test func `no privileges are gained later when that is asked for`() throws {
        let run = try TestProgram("/bin/grep", ["NoNewPrivs", "/proc/self/status"]).run { $0.noNewPrivileges = true }
        #expect(run.output == "NoNewPrivs:\t1\n")
    }

    @Test func `many launches at once get only their own descriptors`() async throws {
        try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<24 {
                group.addTask { try TestProgram("/bin/ls", ["/proc/self/fd"]).run().lines }
            }
            for try await lines in group { #expect(lines.sorted() == ["0", "1", "2", "3"]) }
        }
    }

    @Test func `the helper is found beside a program, else in libexec`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("bin"))
        try Files.makeDirectories(scratch.file("libexec/flying-passenger"))
        let name = Launcher.helperName
        #expect(Launcher.findHelper(besideProgram: scratch.file("bin/daemon")) == scratch.file("bin/\(name)"))
        try scratch.write("", to: "libexec/flying-passenger/\(name)", mode: 0o755)
        #expect(
            Launcher.findHelper(besideProgram: scratch.file("bin/daemon"))
                == scratch.file("bin/../libexec/flying-passenger/\(name)")
        )
        try scratch.write("", to: "bin/\(name)", mode: 0o755)
        #expect(Launcher.findHelper(besideProgram: scratch.file("bin/daemon")) == scratch.file("bin/\(name)"))
    }
}
