// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct EnvironmentFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func plan(_ path: String) -> LaunchPlan {
        var plan = TestProgram("/usr/bin/env", ["-0"]).plan()
        plan.environment = []
        plan.workingDirectory = .path(scratch.path)
        plan.environmentChanges.file = path
        return plan
    }

    private func failure(_ path: String, as user: UserAccount? = nil) throws -> LaunchFailure {
        var plan = plan(path)
        plan.identity = user.map { .init(uid: $0.uid, gid: $0.primaryGroup, groups: []) }
        return try #require(throws: LaunchFailure.self) { try TestProgram.run(plan) }
    }

    @Test(arguments: [
        ("A=1", ["A=1"]), ("", []), ("\n\n# only remarks\n  #\n", []), ("A=\nB=2", ["A=", "B=2"]),
        ("export A=1\nexport\tB=2", ["A=1", "B=2"]), ("export=1", ["export=1"]), ("  A=1  ", ["A=1"]),
        ("A=a b  # remark", ["A=a b"]), ("A=a#b", ["A=a#b"]), ("A=#x", ["A=#x"]), ("A='#x' # y", ["A=#x"]),
        ("A=\"a b\"", ["A=a b"]), ("A='a\\n$B'", ["A=a\\n$B"]), (#"A="x\n\t\"\\\$B\z""#, ["A=x\n\t\"\\$B\\z"]),
        ("A=$B`c`", ["A=$B`c`"]), ("A=1\r\nB=\"2\"\r\n", ["A=1", "B=2"]), ("\u{FEFF}A=1", ["A=1"]),
        ("A=1\nA=2", ["A=2"]), ("_a1=x=y", ["_a1=x=y"]), ("A=it's", ["A=it's"]),
    ])
    func `a file is lines of names and values`(text: String, expected: [String]) throws {
        let path = try scratch.write(text, to: "env")
        let output = try TestProgram.run(plan(path)).output
        #expect(output.split(separator: "\0").map(String.init) == expected)
    }

    @Test(arguments: [
        ("A=1\nnonsense\n", 2, "there is no ="), ("A B=1", 1, "the name is not made of letters, digits and _"),
        ("1A=1", 1, "the name begins with a digit"), ("=1", 1, "there is no name in front of ="),
        ("\n\nA=\"1", 3, "a quote without end"), ("A='1", 1, "a quote without end"),
        ("A=\"1\" x", 1, "something behind the closing quote"), ("A=1\0B=2", 1, "it holds a zero byte"),
        ("A-B=1", 1, "the name is not made of letters, digits and _"), ("export A", 1, "there is no ="),
    ])
    func `a line that is not right is named with its number`(text: String, line: Int, reason: String) throws {
        let path = try scratch.write(text, to: "env")
        let failure = try failure(path)
        #expect(failure.step == .environmentFile && failure.subject == path)
        #expect(EnvironmentFileProblem(failure.detail) == .line(line, reason: reason))
    }

    @Test func `a relative file is one of the working directory`() throws {
        try scratch.write("A=1\n", to: ".env")
        #expect(try TestProgram.run(plan(".env")).output == "A=1\0")
        #expect(try failure("missing") == LaunchFailure(step: .environmentFile, code: 2, subject: "missing"))
    }

    @Test func `what is no file, or too long, is not read`() throws {
        try scratch.write("A=" + String(repeating: "x", count: 65_536), to: "long")
        #expect(try EnvironmentFileProblem(failure("long").detail) == .tooLong)
        #expect(try EnvironmentFileProblem(failure(scratch.path).detail) == .notAFile)
        #expect(try EnvironmentFileProblem(failure("/dev/null").detail) == .notAFile)
        // Opening it for reading would wait for a writer.
        _ = try TestProgram("/usr/bin/mkfifo", [scratch.file("fifo")]).run()
        #expect(try EnvironmentFileProblem(failure("fifo").detail) == .notAFile)
    }

    @Test(.enabled(if: Games.isUsable, "needs root and the user games"))
    func `the file is read with the rights of the user`() throws {
        let secret = try scratch.write("SECRET=1\n", to: "env", mode: 0o600)
        #expect(
            try failure(secret, as: Games.account)
                == LaunchFailure(step: .environmentFile, code: 13, subject: secret)
        )
        try Files.makeDirectory(scratch.file("closed"), mode: 0o700)
        try scratch.write("A=1\n", to: "closed/env")
        let failure = try failure("closed/env", as: Games.account)
        #expect(failure.detail == scratch.file("closed") && failure.directory?.mode == 0o700)
    }
}
