// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct LivenessTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func `a silent peer is asked, asked again, and given up`() {
        var liveness = Liveness(at: self.start)
        #expect(liveness.nextDeadline == self.start + .seconds(10))
        #expect(liveness.timePassed(to: self.start + .seconds(9)) == .nothing)
        #expect(liveness.timePassed(to: self.start + .seconds(10)) == .ping(1))
        #expect(liveness.timePassed(to: self.start + .seconds(11)) == .nothing)
        #expect(liveness.timePassed(to: self.start + .seconds(20)) == .ping(2))
        #expect(liveness.nextDeadline == self.start + .seconds(30))
        #expect(liveness.timePassed(to: self.start + .seconds(30)) == .giveUp)
    }

    @Test func `anything heard starts the wait anew`() {
        var liveness = Liveness(at: self.start)
        #expect(liveness.timePassed(to: self.start + .seconds(10)) == .ping(1))
        liveness.heard(at: self.start + .seconds(25))
        #expect(liveness.timePassed(to: self.start + .seconds(34)) == .nothing)
        #expect(liveness.timePassed(to: self.start + .seconds(35)) == .ping(2))
        #expect(liveness.timePassed(to: self.start + .seconds(55)) == .giveUp)
    }
}
