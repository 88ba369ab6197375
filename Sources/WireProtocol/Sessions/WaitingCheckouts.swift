// SPDX-License-Identifier: MIT

import NIOCore

/// Checkouts that wait for a connection to the daemon, in the order of their arrival.
///
/// In an outage there may be thousands: to add one, to take one back and to know when the first has waited too long cost the
/// same however many they are.
struct WaitingCheckouts: Sendable {
    static let patience = TimeAmount.milliseconds(WireLimits.reconnectWaitMilliseconds)

    /// May hold some that were taken back since.
    private var ids: [RequestID] = []
    private var live = 0
    /// When the wait of the first is over, or earlier if that one was taken back since.
    private(set) var firstEnd: NIODeadline?

    mutating func append(_ id: RequestID, since: NIODeadline) {
        self.ids.append(id)
        self.noted(1, since: since)
    }

    /// Those go before all that are here.
    mutating func prepend(_ ids: [RequestID], since: NIODeadline) {
        guard !ids.isEmpty else { return }
        self.ids = ids + self.ids
        self.noted(ids.count, since: since)
    }

    /// One was taken back; which one that was shows when they are taken.
    mutating func oneLeft() {
        self.live -= 1
        if self.live == 0 { _ = self.takeAll() }
    }

    mutating func takeAll() -> [RequestID] {
        defer { self = WaitingCheckouts() }
        return self.ids
    }

    private mutating func noted(_ count: Int, since: NIODeadline) {
        self.live += count
        let end = since + Self.patience
        self.firstEnd = min(self.firstEnd ?? end, end)
    }
}
