// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import FrontProxy

struct CustomPagesTests {
    private let directory: TestDirectory
    private let pages: CustomPages
    private let path: String

    init() throws {
        directory = try TestDirectory()
        path = directory.file("sorry.html")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        pages = CustomPages(logger: logger)
    }

    private func read(_ path: String? = nil) throws -> String? {
        let page = pages.page(at: path ?? self.path, on: MultiThreadedEventLoopGroup.singleton.next())
        return try page.wait().map { String(buffer: $0) }
    }

    @Test func `a page is the file as it is at the moment`() throws {
        #expect(try read() == nil)
        try directory.write("one", to: "sorry.html")
        #expect(try read() == "one")
        #expect(try read() == "one")
        // By a rename, as deployments do it, so that the inode is another one.
        try directory.write("two", to: "sorry.html")
        #expect(try read() == "two")
        try Files.remove(path)
        #expect(try read() == nil)
    }

    @Test func `what is no file of a reasonable size is not used`() throws {
        try directory.write(String(repeating: "x", count: CustomPages.maxBytes), to: "sorry.html")
        #expect(try read()?.utf8.count == CustomPages.maxBytes)
        try directory.write(String(repeating: "x", count: CustomPages.maxBytes + 1), to: "sorry.html")
        #expect(try read() == nil)
        #expect(try read(directory.path) == nil)
        #expect(try read("/dev/zero") == nil)
    }

    @Test func `requests at the same time share one look`() throws {
        try directory.write("one", to: "sorry.html")
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answers = (0..<50).map { _ in pages.page(at: path, on: loop) }
        for answer in answers { #expect(try answer.wait() == ByteBuffer(string: "one")) }
    }
}
