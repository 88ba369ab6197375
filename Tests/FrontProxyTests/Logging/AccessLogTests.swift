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

    /// A worker's writer with the master's end of it.
    private func makeWriter(_ files: [LogFile]) throws -> (writer: AccessLogWriter, receiver: AccessLogReceiver) {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var pipe = try Pipe.make()
        guard let reader = pipe.takeReadEnd(), let end = pipe.takeWriteEnd() else {
            throw SystemError(call: "pipe2", code: 0)
        }
        let names = files.map { $0.path ?? "-" }
        let receiver = try AccessLogReceiver.start(
            SharedDescriptor(reader),
            AccessLogFiles(files: files, names: names, logger: logger)
        ) { Issue.record("broken: \($0)") }
        return (AccessLogWriter(pipe: SharedDescriptor(end), names: names, logger: logger), receiver)
    }

    /// An access log on a loop of its own.
    private func onLoop(_ writer: AccessLogWriter, _ body: @escaping @Sendable (AccessLog) -> Void) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try loop.submit { body(AccessLog(eventLoop: loop, writer: writer)) }.wait()
    }

    @Test func `a lone line is written by itself, many in batches`() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let writer = try makeWriter([try LogFile(path: path)]).writer
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
        let writer = try makeWriter([try LogFile(path: path)]).writer
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
        let file = try LogFile(path: path)
        let writer = try makeWriter([file]).writer
        let entry = entry
        let write: @Sendable (AccessLog) -> Void = { log in
            log.record(entry, in: 0)
            log.flush()
        }
        try onLoop(writer, write)
        try eventually("the line is written") { try written(path) == 1 }
        try Files.rename(path, to: path + ".1")
        try file.reopen()
        try onLoop(writer, write)
        try eventually("the new file has the line") { try written(path) == 1 }
        #expect(try written(path + ".1") == 1)
    }

    @Test func `all that a worker sent is written before its end is known`() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let receiver = try sendAndLeave(path, lines: 50_000)
        receiver.waitForEnd(within: .seconds(20))
        #expect(try written(path) == 50_000)
    }

    private func sendAndLeave(_ path: String, lines: Int) throws -> AccessLogReceiver {
        let (writer, receiver) = try makeWriter([try LogFile(path: path)])
        writer.submit(
            Array(String(repeating: "a line of some length, as a request makes it\n", count: lines).utf8),
            to: 0
        )
        let isWritten = Flag()
        writer.whenWritten { isWritten.raise() }
        try eventually("it is sent") { isWritten.isRaised }
        return receiver
    }

    @Test func `a line that was cut off is ended before the next one`() throws {
        // Takes a part of a large batch, as a disk does that is nearly full.
        var pipe = try Pipe.make(nonBlocking: true)
        guard let reader = pipe.takeReadEnd(), let end = pipe.takeWriteEnd() else { return #expect(Bool(false)) }
        let files = AccessLogFiles(
            files: [LogFile(end)],
            names: ["pipe"],
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        files.write(Array(repeatElement(line, count: 200).joined()), to: 0)
        // Nothing of this one goes through, so it changes nothing.
        files.write(line, to: 0)
        let first = try reader.readSome(limit: 1 << 20)
        #expect(first.count > 1000 && first.last != UInt8(ascii: "\n"))
        files.write(line, to: 0)
        #expect(try reader.readSome(limit: 1 << 20) == [UInt8(ascii: "\n")] + line)
        files.write(line, to: 0)
        #expect(try reader.readSome(limit: 1 << 20) == line)
    }

    @Test func `what is no line of a worker's is made one`() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/access.log"
        let files = AccessLogFiles(files: [try LogFile(path: path)], names: [path], logger: Logger(label: "test"))
        files.write(Array("a\u{1B}[2Jb\rc\nd".utf8) + [0xFF], to: 0)
        #expect(try Files.read(path) == Array("a?[2Jb?c\nd?\n".utf8))
    }
}

struct AccessLogFrameTests {
    private func events(_ bytes: [UInt8], pieces: Int) -> [AccessLogFrames.Event] {
        var frames = AccessLogFrames(logCount: 3)
        var events: [AccessLogFrames.Event] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { frames.append($0) }
            while true {
                let event = frames.next()
                if event == .incomplete { break }
                events.append(event)
                if event == .broken { return events }
            }
        }
        return events
    }

    @Test(arguments: [1, 7, 8, 9, 1000])
    func `frames arrive whole, however they are cut`(_ pieces: Int) {
        let bytes = AccessLogFrame.frames(Array("one\n".utf8), of: 2) + AccessLogFrame.frames([10], of: 0)
        #expect(events(bytes, pieces: pieces) == [.lines(Array("one\n".utf8), log: 2), .lines([10], log: 0)])
    }

    @Test func `many lines go in several frames, cut behind line feeds`() {
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        let lines = TestBytes.repeating(line, upTo: 2_500 * line.count)
        let parts = events(AccessLogFrame.frames(lines, of: 1), pieces: 65_536)
            .compactMap { event -> [UInt8]? in
                guard case .lines(let lines, 1) = event else { return nil }
                return lines
            }
        #expect(parts.count == 3)
        #expect(parts.allSatisfy { $0.last == 10 })
        let isSame = parts.reduce([], +) == lines
        #expect(isSame)
    }

    @Test(
        arguments: [
            [0, 0, 0, 3, 0, 0, 0, 1, 10], [0, 0, 0, 0, 0, 0, 0, 0, 10], [0, 0, 0, 0, 0, 16, 0, 1, 10],
            [255, 255, 255, 255, 255, 255, 255, 255],
        ] as [[UInt8]]
    )
    func `no frame names a log that there is not, is empty or too long`(_ bytes: [UInt8]) {
        #expect(events(bytes, pieces: 100) == [.broken])
    }
}

/// Tells another thread that something has happened.
private final class Flag: Sendable {
    private let value = Atomic(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}
