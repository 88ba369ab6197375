// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOEmbedded
import SpawnPlan
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// The desk on a clock that the test moves, with work that it holds back.
struct FailureDeskTests {
    private let directory: TestDirectory
    private let loop = EmbeddedEventLoop()
    private let work = FakeFileWork()
    private let log = CollectedLog()
    private let desk: FailureDesk

    init() throws {
        self.directory = try TestDirectory()
        let log = self.log
        self.desk = FailureDesk(
            eventLoop: self.loop,
            work: self.work,
            directory: self.directory.path,
            logger: Logger(label: "test") { _ in log }
        )
    }

    private final class Answers {
        var ids: [String] = []
        var filed: [FiledFailure] = []
    }

    private func report(_ id: UInt32, _ category: SpawnFailure.Category = .app, into answers: Answers) throws {
        try self.report(id, category, to: self.desk, into: answers)
    }

    private func report(
        _ id: UInt32,
        _ category: SpawnFailure.Category = .app,
        to desk: FailureDesk,
        into answers: Answers
    ) throws {
        let failure = StartContext(id: ErrorID(id))
            .failure(SpawnFailure.Cause(category, nil, "it failed", step: .app), at: .zero)
        let key = GroupKey(namespace: .authority, name: "/srv/shop")
        let app = FailedApp(key: key, settings: try PoolBench.settings())
        desk.report(failure, of: app, at: FailureTime(Instant(nanoseconds: 0))) { outcome in
            answers.ids.append(outcome.filed.id.description)
            answers.filed.append(outcome.filed)
        }
    }

    @Test func `a failure gets a file that only the daemon's user may read`() throws {
        let answers = Answers()
        try self.report(0xabc, into: answers)
        let path = try #require(answers.filed.first?.file)
        #expect(path == self.directory.file("00000abc.txt"))
        #expect(try FileStatus(path: path).mode == 0o600)
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        #expect(text.contains("Error 00000abc") && text.contains("it failed"))
        let json = try #require(answers.filed.first?.details)
        #expect(FailureReport(json: json.readableBytesView)?.errorID == "00000abc")
    }

    @Test func `one is filed after the other, and all are answered in order`() throws {
        self.work.isHanging = true
        let answers = Answers()
        for id in UInt32(1)...3 { try self.report(id, into: answers) }
        #expect(self.work.held.count == 1 && answers.ids.isEmpty)
        for _ in 0..<3 { self.work.finish() }
        #expect(answers.ids == ["00000001", "00000002", "00000003"])
        #expect(answers.filed.allSatisfy { $0.file != nil })
    }

    @Test func `a disk that hangs holds nothing up, and is not asked again before it answered`() throws {
        self.work.isHanging = true
        let answers = Answers()
        try self.report(1, into: answers)
        try self.report(2, into: answers)
        self.loop.advanceTime(by: .milliseconds(999))
        #expect(answers.ids.isEmpty)
        self.loop.advanceTime(by: .milliseconds(1))
        #expect(answers.ids == ["00000001", "00000002"])
        try self.report(3, into: answers)
        #expect(answers.ids.count == 3 && self.work.held.count == 1)
        #expect(answers.filed.allSatisfy { $0.file == nil && $0.details != nil })
        #expect(self.log.messages.count == 1, "\(self.log.messages)")
        // Late, and of no more interest; the next one is filed as ever.
        self.work.finish()
        #expect(answers.ids.count == 3)
        self.work.isHanging = false
        try self.report(4, into: answers)
        #expect(answers.filed.last?.file != nil)
    }

    @Test func `a slow disk makes nobody wait longer than its patience, whoever is before`() throws {
        self.work.isHanging = true
        let answers = Answers()
        for id in UInt32(1)...4 { try self.report(id, into: answers) }
        for _ in 0..<2 {
            self.loop.advanceTime(by: .milliseconds(400))
            self.work.finish()
        }
        #expect(answers.ids.count == 2)
        self.loop.advanceTime(by: .milliseconds(200))
        #expect(answers.ids == ["00000001", "00000002", "00000003", "00000004"])
    }

    @Test func `more than can wait are answered at once`() throws {
        self.work.isHanging = true
        let answers = Answers()
        for id in 0..<UInt32(FailureDesk.limit + 11) { try self.report(id, into: answers) }
        #expect(answers.ids.count == 10)
    }

    @Test func `a full disk is one line in the log until it has room again`() throws {
        let answers = Answers()
        let gone = FailureDesk(
            eventLoop: self.loop,
            work: self.work,
            directory: self.directory.file("missing"),
            logger: Logger(label: "test") { [log] _ in log }
        )
        for _ in 0..<3 { try self.report(7, to: gone, into: answers) }
        #expect(self.log.messages == ["details of a failure cannot be written to a file"])
        try Files.makeDirectory(self.directory.file("missing"))
        try self.report(7, to: gone, into: answers)
        try Files.removeTree(self.directory.file("missing"))
        try self.report(7, to: gone, into: answers)
        #expect(answers.filed.map { $0.file != nil } == [false, false, false, true, false])
        #expect(self.log.messages.count == 2)
        #expect(answers.filed.allSatisfy { $0.details != nil })
    }

    @Test func `an empty app root is reported and leaves no file`() throws {
        let answers = Answers()
        try self.report(1, .noApplication, into: answers)
        #expect(answers.filed.first?.file == nil && answers.filed.first?.details != nil)
        #expect(try Files.list(self.directory.path) == [])
    }

    @Test func `the newest fifty files are kept`() throws {
        let files = DetailsFiles(directory: self.directory.path)
        for number in 0..<60 {
            _ = try files.write("\(number)", errorID: String(1000 + number))
            // Older than the next one, whatever the clock of the file system.
            try eventually("a later time of change") {
                let path = try self.directory.write("", to: "probe")
                defer { try? Files.remove(path) }
                let last = try FileStatus(path: self.directory.file("\(1000 + number).txt"))
                return try FileStatus(path: path).modificationTime > last.modificationTime
            }
        }
        let names = try Files.list(self.directory.path)
        #expect(names == (10..<60).map { "\(1000 + $0).txt" })
    }
}

/// Keeps the messages that were logged.
final class CollectedLog: LogHandler, Sendable {
    private let lines = Mutex<[(message: String, facts: Logger.Metadata)]>([])

    var messages: [String] { self.lines.withLock { $0.map(\.message) } }
    var facts: [Logger.Metadata] { self.lines.withLock { $0.map(\.facts) } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        self.lines.withLock { $0.append(("\(event.message)", event.metadata ?? [:])) }
    }
}
