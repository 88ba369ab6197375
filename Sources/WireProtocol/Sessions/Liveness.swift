// SPDX-License-Identifier: MIT

package import NIOCore

/// Notices a peer that went silent: asks by `Ping`, then gives up.
///
/// Both ends of a control connection run one.
package struct Liveness: Sendable {
    package enum Action: Hashable, Sendable {
        case nothing
        case ping(UInt64)
        case giveUp
    }

    private var lastHeard: NIODeadline
    private var lastPing: NIODeadline?
    private var pings: UInt64 = 0

    package init(at now: NIODeadline) { self.lastHeard = now }

    /// Something arrived, whatever it was.
    package mutating func heard(at now: NIODeadline) {
        self.lastHeard = now
        self.lastPing = nil
    }

    package mutating func timePassed(to now: NIODeadline) -> Action {
        guard now - self.lastHeard < .milliseconds(WireLimits.silenceMilliseconds) else { return .giveUp }
        guard now >= self.nextPing else { return .nothing }
        self.lastPing = now
        self.pings += 1
        return .ping(self.pings)
    }

    /// When `timePassed` has something to do if nothing is heard until then.
    package var nextDeadline: NIODeadline {
        min(self.nextPing, self.lastHeard + .milliseconds(WireLimits.silenceMilliseconds))
    }

    private var nextPing: NIODeadline {
        (self.lastPing ?? self.lastHeard) + .milliseconds(WireLimits.pingAfterMilliseconds)
    }
}
