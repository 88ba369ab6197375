// SPDX-License-Identifier: MIT

import ApplicationPool
import NIOCore

/// The one timer of the pool.
///
/// It only ever moves forward in time by firing: an earlier deadline replaces it, a later one waits for the look
/// at everything that follows from firing.
struct PoolTimer {
    private var scheduled: Scheduled<Void>?
    private var deadline: Instant?

    /// Whether it would fire after `next`, or not at all.
    func isTooLate(for next: Instant) -> Bool {
        guard let deadline else { return true }
        return next < deadline
    }

    /// Has `fire` called at `next` and at no other time.
    mutating func arm(for next: Instant, on eventLoop: any EventLoop, _ fire: @escaping () -> Void) {
        self.scheduled?.cancel()
        self.deadline = next
        self.scheduled = eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(next.nanoseconds),
            fire
        )
    }

    mutating func fired() {
        self.scheduled = nil
        self.deadline = nil
    }
}
