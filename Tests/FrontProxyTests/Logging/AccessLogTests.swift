// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

struct AccessLogTests {
    private var entry: AccessLogEntry {
        AccessLogEntry(
            remoteAddress: "unix:",
            requestLine: ByteBuffer(string: "GET / HTTP/1.1"),
            status: 200,
            bytesSent: 1,
            totalTime: .zero
        )
    }

    private func written(_ path: String) throws -> Int {
        try Files.read(path).count { $0 == UInt8(ascii: "\n") }
    }

    /// An access log on a loop of its own.
    private func onLoop(_ writer: AccessLogWriter, _ body: @escaping @Sendable (AccessLog) -> Void) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try loop.submit { body(AccessLog(eventLoop: loop, writer: writer)) }.wait()
    }

    @Test func `a lone line is written by itself, many in batches`() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let writer = AccessLogWriter(files: [try LogFile(path: path)], names: [path], logger: Logger(label: "test"))
        let entry = entry
        try onLoop(writer) { log in
            log.record(entry, in: 0)
            log.record(entry, in: 5)
        }
        try eventually("the line is written") { try written(path) == 1 }
        try onLoop(writer) { log in
            for _ in 0..<1_000 { log.record(entry, in: 0) }
            log.flush()
        }
        try eventually("all batches are written") { try written(path) == 1_001 }
    }

    @Test(arguments: [
        (AccessLogModel(path: "", bufferBytes: 1, flushTime: .seconds(3600)), true),
        (AccessLogModel(path: "", bufferBytes: 1 << 20, flushTime: .milliseconds(10)), true),
        (AccessLogModel(path: "", flushTime: .seconds(3600)), false),
    ])
    func `the configuration says how long lines are collected`(model: AccessLogModel, isWrittenSoon: Bool) throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let writer = AccessLogWriter(files: [try LogFile(path: path)], names: [path], logger: Logger(label: "test"))
        let entry = entry
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let log = try loop.submit {
            let log = AccessLog(eventLoop: loop, writer: writer, logs: [model])
            log.record(entry, in: 0)
            return NIOLoopBound(log, eventLoop: loop)
        }
        .wait()
        if isWrittenSoon {
            try eventually("the line") { try written(path) == 1 }
        } else {
            let written = Mutex(false)
            writer.whenWritten { written.withLock { $0 = true } }
            try eventually("the writer's turn") { written.withLock { $0 } }
            #expect(try self.written(path) == 0)
        }
        try loop.submit { log.value.flush() }.wait()
        try eventually("the line") { try written(path) == 1 }
    }

    @Test func `after a reopen lines go to the new file`() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let writer = AccessLogWriter(files: [try LogFile(path: path)], names: [path], logger: Logger(label: "test"))
        let entry = entry
        let write: @Sendable (AccessLog) -> Void = { log in
            log.record(entry, in: 0)
            log.flush()
        }
        try onLoop(writer, write)
        try eventually("the line is written") { try written(path) == 1 }
        try Files.rename(path, to: path + ".1")
        var fresh = DescriptorList()
        fresh.append(try LogFile(path: path).descriptor.descriptor.duplicated())
        writer.replaceFiles(with: &fresh)
        try onLoop(writer, write)
        try eventually("the new file has the line") { try written(path) == 1 }
        #expect(try written(path + ".1") == 1)
    }

    @Test func `a line that was cut off is ended before the next one`() throws {
        // Takes a part of a large batch, as a disk does that is nearly full.
        var pipe = try Pipe.make(nonBlocking: true)
        guard let reader = pipe.takeReadEnd(), let end = pipe.takeWriteEnd() else { return #expect(Bool(false)) }
        let target = LogFile(end)
        let writer = AccessLogWriter(
            files: [target],
            names: ["pipe"],
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        func submit(_ lines: [UInt8]) throws {
            let isWritten = Flag()
            writer.submit(lines, to: 0)
            writer.whenWritten { isWritten.raise() }
            try eventually("it is written") { isWritten.isRaised }
        }
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        try submit(Array(repeatElement(line, count: 200).joined()))
        // Nothing of this one goes through, so it changes nothing.
        try submit(line)
        let first = try reader.readSome(limit: 1 << 20)
        #expect(first.count > 1000 && first.last != UInt8(ascii: "\n"))
        try submit(line)
        #expect(try reader.readSome(limit: 1 << 20) == [UInt8(ascii: "\n")] + line)
        try submit(line)
        #expect(try reader.readSome(limit: 1 << 20) == line)
    }
}

/// Tells another thread that something has happened.
private final class Flag: Sendable {
    private let value = Atomic(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}
