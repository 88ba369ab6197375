// SPDX-License-Identifier: MIT

import Testing

@testable import ProgramLog

@Suite struct LogBacklogTests {
    private var backlog = LogBacklog()

    private func note(_ lost: Int, _ reason: String) -> [UInt8] { Array("lost \(lost): \(reason)\n".utf8) }

    private mutating func add(_ text: String) { backlog.add(Array((text + "\n").utf8), note: note) }

    private var waiting: String { String(decoding: backlog.waiting, as: UTF8.self) }

    @Test mutating func `a line that was taken is gone`() {
        add("one")
        backlog.written(4)
        #expect(backlog.isEmpty)
        #expect(backlog.totalLostLines == 0)
    }

    @Test mutating func `what was not taken waits for the next line`() {
        add("one")
        backlog.written(2)
        add("two")
        #expect(waiting == "e\ntwo\n")
    }

    @Test mutating func `lost lines are counted and reported before the next line that gets through`() {
        add("one")
        backlog.failed(reason: "disk full")
        add("two")
        backlog.failed(reason: "disk full")
        add("three")
        #expect(waiting == "lost 2: disk full\nthree\n")
        backlog.written(waiting.utf8.count)
        #expect(backlog.lostLines == 0)
        #expect(backlog.totalLostLines == 2)
        add("four")
        #expect(waiting == "four\n")
    }

    @Test mutating func `a report that is lost itself is not counted`() {
        add("one")
        backlog.failed(reason: "disk full")
        add("two")
        backlog.failed(reason: "disk full")
        #expect(backlog.lostLines == 2)
    }

    @Test mutating func `a loss inside a line ends that line first`() {
        add("one")
        backlog.written(2)
        backlog.failed(reason: "disk full")
        add("two")
        #expect(waiting == "\nlost 1: disk full\ntwo\n")
    }

    @Test mutating func `over the limit lines are lost, not kept`() {
        let line = String(repeating: "x", count: 1023)
        for _ in 0..<300 { add(line) }
        #expect(backlog.waiting.count == LogBacklog.limit)
        #expect(backlog.totalLostLines == 300 - LogBacklog.limit / 1024)
    }
}
