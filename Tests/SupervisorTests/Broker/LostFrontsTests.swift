// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

@testable import Supervisor

struct LostFrontsTests {
    private let group = StreamGroup(connection: ConnectionID(rawValue: 1), process: ProcessID(rawValue: 2))
    private let other = StreamGroup(connection: ConnectionID(rawValue: 9), process: ProcessID(rawValue: 3))

    private func ids(_ numbers: UInt64...) -> [SessionID] { numbers.map(SessionID.init(rawValue:)) }

    @Test func `no more sessions stay than streams are open`() {
        var lost = LostFronts()
        lost.frontLost(self.group, sessions: self.ids(1, 2, 3))
        #expect(lost.streamsLeft(5, of: self.group) == [])
        #expect(lost.streamsLeft(2, of: self.group) == self.ids(3))
        #expect(lost.streamsLeft(2, of: self.group) == [])
        #expect(lost.streamsLeft(0, of: self.other) == [])
        #expect(lost.streamsLeft(0, of: self.group) == self.ids(1, 2))
        #expect(lost.isEmpty)
    }

    @Test func `a session is over once`() {
        var lost = LostFronts()
        lost.frontLost(self.group, sessions: self.ids(1, 2))
        lost.frontLost(self.other, sessions: self.ids(3))
        lost.sessionAborted(SessionID(rawValue: 1))
        #expect(lost.streamsLeft(0, of: self.group) == self.ids(2))
        lost.processGone(ProcessID(rawValue: 3))
        #expect(lost.streamsLeft(0, of: self.other) == [])
        #expect(lost.sessionCount == 0)
    }
}
