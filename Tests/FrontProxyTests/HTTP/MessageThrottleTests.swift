// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

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
        #expect(throttle.admit(.cutConnections, at: .uptimeNanoseconds(1)) == 0)
        #expect(throttle.admit(.descriptors, at: .uptimeNanoseconds(1)) == 0)
        #expect(throttle.admit(.cutConnections, at: .uptimeNanoseconds(1) + .seconds(1)) == 0)
    }

    private func topic(_ app: String, _ kind: LinkRefusal.Kind, _ errorID: String) -> MessageThrottle.Topic? {
        let refusal = LinkRefusal(kind, report: SpawnReport(errorID: errorID, summary: "no"))
        return RequestError(.refused(refusal)).throttleTopic(app: app)
    }

    @Test func `a refusal hides none of another app, reason or failed start`() throws {
        let throttle = MessageThrottle()
        let now = NIODeadline.uptimeNanoseconds(1)
        for other in [
            self.topic("a", .daemon(.spawnFailed), "1"), self.topic("b", .daemon(.spawnFailed), "1"),
            self.topic("a", .daemon(.backoff), "1"), self.topic("a", .daemon(.spawnFailed), "2"),
        ] {
            let topic = try #require(other)
            #expect(throttle.admit(topic, at: now) == 0)
            #expect(throttle.admit(topic, at: now) == nil)
        }
    }

    @Test func `failures without end do not fill memory, and the last of them are counted together`() throws {
        let throttle = MessageThrottle()
        var now = NIODeadline.uptimeNanoseconds(1)
        for number in 0..<MessageThrottle.maxRefusals {
            let topic = try #require(self.topic("a", .daemon(.spawnFailed), "\(number)"))
            #expect(throttle.admit(topic, at: now) == 0)
        }
        let others = ["x", "y", "z"].compactMap { self.topic($0, .daemonUnavailable, "") }
        #expect(others.map { throttle.admit($0, at: now) } == [0, nil, nil])
        now = now + .minutes(1)
        let later = try #require(self.topic("a", .daemonUnavailable, ""))
        #expect(throttle.admit(later, at: now) == 0)
        #expect(throttle.admit(.otherRefusals, at: now) == 2)
    }
}
