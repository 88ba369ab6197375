// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@Suite(.enabled(if: Games.isUsable, "needs root and the user games"))
struct LauncherIdentityTests {
    private let games: UserAccount

    init() throws { games = try #require(Games.account) }

    /// An app root with a startup file of games.
    private func appRoot() throws -> Scratch {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("app"))
        try Files.setOwner(scratch.file("app"), owner: games.uid, group: games.primaryGroup)
        try scratch.write("run", to: "app/config.ru", owner: games.uid)
        return scratch
    }

    private func examined(
        _ directory: borrowing OpenDirectory,
        walk: String,
        file: String = "config.ru"
    ) throws -> LaunchPlan.WorkingDirectory {
        .examined(
            .init(
                descriptor: directory.rawValue,
                walk: walk,
                expectedOwner: games.uid,
                startupFile: .init(path: file, status: try directory.status(of: file))
            )
        )
    }

    @Test func `a program runs with exactly the ids and groups asked for`() throws {
        let script = "grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)):' /proc/self/status"
        let run = try TestProgram.shell(script).run(as: games) { plan in
            plan.identity = .init(uid: games.uid, gid: games.primaryGroup, groups: [33, games.primaryGroup])
        }
        let uid = "\(games.uid)"
        let gid = "\(games.primaryGroup)"
        let zero = "0000000000000000"
        #expect(
            run.lines.map { $0.split { $0 == "\t" || $0 == " " }.joined(separator: " ") } == [
                "Uid: \(uid) \(uid) \(uid) \(uid)",
                "Gid: \(gid) \(gid) \(gid) \(gid)",
                "Groups: " + [33, games.primaryGroup].sorted().map(String.init).joined(separator: " "),
                "CapInh: \(zero)", "CapPrm: \(zero)", "CapEff: \(zero)", "CapAmb: \(zero)",
            ]
        )
    }

    /// Prints serial number and name of the session keyring, or "-" where there is no key management.
    private static let keyringScript = """
        import ctypes, os
        call = ctypes.CDLL(None).syscall
        keyctl = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]
        text = ctypes.create_string_buffer(200)
        serial = call(keyctl, 0, -3, 0)
        known = call(keyctl, 6, -3, text, 200) > 0
        print(serial, text.value.decode().split(';')[-1] if known else '-')
        """

    @Test func `the session keyring of root stays behind`() throws {
        let own = try TestProgram("/usr/bin/python3", ["-c", Self.keyringScript]).run()
        let other = try TestProgram("/usr/bin/python3", ["-c", Self.keyringScript]).run(as: games)
        guard own.lines.allSatisfy({ !$0.hasSuffix(" -") }) else { return }
        #expect(other.lines != own.lines)
        #expect(other.lines.first?.hasSuffix(" _ses") == true, "\(other.lines)")
    }

    @Test func `root cannot be regained`() throws {
        let script = """
            import os
            for call in (lambda: os.setuid(0), lambda: os.setresuid(-1, 0, -1), lambda: os.setgid(0), lambda: os.setgroups([0])):
                try:
                    call(); print("regained")
                except PermissionError:
                    print("refused")
            """
        let run = try TestProgram("/usr/bin/python3", ["-c", script]).run(as: games)
        #expect(run.lines == ["refused", "refused", "refused", "refused"])
    }

    @Test func `an examined directory is entered, whatever its path means by then`() throws {
        let scratch = try appRoot()
        try Files.makeLink(at: scratch.file("current"), to: "app")
        let directory = try OpenDirectory.open(scratch.file("current"))
        let working = try examined(directory, walk: scratch.file("current"))
        try Files.makeDirectory(scratch.file("other"))
        try Files.remove(scratch.file("current"))
        try Files.makeLink(at: scratch.file("current"), to: "other")
        let run = try TestProgram("/bin/pwd", ["-P"]).run(as: games) { $0.workingDirectory = working }
        #expect(run.output == scratch.file("app") + "\n")
    }

    @Test func `a directory that the user cannot enter is named, and no later one`() throws {
        let scratch = try appRoot()
        try Files.makeDirectories(scratch.file("closed/app/below"))
        try Files.setMode(scratch.file("closed"), 0o700)
        let path = scratch.file("closed/app/below")
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = .path(path) }
        }
        let closed = LaunchFailure.DirectoryFacts(
            owner: CurrentProcess.effectiveUID,
            ownerName: try Accounts.user(id: CurrentProcess.effectiveUID)?.name ?? "",
            group: CurrentProcess.effectiveGID,
            mode: 0o700
        )
        #expect(
            failure
                == LaunchFailure(step: .enterDirectory, code: 13, subject: scratch.file("closed"), directory: closed)
        )
        let directory = try OpenDirectory.open(path)
        let second = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) {
                $0.workingDirectory = .examined(.init(descriptor: directory.rawValue, walk: path))
            }
        }
        #expect(second == failure)
    }

    @Test func `a startup file that was swapped is noticed`() throws {
        let scratch = try appRoot()
        let directory = try OpenDirectory.open(scratch.file("app"))
        let working = try examined(directory, walk: scratch.file("app"))
        try scratch.write("other", to: "app/config.ru", owner: games.uid)
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }
        }
        #expect(failure?.step == .startupFile)
        #expect(failure?.subject == "config.ru")
    }

    @Test func `a startup file that got another owner is noticed`() throws {
        let scratch = try appRoot()
        let directory = try OpenDirectory.open(scratch.file("app"))
        let working = try examined(directory, walk: scratch.file("app"))
        try Files.setOwner(scratch.file("app/config.ru"), owner: 33, group: nil)
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }
        }
        #expect(failure == LaunchFailure(step: .startupFile, code: 1, subject: "config.ru"))
    }

    @Test func `a link in place of the startup file's directory is noticed`() throws {
        let scratch = try appRoot()
        try Files.makeDirectory(scratch.file("app/config"))
        try scratch.write("x", to: "app/config/environment.rb", owner: games.uid)
        let directory = try OpenDirectory.open(scratch.file("app"))
        let file = "config/environment.rb"
        let working = try examined(directory, walk: scratch.file("app"), file: file)
        #expect(try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }.status.isSuccess)
        try Files.rename(scratch.file("app/config"), to: scratch.file("app/moved"))
        try Files.makeLink(at: scratch.file("app/config"), to: "moved")
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }
        }
        #expect(failure == LaunchFailure(step: .startupFile, code: 40, subject: file))
    }

    @Test func `a startup file that the user cannot read is named`() throws {
        let scratch = try appRoot()
        try Files.setMode(scratch.file("app/config.ru"), 0o600)
        try Files.setOwner(scratch.file("app/config.ru"), owner: 0, group: 0)
        let directory = try OpenDirectory.open(scratch.file("app"))
        let working = try examined(directory, walk: scratch.file("app"))
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }
        }
        #expect(failure == LaunchFailure(step: .readStartupFile, code: 13, subject: "config.ru"))
    }

    @Test func `a link into a closed directory names that directory`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("closed/deep"))
        try Files.setMode(scratch.file("closed"), 0o700)
        try Files.write(try Files.read("/bin/echo"), to: scratch.file("closed/deep/python3"), mode: 0o755)
        try Files.makeDirectories(scratch.file("venv/bin"))
        try Files.makeLink(at: scratch.file("venv/bin/python3"), to: "../../closed/deep/python3")
        try Files.makeLink(at: scratch.file("venv/bin/python"), to: "python3")
        let path = scratch.file("venv/bin/python")
        let failure = try #require(throws: LaunchFailure.self) { try TestProgram(path).run(as: games) }
        #expect(failure.step == .programDirectory && failure.subject == scratch.file("closed"))
        #expect(failure.detail == path)
        // The same as the interpreter of a script.
        let script = try scratch.write("#!\(path)\n", to: "script", mode: 0o755)
        let second = try #require(throws: LaunchFailure.self) { try TestProgram(script).run(as: games) }
        #expect(second.step == .programDirectory && second.subject == scratch.file("closed"))
        #expect(second.detail == path)
    }

    @Test func `a search path with a closed directory says so when nothing is found`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("shims"), mode: 0o700)
        let failure = try #require(throws: LaunchFailure.self) {
            try TestProgram("no-such-tool").run(as: games) { plan in
                plan.environment = [("PATH", "/usr/bin:\(scratch.file("shims"))")]
            }
        }
        #expect(failure.step == .program && failure.isNotFound)
        #expect(failure.detail == scratch.file("shims") && failure.directory?.mode == 0o700)
    }

    @Test func `a program in a closed directory runs when it is opened before the drop`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("home"), mode: 0o700)
        try Files.write(try Files.read("/bin/echo"), to: scratch.file("home/echo"), mode: 0o755)
        let program = TestProgram(scratch.file("home/echo"), ["hello"])
        let failure = #expect(throws: LaunchFailure.self) { try program.run(as: games) }
        #expect(failure?.step == .programDirectory && failure?.subject == scratch.file("home"))
        #expect(failure?.detail == scratch.file("home/echo") && failure?.directory?.mode == 0o700)
        let run = try program.run(as: games) { $0.program = .openedBeforeDrop(path: scratch.file("home/echo")) }
        #expect(run.output == "hello\n")
    }

    @Test func `a directory that got another owner is noticed`() throws {
        let scratch = try appRoot()
        let directory = try OpenDirectory.open(scratch.file("app"))
        let working = try examined(directory, walk: scratch.file("app"))
        try Files.setOwner(scratch.file("app"), owner: 33, group: nil)
        let failure = #expect(throws: LaunchFailure.self) {
            try TestProgram("/bin/true").run(as: games) { $0.workingDirectory = working }
        }
        #expect(failure?.step == .startupFile)
        #expect(failure?.subject == scratch.file("app"))
    }
}
