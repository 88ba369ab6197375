// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

/// Login shells and environment files, as the helper reads them.
struct LauncherEnvironmentTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Shells of this machine, and the profile file that each reads.
    private static let shells: [(path: String, profile: String)] = [
        ("/bin/bash", ".bash_profile"), ("/bin/dash", ".profile"), ("/bin/sh", ".profile"),
        ("/usr/bin/zsh", ".zprofile"), ("/usr/bin/ksh", ".profile"),
    ].filter { Files.isExecutable($0.path) }

    /// `env` with what the shell makes of a profile; the home directory is that of the test.
    private func plan(_ profile: String, shell: (path: String, profile: String) = shells[0]) throws -> LaunchPlan {
        try scratch.write(profile + "\n", to: shell.profile)
        var plan = TestProgram("/usr/bin/env", ["-0"]).plan()
        plan.environment = [("PATH", "/usr/bin:/bin"), ("HOME", scratch.path), ("OURS", "before")]
        plan.environmentChanges.loginShell = shell.path
        return plan
    }

    private func variables(_ plan: LaunchPlan) throws -> (environment: [String: String], output: String) {
        let run = try TestProgram.run(plan)
        #expect(run.status == .exited(0), "\(run.output)")
        // What a profile printed comes before the first variable, without a zero byte.
        var environment: [String: String] = [:]
        for entry in run.output.split(separator: "\0") {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { environment[String(parts[0])] = String(parts[1]) }
        }
        return (environment, run.output)
    }

    private func failure(_ plan: LaunchPlan) throws -> LaunchFailure {
        try #require(throws: LaunchFailure.self) { try TestProgram.run(plan) }
    }

    private func becomesTrue(_ condition: () -> Bool) throws -> Bool {
        for _ in 0..<1_000 {
            if condition() { return true }
            _ = try Poll.wait([], timeout: .milliseconds(10))
        }
        return false
    }

    // MARK: Login shells

    @Test(arguments: shells)
    func `a login shell changes the environment, and sees ours`(shell: (path: String, profile: String)) throws {
        var plan = try plan("export ADDED=\"$OURS and more\" OURS=changed; unset LANG", shell: shell)
        plan.environment.append(("LANG", "C.UTF-8"))
        plan.environmentChanges.changes = [.set(name: "AGAIN", value: "1")]
        let environment = try variables(plan).environment
        #expect(environment["ADDED"] == "before and more" && environment["OURS"] == "changed")
        #expect(environment["LANG"] == nil && environment["AGAIN"] == "1")
        for name in ["_", "SHLVL", "OLDPWD"] { #expect(environment[name] == nil) }
    }

    @Test(arguments: shells)
    func `what a profile prints goes where the program prints`(shell: (path: String, profile: String)) throws {
        let profile = "echo noise; echo error >&2; printf 'NOT=a variable\\0' ; export GOOD=1"
        let (environment, output) = try variables(plan(profile, shell: shell))
        #expect(environment["GOOD"] == "1" && output.hasPrefix("noise\nerror\nNOT=a variable\0"))
    }

    @Test func `a shell has nothing but its three descriptors, and reads nothing`() throws {
        let keep = SharedDescriptor(try Descriptor.null())
        var plan = try plan(
            "export OPEN=\"$(readlink /proc/$$/fd/* | tr '\\n' ' ')\"; read line; export READ=\"<$line>\""
        )
        plan.descriptors = [.init(source: keep.rawValue, target: 3), .init(source: keep.rawValue, target: 4)]
        let environment = try variables(plan).environment
        // Beside 0, 1, 2 there is the pipe for the answer, and what bash itself has open: the profile, another pipe.
        let open = try #require(environment["OPEN"]).split(separator: " ")
        #expect(open.count { $0 == "/dev/null" } == 1 && open.first == "/dev/null", "\(open)")
        #expect(environment["READ"] == "<>")
        // And the program has its own again.
        plan.program = .path("/bin/sh")
        plan.arguments = ["sh", "-c", "readlink /proc/$$/fd/3 /proc/$$/fd/4"]
        #expect(try TestProgram.run(plan).lines == ["/dev/null", "/dev/null"])
    }

    @Test(arguments: shells)
    func `a program that a profile leaves behind holds nothing up`(shell: (path: String, profile: String)) throws {
        // It keeps every descriptor it was given, that of the answer too.
        let plan = try plan("/bin/sleep 1000 <&0 & export LEFT=$!", shell: shell)
        let environment = try variables(withoutWaiting: plan)
        let left = try #require(environment["LEFT"].flatMap { Int32($0) })
        #expect(try becomesTrue { ProcInfo(pid: left)?.command == "sleep" })
        _ = try ProcessHandle(pid: left).signal(.kill)
    }

    /// The environment from the report, since the output does not end before whoever holds it.
    private func variables(withoutWaiting plan: LaunchPlan) throws -> [String: String] {
        var plan = plan
        plan.reportsEnvironment = true
        plan.program = .path("/bin/true")
        let launch = try TestProgram.launcher.begin(plan)
        var environment: [String: String] = [:]
        for record in try records(of: launch) {
            if case .variable(let name, let value) = record { environment[name] = value }
        }
        #expect(try launch.handle.waitForExit() == .exited(0))
        return environment
    }

    private func records(of launch: StartedLaunch) throws -> [LaunchRecord] {
        var reader = LaunchRecords()
        var records: [LaunchRecord] = []
        while try !Poll.wait(launch.report.rawValue, for: .readable, timeout: .seconds(20)).isEmpty {
            let bytes = try launch.report.descriptor.readSome(limit: 65_536)
            if bytes.isEmpty { return records }
            records += try reader.received(bytes)
        }
        throw NothingThere()
    }

    @Test(arguments: [
        ("exit 3", "exited 3"), ("exit 0", "nothing"), ("kill -KILL $$", "signaled 9"),
        ("exec /bin/true", "nothing"), ("exec /bin/false", "exited 1"),
        (
            "export BIG=\"$(head -c 100000 /dev/zero | tr '\\0' x)\" LARGE=\"$(head -c 100000 /dev/zero | tr '\\0' x)\"",
            "too-much"
        ),
    ])
    func `a shell that does not tell its environment is a failure that says how it ended`(
        profile: String,
        detail: String
    ) throws {
        #expect(
            try failure(plan(profile))
                == LaunchFailure(step: .loginShell, code: 0, subject: "/bin/bash", detail: detail)
        )
    }

    @Test func `a shell that is not there is named`() throws {
        let plan = try plan("", shell: ("/no/such/zsh", ".profile"))
        #expect(try failure(plan) == LaunchFailure(step: .loginShell, code: 2, subject: "/no/such/zsh"))
    }

    @Test func `a shell that hangs is in its step until it is killed, with all that it started`() throws {
        let seconds = "\(UInt32.random(in: 100_000...999_999))"
        let launch = try TestProgram.launcher.begin(try plan("sleep \(seconds)"))
        var reader = LaunchRecords()
        var steps: [String] = []
        while steps.last != "shell-environment" {
            #expect(try !Poll.wait(launch.report.rawValue, for: .readable, timeout: .seconds(20)).isEmpty)
            for record in try reader.received(launch.report.descriptor.readSome(limit: 65_536)) {
                if case .step(let name, _) = record { steps.append(name) }
            }
        }
        #expect(steps == ["switch-user", "working-directory", "shell-environment"])
        func sleeps() -> Bool { ProcInfo.all().contains { ProcInfo.arguments(of: $0) == ["sleep", seconds] } }
        #expect(try becomesTrue(sleeps))
        try ProcessGroup.signal(launch.pid, .kill)
        #expect(try launch.handle.waitForExit() == .signaled(9, coreDumped: false))
        #expect(try becomesTrue { !sleeps() })
    }

    // MARK: Layers

    @Test func `layers come in their order, and LISTEN_PID is ours`() throws {
        var plan = try plan("export A=shell B=shell C=shell D=shell LIST=/profile LISTEN_PID=1 GONE=1")
        plan.environmentChanges.changes = [
            .set(name: "B", value: "ours"), .set(name: "C", value: "ours"), .set(name: "D", value: "ours"),
            .append(name: "LIST", value: "/ours"), .append(name: "LIST", value: "/profile"),
            .append(name: "NEW", value: "/ours"), .unset(name: "GONE"), .unset(name: "NEVER"),
        ]
        plan.environmentChanges.file = try scratch.write("C=file\nD=file\n", to: "env")
        plan.environmentChanges.overrides = [.init(name: "D", value: "override")]
        plan.setsListenPID = true
        let environment = try variables(plan).environment
        #expect(environment["A"] == "shell" && environment["B"] == "ours" && environment["C"] == "file")
        #expect(environment["D"] == "override" && environment["LIST"] == "/profile:/ours")
        #expect(environment["NEW"] == "/ours" && environment["GONE"] == nil)
        #expect(environment["LISTEN_PID"] != "1" && environment["LISTEN_PID"] != nil)
    }

    @Test func `the search path of the result is where the program is looked for`() throws {
        try scratch.write("#!/bin/sh\necho found\n", to: "own-tool", mode: 0o755)
        var plan = try plan("export PATH=\(scratch.path):$PATH")
        (plan.program, plan.arguments) = (.path("own-tool"), ["own-tool"])
        #expect(try TestProgram.run(plan).output == "found\n")
    }

    @Test func `steps, limits and the final environment are reported, long values cut`() throws {
        var plan = TestProgram("/bin/true").plan()
        plan.environment = [("SHORT", "x=y"), ("LONG", String(repeating: "l", count: 100_000))]
        plan.environment += (0..<2_000).map { ("MANY\($0)", String(repeating: "m", count: 100)) }
        plan.reportsEnvironment = true
        plan.limits[.openFiles] = .init(soft: 100, hard: 200)
        // Nobody reads until it has ended: the report must not hold it up.
        let launch = try TestProgram.launcher.begin(plan)
        #expect(try launch.handle.waitForExit() == .exited(0))
        let records = try records(of: launch)
        #expect(records.contains(.variable(name: "SHORT", value: "x=y")))
        #expect(records.contains(.limit(name: "open files", .init(soft: 100, hard: 200))))
        let long = records.compactMap { if case .variable("LONG", let value) = $0 { value } else { nil } }
        #expect(long.count == 1 && long[0].hasSuffix(" [cut]") && long[0].utf8.count < 3_000)
        let moments = records.compactMap { if case .step(_, let moment) = $0 { moment } else { nil } }
        #expect(moments.count >= 2 && moments == moments.sorted() && moments.allSatisfy { $0 <= MonotonicClock.now })
    }
}
