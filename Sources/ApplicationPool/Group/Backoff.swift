// SPDX-License-Identifier: MIT

/// Holds spawns of a group back after failed starts.
///
/// A start has failed when the process never became ready, and when it ended young without having had a request. What
/// ends during a request is another matter: the request may be the cause, so the next process is wanted at once, and
/// nobody else's request is refused for it.
///
/// The n-th failure in a row blocks for min(60, 2^(n-1)) seconds:
///
///     failure   1  2  3  4  5   6   7 …
///     seconds   1  2  4  8  16  32  60
///
/// Only a life of ten seconds ends a row, and a restart; that a start succeeds in between does not.
struct Backoff: Equatable, Sendable {
    /// Whoever ends younger, without having had a request, counts as a failed start.
    static let youth = Duration.seconds(10)
    static let longest = Duration.seconds(60)

    /// In a row.
    private(set) var failures = 0
    /// Until then, spawn only if a request is waiting.
    private(set) var blockedUntil: Instant?
    /// Until then, do not spawn at all: the same instant, but after a cheap failure a second at most.
    private var requestsBlockedUntil: Instant?
    /// The last process came up then, and nothing failed since.
    private var lastSuccess: Instant?
    /// There is a failure to show: a failed spawn, or a second early death.
    ///
    /// One early death alone may be an accident, and the second that it costs can be waited for.
    private var hasError = false

    /// A start was given up for another group, and none has succeeded since.
    private var gaveWay = false

    /// The last start failed, or what it brought died young, or it was given up for another group.
    var isFailing: Bool { self.gaveWay || self.hasFailed }

    /// The last start failed, or what it brought died young.
    var hasFailed: Bool { self.failures > 0 && self.lastSuccess == nil }

    /// Whether a spawn that no request waits for must not begin.
    func isBlocking(at now: Instant) -> Bool {
        guard let blockedUntil else { return false }
        return now < blockedUntil
    }

    /// Whether a spawn that requests wait for must not begin.
    func isBlockingRequests(at now: Instant) -> Bool {
        guard let requestsBlockedUntil else { return false }
        return now < requestsBlockedUntil
    }

    /// When the next try is, if requests are not to wait for it but are refused with the error at hand.
    func refusing(at now: Instant) -> Instant? {
        self.hasError && self.isBlockingRequests(at: now) ? self.requestsBlockedUntil : nil
    }

    /// When a block ends next.
    func nextEnd(after now: Instant) -> Instant? {
        [self.requestsBlockedUntil, self.blockedUntil].compactMap { $0 }.filter { $0 > now }.min()
    }

    mutating func spawnSucceeded(at now: Instant) {
        self.blockedUntil = nil
        self.requestsBlockedUntil = nil
        self.lastSuccess = now
        self.gaveWay = false
    }

    /// A start that hangs was given up so that another group can have a first process.
    mutating func startGaveWay() { self.gaveWay = true }

    /// A failure is cheap when another try costs next to nothing and may end differently at any time.
    mutating func spawnFailed(isCheap: Bool, at now: Instant) {
        self.countFailure(at: now)
        self.hasError = true
        if isCheap { self.requestsBlockedUntil = now.advanced(by: Self.delay(afterFailures: 1)) }
    }

    /// A process ended without having been asked to; `hadRequests`: it may have been one of them that ended it.
    mutating func processDied(afterLiving life: Duration, hadRequests: Bool, at now: Instant) {
        guard life < Self.youth else {
            self.endRow()
            return
        }
        guard !hadRequests else { return }
        self.countFailure(at: now)
        if self.failures > 1 { self.hasError = true }
    }

    mutating func reset() { self = Backoff() }

    private mutating func countFailure(at now: Instant) {
        if let lastSuccess, now.since(lastSuccess) >= Self.youth { self.endRow() }
        self.lastSuccess = nil
        self.failures += 1
        self.blockedUntil = now.advanced(by: Self.delay(afterFailures: self.failures))
        self.requestsBlockedUntil = self.blockedUntil
    }

    private mutating func endRow() {
        self.failures = 0
        self.hasError = false
    }

    static func delay(afterFailures failures: Int) -> Duration {
        failures > 6 ? self.longest : .seconds(1 << max(0, failures - 1))
    }
}
