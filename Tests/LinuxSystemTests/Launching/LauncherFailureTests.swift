// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct LauncherFailureTests {
    private func failure(
        _ program: TestProgram = TestProgram("/bin/true"),
        as user: UserAccount? = nil,
        timeLimit: Duration = .seconds(20),
        _ change: (inout LaunchPlan) -> Void = { _ in }
    ) throws -> LaunchFailure {
        var plan = program.plan(as: user)
        change(&plan)
        let failure = try #require(
            throws: LaunchFailure.self
        ) { try TestProgram.launcher.launch(plan, timeLimit: timeLimit) }
        #expect(try noHelperIsLeft())
        return failure
    }

    /// Zombies of other tests' helpers are there for a moment; one that is left over stays.
    private func noHelperIsLeft() throws -> Bool {
        for _ in 0..<5_000 {
            let zombies = ProcInfo.children().compactMap { ProcInfo(pid: $0) }
                .filter { $0.isZombie && $0.command == "flying-passenge" }
            if zombies.isEmpty { return true }
            _ = try Poll.wait([], timeout: .milliseconds(1))
        }
        return false
    }

    @Test func `a missing program is named`() throws {
        #expect(
            try failure(TestProgram("/no/such/program"))
                == LaunchFailure(step: .program, code: 2, subject: "/no/such/program")
        )
        #expect(
            try failure(TestProgram("no-such-program"))
                == LaunchFailure(step: .program, code: 2, subject: "no-such-program")
        )
    }

    @Test func `a file that is not executable is named`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("", to: "x", mode: 0o644)
        #expect(try failure(TestProgram(path)) == LaunchFailure(step: .program, code: 13, subject: path))
    }

    @Test func `a script whose interpreter is missing names the interpreter`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("#! /no/such/ruby -w\n", to: "script", mode: 0o755)
        #expect(
            try failure(TestProgram(path))
                == LaunchFailure(step: .interpreter, code: 2, subject: "/no/such/ruby", detail: path)
        )
    }

    @Test func `a link that leads nowhere is told with its target`() throws {
        let scratch = try Scratch()
        try Files.makeLink(at: scratch.file("python"), to: "gone/python3")
        #expect(
            try failure(TestProgram(scratch.file("python")))
                == LaunchFailure(
                    step: .program,
                    code: 2,
                    subject: scratch.file("python"),
                    detail: scratch.file("gone")
                )
        )
    }

    @Test func `a directory, a text and a program for another system are told apart`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("directory"))
        #expect(try failure(TestProgram(scratch.file("directory"))).isDirectory)
        let text = try scratch.write("just text\n", to: "text", mode: 0o755)
        #expect(try failure(TestProgram(text)).isWrongFormat)
        // What the kernel looks for at the end of an ELF header: a program loader that is not there.
        var bytes = try Files.read("/bin/true")
        let loader = Array("/lib64/ld-linux".utf8)
        let place = try #require(
            bytes.indices.first { Array(bytes[$0...].prefix(loader.count)) == loader }
        )
        bytes[place + 1] = UInt8(ascii: "X")
        try Files.write(bytes, to: scratch.file("foreign"), mode: 0o755)
        #expect(try failure(TestProgram(scratch.file("foreign"))).detail == "no-loader")
    }

    @Test func `the first missing directory is named`() throws {
        let scratch = try Scratch()
        let path = scratch.file("not/here")
        #expect(
            try failure { $0.workingDirectory = .path(path) }
                == LaunchFailure(step: .enterDirectory, code: 2, subject: scratch.file("not"))
        )
    }

    @Test func `a descriptor that is not open is named`() throws {
        let result = try failure { $0.descriptors = [.init(source: 19_999, target: 3)] }
        // posix_spawn already fails to keep it open for the helper.
        #expect(result.step == .helper)
        #expect(result.code == 9)
    }

    @Test func `root is never the user of a program`() throws {
        let result = try failure { $0.identity = .init(uid: 0, gid: 0, groups: []) }
        #expect(result == LaunchFailure(step: .user, code: 1, subject: "0"))
    }

    @Test func `a limit that cannot be set is named`() throws {
        let result = try failure { $0.limits = [.openFiles: .init(soft: 20, hard: 10)] }
        #expect(result == LaunchFailure(step: .limits, code: 22, subject: "nofile"))
    }

    @Test func `a missing helper is named`() throws {
        let failure = #expect(throws: LaunchFailure.self) {
            try Launcher(helperPath: "/no/such/helper").launch(TestProgram("/bin/true").plan())
        }
        #expect(failure == LaunchFailure(step: .helper, code: 2, subject: "/no/such/helper"))
    }

    @Test func `a helper that dies without a word is a failure with its end`() throws {
        let failure = try #require(throws: LaunchFailure.self) {
            try Launcher(helperPath: "/bin/false").launch(TestProgram("/bin/true").plan())
        }
        #expect(failure.step == .helper)
        #expect(failure.subject.hasSuffix("ended: exit code 1"))
    }

    @Test func `a helper that does not come to an end is killed in time`() throws {
        let scratch = try Scratch()
        _ = try TestProgram("/usr/bin/mkfifo", [scratch.file("fifo")]).run()
        // Opening a FIFO for reading waits for a writer, for ever.
        let script = "#!/bin/sh\nread line < \(scratch.file("fifo"))\n"
        let helper = try scratch.write(script, to: "helper", mode: 0o755)
        let failure = try #require(throws: LaunchFailure.self) {
            try Launcher(helperPath: helper).launch(
                TestProgram("/bin/true").plan(),
                timeLimit: .milliseconds(50)
            )
        }
        #expect(failure.step == .timeout)
    }
}
