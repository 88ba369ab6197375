// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct OutputLinesTests {
    private func feed(_ lines: inout OutputLines, _ bytes: [UInt8], at now: Duration = .zero) -> [OutputLines.Item] {
        var items: [OutputLines.Item] = []
        bytes.withUnsafeBytes { buffer in lines.received(buffer, at: now) { items.append($0) } }
        return items
    }

    private func finish(_ lines: inout OutputLines) -> [OutputLines.Item] {
        var items: [OutputLines.Item] = []
        lines.finish { items.append($0) }
        return items
    }

    private func line(_ text: String) -> OutputLines.Item { .line(Array(text.utf8)) }

    @Test func `any cut gives the same lines, the last one at the end`() {
        let text = Array("one\n\ntwo\nthree".utf8)
        for cut in 0...text.count {
            var lines = OutputLines()
            var items = feed(&lines, Array(text[..<cut]))
            items += feed(&lines, Array(text[cut...]))
            items += finish(&lines)
            #expect(items == [line("one"), line(""), line("two"), line("three")])
        }
    }

    @Test func `long lines are cut, and bytes are kept as they are`() {
        var lines = OutputLines()
        let long = Array(repeating: UInt8(0xFF), count: 20_000)
        let items = feed(&lines, long + [UInt8(ascii: "\n")])
        let parts = items.compactMap { item -> [UInt8]? in
            guard case .line(let line) = item else { return nil }
            return line
        }
        #expect(parts.map(\.count) == [8192, 8192, 3616])
        #expect(parts.flatMap { $0 } == long)
    }

    @Test func `a flood is dropped by whole lines, and counted`() {
        var lines = OutputLines(budget: OutputBudget(burst: 30, bytesPerSecond: 10))
        let flood = Array(String(repeating: "123456789\n", count: 10).utf8)
        let first = feed(&lines, flood)
        #expect(first == [line("123456789"), line("123456789"), line("123456789")])
        let second = feed(&lines, Array("x\n".utf8), at: .seconds(2))
        #expect(second == [.dropped(7), line("x")])
        let last = finish(&lines)
        #expect(last == [])
    }

    @Test func `what was dropped last is noted at the end`() {
        var lines = OutputLines(budget: OutputBudget(burst: 5, bytesPerSecond: 0))
        let early = feed(&lines, Array("abc\n123456789\n".utf8))
        #expect(early == [line("abc")])
        let late = finish(&lines)
        #expect(late == [.dropped(1)])
    }

    @Test func `a flood without a line end needs little memory and few lines`() {
        var lines = OutputLines()
        let chunk = [UInt8](repeating: UInt8(ascii: "y"), count: 64 * 1024)
        var count = 0
        for _ in 0..<1_024 {
            chunk.withUnsafeBytes { buffer in lines.received(buffer, at: .zero) { _ in count += 1 } }
        }
        #expect(count <= OutputBudget.burst / OutputLines.maxLineBytes)
        #expect(lines.tail.text.utf8.count <= lines.tail.limit)
    }

    @Test func `the budget fills up again with time, never beyond its burst`() {
        var budget = OutputBudget(burst: 100, bytesPerSecond: 10)
        let asked: [(Int, Duration)] = [
            (100, .zero), (1, .zero), (6, .milliseconds(500)), (10, .seconds(1)), (101, .seconds(1_000_000)),
            (100, .seconds(1_000_000)),
        ]
        let given = asked.map { budget.take($0.0, at: $0.1) }
        #expect(given == [true, false, false, true, false, true])
    }
}

@Suite struct OutputTailTests {
    private func tail(_ parts: [String], limit: Int) -> OutputTail {
        var tail = OutputTail(limit: limit)
        for part in parts { Array(part.utf8).withUnsafeBytes { tail.append($0) } }
        return tail
    }

    @Test func `all of it is there while it is short`() {
        #expect(tail(["a\n", "b\r\n\n"], limit: 100).text == "a\nb")
        #expect(tail([], limit: 100).text == "")
    }

    @Test func `later bytes push out earlier ones, whole lines at a time`() {
        let lines = (0..<1000).map { "line \($0)\n" }
        let text = tail(lines, limit: 50).text
        #expect(text.hasPrefix("line ") && text.hasSuffix("line 999"))
        #expect(text.utf8.count <= 50)
    }

    @Test func `one long piece keeps its end, and broken UTF-8 is repaired`() {
        #expect(tail([String(repeating: "x", count: 100)], limit: 10).text == "xxxxxxxxxx")
        var tail = OutputTail(limit: 10)
        [UInt8(0xC3), 0x28].withUnsafeBytes { tail.append($0) }
        #expect(tail.text == "\u{FFFD}(")
    }
}
