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

    @Test func `a link in place of the lock file is refused`() throws {
        let scratch = try Scratch()
        try scratch.write("precious", to: "target")
        try Files.makeLink(at: scratch.file("lock"), to: "target")
        #expect(throws: SystemError.self) { _ = try FileLock.acquire(scratch.file("lock")).rawValue }
    }
}
