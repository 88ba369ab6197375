// SPDX-License-Identifier: MIT

/// Paces the starts of a group whose processes end young in the middle of requests.
///
/// Such an end is no failed start (see `Backoff`): nobody is refused for it, and the next process is wanted at once. But a
/// start costs the machine the same, whatever ended the process before; one that is killed as soon as it is ready would be
/// started again a dozen times a second, at the cost of everybody. So after a few in a row there is one start a second. Requests
/// wait for it as for any other start, or go to the other processes of the group.
///
///     young end   1  2  3  4  5  6  7  8 …      all at once
///     next start  at once ─────┘  1  2  3 …     seconds later
///
/// A process that has served a fair number of requests was worth its start, and does not count.
struct RestartPace: Equatable, Sendable {
    /// Young ends that cost no time.
    static let atOnce = 5
    /// Between starts after that; each such time without a young end makes one more cost nothing.
    static let interval = Duration.seconds(1)
    /// Requests that are worth a start.
    static let worth = 10

    /// When all that was counted is forgotten.
    private var settledAt: Instant?

    /// A process ended by itself that had requests.
    mutating func processDied(afterLiving life: Duration, served: Int, at now: Instant) {
        guard life < Backoff.youth, served < Self.worth else { return }
        self.settledAt = max(self.settledAt ?? now, now).advanced(by: Self.interval)
    }

    /// No start before, if not now.
    func end(after now: Instant) -> Instant? {
        guard let settledAt, settledAt > now.advanced(by: Self.interval * Self.atOnce) else { return nil }
        let credit = (Self.interval * Self.atOnce).wholeNanoseconds
        return Instant(nanoseconds: settledAt.nanoseconds - credit)
    }
}
