// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct FilesTests {
    @Test func `a file is written with its exact mode and read back`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("content", to: "f", mode: 0o666)
        #expect(try Files.read(path).text == "content")
        #expect(try FileStatus(path: path).mode == 0o666)
        #expect(try Files.list(scratch.path) == ["f"])
    }

    @Test func `a file that is too long is refused`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("12345", to: "f")
        let error = #expect(throws: SystemError.self) { try Files.read(path, limit: 4) }
        #expect(error?.name == "EFBIG")
        #expect(error?.subject == path)
    }

    @Test func `a directory cannot be read as a file`() throws {
        let scratch = try Scratch()
        let error = #expect(throws: SystemError.self) { try Files.read(scratch.path) }
        #expect(error?.isDirectory == true)
    }

    @Test func `an unnamed file leaves no trace`() throws {
        let scratch = try Scratch()
        let file = try Files.createUnnamed(in: scratch.path)
        try file.writeAll("spilled")
        #expect(try Files.list(scratch.path).isEmpty)
        #expect(try FileStatus(descriptor: file.rawValue).size == 7)
    }

    @Test func `a tree is removed without following links out of it`() throws {
        let scratch = try Scratch()
        let outside = try scratch.write("stays", to: "outside")
        try Files.makeDirectories(scratch.file("a/b/c"))
        try scratch.write("x", to: "a/b/c/file")
        try Files.makeLink(at: scratch.file("a/b/link"), to: "../../..")
        try Files.makeLink(at: scratch.file("a/file-link"), to: outside)
        try Files.removeTree(scratch.file("a"))
        #expect(try Files.list(scratch.path) == ["outside"])
        try Files.removeTree(scratch.file("a"))
    }

    @Test func `links are read and resolved`() throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "target")
        try Files.makeLink(at: scratch.file("link"), to: "target")
        #expect(try Files.readLink(scratch.file("link")) == "target")
        #expect(try Files.realPath(scratch.file("link")) == scratch.file("target"))
        #expect(try FileStatus(path: scratch.file("link"), followingLinks: false).kind == .symbolicLink)
        #expect(try FileStatus(path: scratch.file("link")).kind == .regular)
    }

    @Test func `a temporary directory is private`() throws {
        let scratch = try Scratch()
        let path = try Files.makeTemporaryDirectory(in: scratch.path, prefix: "p.")
        #expect(try FileStatus(path: path).mode == 0o700)
    }

    @Test(arguments: [
        ("*", ["a.conf", "b.conf", "beta", "sub"]), ("*.conf", ["a.conf", "b.conf"]), (".*f", [".hidden.conf"]),
        ("[ab]*", ["a.conf", "b.conf", "beta"]), ("[!ab]*", ["sub"]), ("?.conf", ["a.conf", "b.conf"]),
        ("s*/*", ["sub/x"]),
        ("none/*", []), ("*.none", []), ("sub", ["sub"]), ("sub/none", []),
    ])
    func `patterns name files as in the shell`(pattern: String, names: [String]) throws {
        let scratch = try Scratch()
        for name in ["b.conf", "a.conf", "beta", ".hidden.conf"] { try Files.write([], to: scratch.file(name)) }
        try Files.makeDirectory(scratch.file("sub"))
        try Files.write([], to: scratch.file("sub/x"))
        #expect(Files.paths(matching: scratch.file(pattern)) == names.map { scratch.file($0) })
    }
}
