// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct WorkerLogLinesTests {
    private func lines(_ text: String, pieces: Int) -> [String] {
        var lines = WorkerLogLines()
        var found: [[UInt8]] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            found += lines.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        if let last = lines.takeRest() { found.append(last) }
        return found.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [1, 2, 5, 100])
    func `lines are found however they are cut, and empty ones dropped`(_ pieces: Int) {
        #expect(lines("<4>one\n\n\ntwo\nthree", pieces: pieces) == ["<4>one", "two", "three"])
    }

    @Test func `a line without end is cut once, and the next one is whole`() {
        let limit = WorkerLogLines.maxLine
        let found = lines(String(repeating: "x", count: 10 * limit) + "\nnext\n", pieces: 1000)
        #expect(found == [String(repeating: "x", count: limit) + " […]", "next"])
    }
}

struct BytePaceTests {
    @Test func `a burst is free, and after it so much a second`() {
        var pace = BytePace(perSecond: 1_000, burst: 5_000, at: 0)
        func allows(_ now: UInt64) -> Bool { pace.allows(at: now) }
        #expect(allows(0))
        pace.took(7_000)
        #expect(!allows(1_000_000_000))
        #expect(pace.pause > 1_000_000_000)
        #expect(!allows(1_999_000_000))
        #expect(allows(2_010_000_000))
        #expect(pace.pause == 0)
        #expect(allows(.max))
        pace.took(5_000)
        #expect(!allows(.max), "no more than a burst is saved up")
        #expect(!allows(0), "time that goes back changes nothing")
    }
}
