// SPDX-License-Identifier: MIT

import Glibc

/// Waiting for one or a few descriptors, without an epoll instance (poll(2)).
package enum Poll {
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }

        package static let readable = Readiness(rawValue: Int16(POLLIN))
        package static let writable = Readiness(rawValue: Int16(POLLOUT))
        package static let hangUp = Readiness(rawValue: Int16(POLLHUP))
        package static let failed = Readiness(rawValue: Int16(POLLERR))
    }

    /// Waits until `descriptor` is ready or the time is over; empty when it is over.
    ///
    /// `nil` waits for ever.
    package static func wait(
        _ descriptor: Int32,
        for readiness: Readiness,
        timeout: Duration?
    ) throws(SystemError) -> Readiness {
        try wait([(descriptor, readiness)], timeout: timeout)[0]
    }

    /// The same for several descriptors; the answer has one entry for each, in their order.
    package static func wait(
        _ wanted: [(descriptor: Int32, readiness: Readiness)],
        timeout: Duration?
    ) throws(SystemError) -> [Readiness] {
        let deadline = timeout.map { MonotonicClock.now + UInt64(max($0, .zero).wholeNanoseconds) }
        var entries = wanted.map { pollfd(fd: $0.descriptor, events: $0.readiness.rawValue, revents: 0) }
        while true {
            let result = poll(&entries, nfds_t(entries.count), remainingMilliseconds(until: deadline))
            let code = errno
            if result >= 0 { return entries.map { Readiness(rawValue: $0.revents) } }
            if code != EINTR { throw SystemError(call: "poll", code: code) }
        }
    }

    /// Rounded up, so that a wait never ends before its time.
    private static func remainingMilliseconds(until deadline: UInt64?) -> Int32 {
        guard let deadline else { return -1 }
        let now = MonotonicClock.now
        guard deadline > now else { return 0 }
        return Int32(clamping: (deadline - now + 999_999) / 1_000_000)
    }
}

extension Duration {
    /// Rounded towards zero; what does not fit is the largest or smallest number.
    package var wholeNanoseconds: Int64 { wholeUnits(perSecond: 1_000_000_000) }

    /// Rounded towards zero; what does not fit is the largest or smallest number.
    package var wholeMilliseconds: Int64 { wholeUnits(perSecond: 1_000) }

    private func wholeUnits(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLarge) = seconds.multipliedReportingOverflow(by: units)
        let (sum, isTooMuch) = product.addingReportingOverflow(attoseconds / (1_000_000_000_000_000_000 / units))
        return isTooLarge || isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}
