// SPDX-License-Identifier: MIT

import LinuxSystem
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
        let log = try LogFile(path: path, mode: 0o640)
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
        #expect(throws: SystemError.self) { try log.reopen() }
        log.write("still here\n")
        #expect(try Files.read(scratch.file("gone/log")).text == "still here\n")
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
