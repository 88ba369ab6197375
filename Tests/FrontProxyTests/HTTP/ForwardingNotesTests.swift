// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct ForwardingNotesTests {
    @Test func `addresses that filled the memory are forgotten after an hour`() {
        let notes = ForwardingNotes()
        let start = NIODeadline.uptimeNanoseconds(1)
        for index in 0..<ForwardingNotes.maxAddresses { _ = notes.count("a\(index)", at: start) }
        #expect(notes.count("late", at: start + .minutes(59)) == 0)
        #expect(notes.count("late", at: start + .hours(1)) == 1)
        #expect(notes.count("late", at: start + .hours(1)) == 2)
    }
}
