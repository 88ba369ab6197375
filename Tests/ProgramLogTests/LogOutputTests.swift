// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Synchronization
import Testing

@testable import ProgramLog

/// A sink whose answers the test chooses.
private final class ScriptedSink: LogSink {
    final class Tape: Sendable {
        let text = Mutex("")
        let answers = Mutex<[SinkResult]>([])

        var content: String { self.text.withLock { $0 } }
    }

    private let tape: Tape
    let takesPriorities: Bool

    init(_ tape: Tape, takesPriorities: Bool = false) {
        self.tape = tape
        self.takesPriorities = takesPriorities
    }

    func append(_ bytes: UnsafeRawBufferPointer) -> SinkResult {
        let answer = self.tape.answers.withLock { $0.isEmpty ? .wrote(bytes.count) : $0.removeFirst() }
        if case .wrote(let count) = answer {
            self.tape.text.withLock { $0 += String(decoding: bytes.prefix(count), as: UTF8.self) }
        }
        return answer
    }

    func reopen() throws {}

    func waiter() -> @Sendable (Duration) -> Void { { _ in } }
}

@Suite struct LogOutputTests {
    private let tape = ScriptedSink.Tape()

    private func output(prefixesAppLines: Bool = true) -> LogOutput {
        LogOutput(sink: ScriptedSink(tape), pid: 4700, prefixesAppLines: prefixesAppLines) { "TIME" }
    }

    @Test func `a logger writes what its level lets through`() throws {
        let scale = try #require(LogScale(2))
        var logger = ProgramLog(output: output(), scale: scale).logger(label: "test")
        logger[metadataKey: "pid"] = "17"
        logger.notice("hidden")
        logger.warning("seen", metadata: ["group": "/srv/shop"])
        #expect(tape.content == "W, [TIME #4700]  WARN -- : seen group=/srv/shop pid=17\n")
    }

    @Test func `the journal is told the priority of each line`() throws {
        let output = LogOutput(sink: ScriptedSink(tape, takesPriorities: true), pid: 4700) { "TIME" }
        let log = ProgramLog(output: output, scale: try #require(LogScale(7)))
        let logger = log.logger(label: "test")
        for level in Logger.Level.allCases.reversed() { logger.log(level: level, "x") }
        log.announce("up")
        log.announce("down", severity: .fatal)
        output.writeAppLine(app: "shop", pid: 17, line: Array("<0>y".utf8))
        let lines = tape.content.split(separator: "\n")
        #expect(
            lines.map { $0.prefix(4) } == [
                "<2>F", "<3>E", "<4>W", "<5>I", "<6>I", "<7>D", "<7>D", "<5>I", "<2>F", "<6>I",
            ]
        )
        #expect(lines.last?.hasSuffix("output: <0>y") == true)
    }

    @Test func `announcements are written at every level`() throws {
        for number in 0...7 {
            ProgramLog(output: output(), scale: try #require(LogScale(number))).announce("up")
        }
        #expect(tape.content == String(repeating: "I, [TIME #4700]  INFO -- : up\n", count: 8))
    }

    @Test func `lines of apps carry name and PID of the app and hold nothing that a terminal obeys`() {
        output().writeAppLine(app: "/srv/shop", pid: 17, line: Array("a\u{1B}[0m\t= \"b\"\\\r".utf8))
        #expect(tape.content == "I, [TIME #4700]  INFO -- : app=/srv/shop App 17 output: a\\x1b[0m\t= \"b\"\\\n")
    }

    @Test func `the name of an app cannot end its own quotes, nor the line`() {
        output().writeAppLine(app: "a\n\" App 1 output: b", pid: 17, line: Array("x".utf8))
        #expect(tape.content == "I, [TIME #4700]  INFO -- : app=\"a\\n\\\" App 1 output: b\" App 17 output: x\n")
    }

    @Test func `without prefix lines of apps stand alone`() {
        output(prefixesAppLines: false).writeAppLine(app: "/srv/shop", pid: 17, line: Array("{\"json\": 1}".utf8))
        #expect(tape.content == "{\"json\": 1}\n")
    }

    @Test func `an app that prints too much loses lines, which are told; nobody else loses any`() throws {
        let now = Mutex(Duration.zero)
        let output = LogOutput(
            sink: ScriptedSink(tape),
            pid: 4700,
            timestamp: { "TIME" },
            clock: { now.withLock { $0 } }
        )
        let logger = ProgramLog(output: output, scale: .standard).logger(label: "test")
        for _ in 0..<20_000 { output.writeAppLine(app: "/srv/flood", pid: 1, line: Array("x".utf8)) }
        output.writeAppLine(app: "/srv/shop", pid: 2, line: Array("hello".utf8))
        logger.notice("process ended", metadata: ["app": "/srv/flood"])
        logger.notice("on its own")
        let lines = tape.content.split(separator: "\n")
        #expect(lines.count { $0.hasSuffix("output: x") } == 16_384)
        #expect(
            lines.suffix(3).map { $0.drop { $0 != ":" } }
                == [
                    ": app=/srv/shop App 2 output: hello", ": process ended app=/srv/flood", ": on its own",
                ].map { $0[...] }
        )
        output.writeNotes()
        #expect(!tape.content.contains("left out"))
        now.withLock { $0 = .seconds(10) }
        output.writeNotes()
        #expect(
            tape.content.hasSuffix(
                "lines were left out of this log, because there were too many app=/srv/flood lines=3616 what=output\n"
            )
        )
    }

    @Test func `a peer that makes the program complain loses lines; asked for details lose none`() throws {
        let output = LogOutput(sink: ScriptedSink(tape), pid: 4700, timestamp: { "TIME" }, clock: { .zero })
        let logger = ProgramLog(output: output, scale: try #require(LogScale(7))).logger(label: "test")
        for _ in 0..<20_000 { logger.error("bad frame", metadata: ["uid": "7001", "app": "/srv/shop"]) }
        for _ in 0..<20_000 { logger.debug("frame", metadata: ["uid": "7001"]) }
        logger.warning("settings changed", metadata: ["app": "/srv/shop"])
        #expect(tape.content.split(separator: "\n").count == 16_384 + 20_000 + 1)
    }

    @Test func `a full disk costs lines, which are counted and told`() {
        let output = output()
        tape.answers.withLock { $0 = [.failed(reason: "No space left on device")] }
        output.write(severity: .info, message: "one")
        output.write(severity: .info, message: "two")
        #expect(output.lostLines == 1)
        #expect(
            tape.content == """
                W, [TIME #4700]  WARN -- : lines of this log were lost lines=1 reason="No space left on device"
                I, [TIME #4700]  INFO -- : two

                """
        )
    }

    @Test func `a part of a line that was written is completed`() {
        tape.answers.withLock { $0 = [.wrote(3)] }
        output().write(severity: .info, message: "one")
        #expect(tape.content == "I, [TIME #4700]  INFO -- : one\n")
    }

    @Test func `the log of a slow reader is written in order`() {
        let output = output()
        tape.answers.withLock { $0 = [.busy, .busy] }
        output.write(severity: .info, message: "one")
        output.write(severity: .info, message: "two")
        output.flush()
        #expect(tape.content == "I, [TIME #4700]  INFO -- : one\nI, [TIME #4700]  INFO -- : two\n")
    }
}

