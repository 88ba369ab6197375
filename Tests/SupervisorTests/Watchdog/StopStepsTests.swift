// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct StopStepsTests {
    @Test func `three signals stop gracefully, hurry and end`() {
        var steps = StopSteps()
        #expect(!steps.isStopping)
        #expect(steps.stopRequested() == .stopGracefully)
        #expect(steps.state == .graceful)
        #expect(steps.stopRequested() == .hurry)
        #expect(steps.state == .hurried)
        #expect(steps.stopRequested() == .endAtOnce)
        #expect(steps.state == .forced)
        #expect(steps.stopRequested() == .ignored(reason: "the end is already under way"))
        #expect(steps.isStopping)
    }
}
