// SPDX-License-Identifier: MIT

import NIOCore

/// How often each user may ask for the state of the daemon: an answer costs a look at every process.
///
/// Nobody is refused. Who asks faster than `interval`, beyond the first `burst` requests, is answered later, so that a
/// loop in a script is slowed down and a flood costs the daemon no more than one.
struct RequestRates {
    static let interval = TimeAmount.milliseconds(50)
    static let burst = 40

    /// When the next request of a user is due that had no burst to use up.
    private var due: [UInt32: NIODeadline] = [:]

    /// Users that are kept in mind; for tests.
    var count: Int { self.due.count }

    /// How long one more request of the user has to wait.
    mutating func wait(of uid: UInt32, at now: NIODeadline) -> TimeAmount {
        if self.due.count >= 1024 { self.due = self.due.filter { $0.value > now } }
        let mine = max(self.due[uid] ?? now, now)
        self.due[uid] = mine + Self.interval
        let credit = Self.interval * Self.burst
        return max(.zero, mine - now - credit + Self.interval)
    }
}
