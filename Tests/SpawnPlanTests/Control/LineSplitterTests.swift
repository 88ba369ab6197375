// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct LineSplitterTests {
    @Test func `lines come whole however the bytes were cut`() {
        let text = Array("one\n\nthree\nrest".utf8)
        for cut in 0...text.count {
            var splitter = LineSplitter(limit: 100)
            var lines: [String] = []
            for part in [text[..<cut], text[cut...]] {
                splitter.append(part)
                while let line = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(lines == ["one", "", "three"])
            let rest = splitter.takeRest()
            #expect(rest == Array("rest".utf8))
        }
    }

    @Test func `a line beyond the limit is noticed`() {
        var splitter = LineSplitter(limit: 3)
        splitter.append(Array("abc".utf8))
        let first = splitter.next()
        #expect(first == nil && !splitter.isOverlong)
        splitter.append(Array("d".utf8))
        let second = splitter.next()
        #expect(second == nil && splitter.isOverlong)
    }
}
