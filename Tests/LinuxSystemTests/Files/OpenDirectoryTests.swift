// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct OpenDirectoryTests {
    @Test func `lookups stay in the directory that was opened`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.file("one"))
        try scratch.write("1", to: "one/file")
        let directory = try OpenDirectory.open(scratch.file("one"))
        try Files.rename(scratch.file("one"), to: scratch.file("moved"))
        try Files.makeDirectory(scratch.file("one"))
        #expect(try directory.status(of: "file").size == 1)
        #expect(try directory.openFileWithoutLinks("file").readAll(limit: 10).text == "1")
    }

    @Test func `a link in any component is refused`() throws {
        let scratch = try Scratch()
        try Files.makeDirectories(scratch.file("real/config"))
        try scratch.write("x", to: "real/config/app.rb")
        try Files.makeLink(at: scratch.file("real/alias"), to: "config")
        try Files.makeLink(at: scratch.file("real/config/link.rb"), to: "app.rb")
        let directory = try OpenDirectory.open(scratch.file("real"))
        for path in ["alias/app.rb", "config/link.rb"] {
            let error = #expect(throws: SystemError.self) { _ = try directory.openFileWithoutLinks(path).rawValue }
            #expect(error?.isSymbolicLink == true, "\(path)")
        }
        #expect(try directory.openDirectoryWithoutLinks("config").status(of: "app.rb").kind == .regular)
        #expect(try directory.readLink("alias") == "config")
    }

    @Test func `a path out of the directory is refused`() throws {
        let scratch = try Scratch()
        let directory = try OpenDirectory.open(scratch.path)
        let error = #expect(throws: SystemError.self) {
            _ = try directory.openFileWithoutLinks("../../etc/passwd").rawValue
        }
        #expect(error?.name == "EXDEV")
    }

    @Test func `one entry is opened without following it`() throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "file")
        try Files.makeLink(at: scratch.file("link"), to: "file")
        let directory = try OpenDirectory.open(scratch.path)
        #expect(try directory.openEntry("file").readAll(limit: 1).text == "x")
        #expect(throws: SystemError.self) { _ = try directory.openEntry("link").rawValue }
        #expect(try directory.status(of: "link").kind == .symbolicLink)
        #expect(try directory.status(of: "link", followingLinks: true).kind == .regular)
    }

    @Test func `a local file system is no network file system`() throws {
        #expect(try OpenDirectory.open("/proc").isOnNetworkFileSystem() == false)
    }

    @Test func `a file is not a directory`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("x", to: "file")
        let error = #expect(throws: SystemError.self) { _ = try OpenDirectory.open(path).rawValue }
        #expect(error?.isNotDirectory == true)
    }
}
