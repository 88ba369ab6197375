// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct MessageThrottleTests {
    @Test func `one message a minute tells how many were left out`() {
        let throttle = MessageThrottle()
        let start = NIODeadline.uptimeNanoseconds(1)
        #expect(throttle.admit(.temporaryFile, at: start) == 0)
        #expect(throttle.admit(.temporaryFile, at: start + .seconds(1)) == nil)
        #expect(throttle.admit(.temporaryFile, at: start + .seconds(59)) == nil)
        #expect(throttle.admit(.temporaryFile, at: start + .minutes(1)) == 2)
        #expect(throttle.admit(.temporaryFile, at: start + .minutes(3)) == 0)
    }

    @Test func `topics do not hide each other`() {
        let throttle = MessageThrottle()
        #expect(throttle.admit(.refusal, at: .uptimeNanoseconds(1)) == 0)
        #expect(throttle.admit(.descriptors, at: .uptimeNanoseconds(1)) == 0)
        #expect(throttle.admit(.refusal, at: .uptimeNanoseconds(1) + .seconds(1)) == 0)
    }
}