@Suite struct LogFileOutputTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-log-")
        defer { try? Files.removeTree(directory) }
        try body(directory)
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Files.read(path), as: UTF8.self)
    }

    @Test func `after a rename the log goes on in a new file once it is opened anew`() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let output = try LogOutput.open(path: path)
            output.write(severity: .info, message: "one")
            try Files.rename(path, to: path + ".1")
            output.write(severity: .info, message: "two")
            try output.reopen()
            output.write(severity: .info, message: "three")
            #expect(try text(path + ".1").split(separator: "\n").count == 2)
            #expect(try text(path).hasSuffix("three\n"))
        }
    }

    @Test func `after a truncation the log begins at the start of the file`() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let output = try LogOutput.open(path: path)
            output.write(severity: .info, message: "one")
            try Files.openForTruncation(path)
            output.write(severity: .info, message: "two")
            #expect(try text(path).hasPrefix("I, ["))
            #expect(try text(path).split(separator: "\n").count == 1)
        }
    }

    @Test func `a log that cannot be opened anew goes on in the old file`() throws {
        try withDirectory { directory in
            try Files.makeDirectory(directory + "/sub")
            let path = directory + "/sub/log"
            let output = try LogOutput.open(path: path)
            try Files.rename(directory + "/sub", to: directory + "/moved")
            #expect(throws: SinkProblem.self) { try output.reopen() }
            output.write(severity: .info, message: "one")
            #expect(try text(directory + "/moved/log").hasSuffix("one\n"))
        }
    }

    @Test func `a pipe without reader costs no time and loses no line that fits`() throws {
        var pipe = try Pipe.make()
        guard let reader = pipe.takeReadEnd(), let writer = pipe.takeWriteEnd() else { return }
        let output = LogOutput.writing(to: LogFile(writer))
        let line = String(repeating: "x", count: 1000)
        for _ in 0..<200 { output.write(severity: .info, message: line) }
        #expect(output.lostLines == 0)
        var received = 0
        while received < 200 {
            received += try reader.readSome(limit: 65_536).count(where: { $0 == UInt8(ascii: "\n") })
        }
        #expect(received == 200)
    }

    /// A path that leads to a pipe, as /dev/stderr does: its open file is set to block, and is not used.
    @Test func `a pipe whose reader takes nothing costs lines, no time, and cuts none`() throws {
        var pipe = try Pipe.make()
        let output = try LogOutput.open(path: "/proc/self/fd/\(pipe.writeEnd)", prefixesAppLines: false)
        guard let reader = pipe.takeReadEnd() else { return }
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
        for _ in 0..<1000 { output.writeAppLine(app: "/srv/shop", pid: 1, line: line) }
        #expect(output.lostLines > 500)
        // The other end of the pipe goes with its owner: what is left ends with the log's own.
        _ = pipe.takeWriteEnd()
        var text = ""
        while !text.contains("lines of this log were lost") {
            text += String(decoding: try reader.readSome(limit: 65_536), as: UTF8.self)
            if text.utf8.count > 200_000 { output.writeAppLine(app: "/srv/shop", pid: 1, line: line) }
        }
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.utf8.count == 1000 || $0.contains("were lost") })
    }

    @Test func `lines of many threads are never mixed`() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let output = try LogOutput.open(path: path, prefixesAppLines: false)
            let threads = try (0..<4).map { number in
                try OSThread.start(name: "writer") {
                    let line = [UInt8](repeating: UInt8(ascii: "a") + UInt8(number), count: 300)
                    for _ in 0..<200 { output.writeAppLine(app: "/srv/shop", pid: 1, line: line) }
                }
            }
            for thread in threads { thread.join() }
            let lines = try text(path).split(separator: "\n")
            #expect(lines.count == 800)
            #expect(lines.allSatisfy { Set($0).count == 1 && $0.count == 300 })
        }
    }
}

extension Files {
    /// What logrotate's copytruncate does to the file.
    fileprivate static func openForTruncation(_ path: String) throws {
        let lock = try FileLock.acquire(path)
        try lock.write("")
    }
}
