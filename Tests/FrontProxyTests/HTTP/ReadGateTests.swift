// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct ReadGateTests {
    @Test func `reads pass while it is not paused`() {
        var gate = ReadGate()
        let answers = [gate.mayRead(), gate.resume(), gate.mayRead()]
        #expect(answers == [true, false, true])
    }

    @Test func `a read that was held back is due once, at the resume`() {
        var gate = ReadGate()
        gate.pause()
        let held = [gate.mayRead(), gate.mayRead()]
        #expect(held == [false, false])
        let due = [gate.resume(), gate.resume()]
        #expect(due == [true, false])
        gate.pause()
        let nothingHeld = gate.resume()
        #expect(!nothingHeld)
    }
}
