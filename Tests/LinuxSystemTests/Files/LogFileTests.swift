// SPDX-License-Identifier: MIT

import LinuxSystem
import PathSafety
import ShownText
import Testing

struct LogFileTests {
    @Test func `a log is appended to`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("before\n", to: "log")
        let log = try LogFile(path: path)
        log.write("after\n")
        #expect(try Files.read(path).text == "before\nafter\n")
    }

    @Test func `a rotated log goes on in a new file`() throws {
        let scratch = try Scratch()
        let path = scratch.file("log")
        let log = try LogFile(path: path)
        log.write("one\n")
        try Files.rename(path, to: path + ".1")
        log.write("two\n")
        try log.reopen()
        log.write("three\n")
        #expect(try Files.read(path + ".1").text == "one\ntwo\n")
        #expect(try Files.read(path).text == "three\n")
        #expect(try FileStatus(path: path).mode == 0o640)
    }

    @Test func `the old file stays in use when the new one cannot be opened`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("logs"))
        let log = try LogFile(path: scratch.file("logs/log"))
        try Files.rename(scratch.file("logs"), to: scratch.file("gone"))
        #expect(throws: SinkProblem.self) { try log.reopen() }
        log.write("still here\n")
        #expect(try Files.read(scratch.file("gone/log")).text == "still here\n")
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "giving files away needs root"))
    func `root writes only where nobody else could lead a log elsewhere`() throws {
        let scratch = try Scratch()
        try scratch.write("kept\n", to: "target")
        func refusal(_ path: String) -> PathRefusal.Reason? {
            let problem = #expect(throws: SinkProblem.self) { try LogFile(path: path) }
            guard case .unsafe(let refusal, of: .log, let sentence) = problem else { return nil }
            #expect(sentence.contains("root would write there") && problem?.remedies.isEmpty == false)
            #expect(LogFile.problem(at: path) == problem)
            // What all may write to is so for a reason.
            #expect(problem?.remedies.contains { $0.command?.contains("chmod") == true } == false)
            #expect(problem?.remedies.last?.text.hasSuffix("such as /var/log.") == true)
            return refusal.reason
        }
        try Files.makeDirectory(scratch.file("theirs"))
        try Files.makeLink(at: scratch.file("theirs/log"), to: scratch.file("target"))
        try Files.setOwner(scratch.file("theirs/log"), owner: 2, group: 2)
        #expect(refusal(scratch.file("theirs/log")) == .foreignLink(target: scratch.file("target")))
        try Files.setOwner(scratch.file("theirs"), owner: 2, group: 2)
        #expect(refusal(scratch.file("theirs/log")) == .otherOwner)
        #expect(refusal(scratch.file("theirs/new")) == .otherOwner)
        try Files.makeDirectory(scratch.file("all"), mode: 0o1777)
        #expect(refusal(scratch.file("all/log")) == .everybodyMayWrite)
        #expect(!Files.exists(scratch.file("all/log")))
        // Root's own link, and root's own directory in one of all.
        try Files.makeLink(at: scratch.file("link"), to: "target")
        try LogFile(path: scratch.file("link")).write("more\n")
        #expect(try Files.read(scratch.file("target")).text == "kept\nmore\n")
        let group = try Accounts.group(named: "adm")?.gid ?? 0
        _ = try LogFile(path: scratch.file("new"))
        let status = try FileStatus(path: scratch.file("new"))
        #expect(status.mode == 0o640 && status.owner == 0 && status.group == group)
    }

    @Test func `names of descriptors are those descriptors`() throws {
        let pipe = try Pipe.make()
        let log = try LogFile(path: "/dev/fd/\(pipe.writeEnd)")
        #expect(log.path == nil)
        log.write("x")
        #expect(throws: SinkProblem.self) { _ = try LogFile(path: "/dev/fd/x") }
    }

    @Test func `a handed-over descriptor replaces the file`() throws {
        let scratch = try Scratch()
        let log = LogFile(try Files.create(scratch.file("a")))
        log.replace(with: try Files.create(scratch.file("b")))
        log.write("x")
        #expect(try Files.read(scratch.file("b")).text == "x")
        #expect(try Files.read(scratch.file("a")).isEmpty)
    }
}
