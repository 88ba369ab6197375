// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import TestSupport
import Testing

@testable import FrontProxy

struct DiskFilesTests {
    @Test func `files, patterns and links are read from disk`() throws {
        let directory = try TestDirectory()
        let path = directory.path
        try Files.makeDirectory("\(path)/sites")
        try Files.makeDirectory("\(path)/sites/a.d")
        try Files.write(Array("one".utf8), to: "\(path)/sites/b.conf")
        try Files.write(Array("two".utf8), to: "\(path)/sites/a.d/c.conf")
        try Files.makeLink(at: "\(path)/link", to: "sites/../else")
        let files = DiskFiles()
        #expect(try files.contents(of: "\(path)/sites/b.conf").get() == Array("one".utf8))
        #expect(throws: ConfigurationFileError(reason: "No such file or directory")) {
            try files.contents(of: "\(path)/none").get()
        }
        #expect(files.paths(matching: "\(path)/sites/*.conf") == ["\(path)/sites/b.conf"])
        #expect(files.paths(matching: "\(path)/s*/*/*") == ["\(path)/sites/a.d/c.conf"])
        #expect(files.paths(matching: "\(path)/none/*") == [])
        #expect(files.linkTarget(of: "\(path)/link") == "sites/../else")
        #expect(files.linkTarget(of: "\(path)/sites") == nil)
    }
}
