// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct LinkNotesTests {
    private let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func `a link is named once an hour`() {
        let notes = LinkNotes()
        #expect(notes.line(about: "/srv/a/link", below: "/srv/a", at: begin) == .log)
        #expect(notes.line(about: "/srv/a/link", below: "/srv/a", at: begin + .minutes(59)) == .keepQuiet)
        #expect(notes.line(about: "/srv/a/link", below: "/srv/a", at: begin + .hours(1)) == .log)
    }

    @Test func `links of one document root hide none of another's`() {
        let notes = LinkNotes()
        let verdicts = (1...1000).map { notes.line(about: "/srv/a/\($0)", below: "/srv/a", at: begin) }
        let named = LinkNotes.maxLinks
        #expect(verdicts[..<named].dropLast().allSatisfy { $0 == .log })
        #expect(verdicts[named - 1] == .logAsLast)
        #expect(verdicts[named...].allSatisfy { $0 == .keepQuiet })
        #expect(notes.line(about: "/srv/b/link", below: "/srv/b", at: begin) == .log)
        // The same link on the way to two roots is the matter of both.
        #expect(notes.line(about: "/srv/a/1", below: "/srv/b", at: begin) == .log)
    }

    @Test func `names that differ in their bytes are two links`() {
        let notes = LinkNotes()
        #expect(notes.line(about: "/srv/a/caf\u{E9}", below: "/srv/a", at: begin) == .log)
        #expect(notes.line(about: "/srv/a/cafe\u{301}", below: "/srv/a", at: begin) == .log)
    }
}
