// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct FileLockTests {
    @Test func `a lock is held by one, and free after it`() throws {
        let scratch = try Scratch()
        let path = scratch.file("lock")
        do {
            let lock = try FileLock.acquire(path)
            try lock.write("123\n")
            let error = #expect(throws: SystemError.self) { _ = try FileLock.acquire(path).rawValue }
            #expect(error?.isWouldBlock == true)
            #expect(FileLock.content(of: path) == "123\n")
            try lock.write("4\n")
            #expect(FileLock.content(of: path) == "4\n")
        }
        try FileLock.acquire(path).removeAndRelease()
        #expect(try Files.list(scratch.path).isEmpty)
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "needs root"))
    func `root takes no lock on what is not a file of its own`() throws {
        let scratch = try Scratch()
        try scratch.write("precious", to: "theirs")
        try Files.setOwner(scratch.file("theirs"), owner: 7001, group: 7001)
        let error = #expect(throws: SystemError.self) { _ = try FileLock.acquire(scratch.file("theirs")).rawValue }
        #expect(error?.isAlreadyExists == true)
        #expect(try Files.read(scratch.file("theirs")) == Array("precious".utf8))
        let open = scratch.file("open")
        try Files.makeDirectory(open, mode: 0o1777)
        #expect(throws: SinkProblem.self) { _ = try FileLock.acquirePIDFile("\(open)/pid").rawValue }
        #expect(FileLock.problem(ofPIDFile: "\(open)/pid") != nil)
        #expect(FileLock.problem(ofPIDFile: scratch.file("pid")) == nil)
        try FileLock.acquirePIDFile(scratch.file("pid")).removeAndRelease()
    }

    @Test func `a link in place of the lock file is refused`() throws {
        let scratch = try Scratch()
        try scratch.write("precious", to: "target")
        try Files.makeLink(at: scratch.file("lock"), to: "target")
        #expect(throws: SystemError.self) { _ = try FileLock.acquire(scratch.file("lock")).rawValue }
    }
}
