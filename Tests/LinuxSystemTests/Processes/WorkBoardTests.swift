// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

/// One board is in force in a process at a time, and other tests of this process may note their work on it: who is found
/// there after a death is tried by the programs.
@Suite(.serialized) struct WorkBoardTests {
    private static func text(_ text: String) -> [UInt8] {
        Array(text.utf8) + Array(repeating: 0, count: WorkBoard.textBytes - text.utf8.count)
    }

    @Test func `work gives its result or its error`() throws {
        _ = try WorkBoard.make()
        let subject = WorkBoard.Subject(number: WorkBoard.Subject.maxCount)
        WorkBoard.name(subject, Self.text("/srv/a"))
        #expect(WorkBoard.run(subject) { WorkBoard.run(.none) { 7 } } == 7)
        #expect(throws: SystemError.self) {
            try WorkBoard.run(subject) { throw SystemError(call: "open", code: 1) }
        }
    }

    @Test func `who is to be left alone is read as it was written, and may be lifted`() throws {
        _ = try WorkBoard.make()
        #expect(WorkBoard.held == [])
        let held = (1...3).map { WorkBoard.Held(text: Self.text("/srv/\($0)"), until: UInt64($0), crashes: 2) }
        WorkBoard.held = held
        #expect(WorkBoard.held == held)
        WorkBoard.lift(Self.text("/srv/2"))
        #expect(WorkBoard.held.map(\.isLifted) == [false, true, false])
        _ = try WorkBoard.make()
        #expect(WorkBoard.held == [], "a new board has nothing of the one before")
    }
}
