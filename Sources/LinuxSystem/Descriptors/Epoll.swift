// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Readiness of many descriptors (epoll(7)); level-triggered unless asked otherwise.
package struct Epoll: ~Copyable, Sendable {
    package struct Events: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// What `isDisjoint` denies; for loops in which each look counts.
        package func hasAny(of others: Events) -> Bool { rawValue & others.rawValue != 0 }

        package static let readable = Events(rawValue: EPOLLIN.rawValue)
        package static let writable = Events(rawValue: EPOLLOUT.rawValue)
        /// The peer has shut down its writing half.
        package static let peerShutdown = Events(rawValue: EPOLLRDHUP.rawValue)
        /// Always reported, never asked for.
        package static let hangUp = Events(rawValue: EPOLLHUP.rawValue)
        /// Always reported, never asked for.
        package static let failed = Events(rawValue: EPOLLERR.rawValue)
        /// Out-of-band data of a TCP or Unix connection.
        package static let urgent = Events(rawValue: EPOLLPRI.rawValue)
        package static let edgeTriggered = Events(rawValue: EPOLLET.rawValue)
        /// All that tells of an end (of what the peer sends, of both ways, of the connection), and urgent data.
        package static var endsOrUrgent: Events {
            Events(rawValue: EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLPRI.rawValue)
        }
        /// Nothing comes and nothing goes any more.
        package static var ofAllWays: Events { Events(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue) }
        /// Only one of several waiting epoll instances is woken.
        package static let exclusive = Events(rawValue: EPOLLEXCLUSIVE.rawValue)
    }

    /// One reported descriptor.
    package struct Event: Equatable, Sendable {
        package let token: UInt64
        package let events: Events

        package init(token: UInt64, events: Events) {
            self.token = token
            self.events = events
        }
    }

    /// Room for the answers of one wait; made once per thread and used again.
    package struct EventBuffer: ~Copyable {
        fileprivate let storage: UnsafeMutableBufferPointer<epoll_event>

        package init(capacity: Int) {
            storage = .allocate(capacity: max(1, capacity))
            storage.initialize(repeating: epoll_event())
        }

        package subscript(_ index: Int) -> Event {
            Event(token: storage[index].data.u64, events: Events(rawValue: storage[index].events))
        }

        deinit { storage.deallocate() }
    }

    private let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try checked("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    /// Readable when any descriptor in it is: an epoll instance can be watched by another one.
    package var rawValue: Int32 { descriptor.rawValue }

    package func add(_ number: Int32, for events: Events, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, number, events, token)
    }

    package func modify(_ number: Int32, for events: Events, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_MOD, number, events, token)
    }

    package func remove(_ number: Int32) throws(SystemError) {
        try control(EPOLL_CTL_DEL, number, [], 0)
    }

    private func control(
        _ operation: Int32,
        _ number: Int32,
        _ events: Events,
        _ token: UInt64
    ) throws(SystemError) {
        var event = epoll_event(events: events.rawValue, data: epoll_data_t(u64: token))
        _ = try checked("epoll_ctl", "descriptor \(number)") {
            epoll_ctl(descriptor.rawValue, operation, number, &event)
        }
    }

    /// Waits for events and returns how many are in `buffer`; 0 when the time is over or a signal came.
    ///
    /// `nil` waits for ever.
    package func wait(_ buffer: inout EventBuffer, timeout: Duration? = nil) throws(SystemError) -> Int {
        let milliseconds = timeout.map { Int32(clamping: max($0, .zero).wholeMilliseconds) } ?? -1
        return try wait(&buffer, milliseconds: milliseconds)
    }

    /// The same with epoll's own unit; -1 waits for ever.
    package func wait(_ buffer: inout EventBuffer, milliseconds: Int32) throws(SystemError) -> Int {
        let count = epoll_wait(
            descriptor.rawValue,
            buffer.storage.baseAddress,
            Int32(clamping: buffer.storage.count),
            milliseconds
        )
        let code = errno
        if count >= 0 { return Int(count) }
        if code == EINTR { return 0 }
        throw SystemError(call: "epoll_wait", code: code)
    }
}

/// Wakes a thread that waits in epoll or poll (eventfd(2)).
package struct WakeUp: ~Copyable, Sendable {
    private let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try checked("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
        )
    }

    /// Readable from `wake` until `clear`.
    package var rawValue: Int32 { descriptor.rawValue }

    /// From any thread.
    package func wake() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the other side is woken anyway.
        while Glibc.write(descriptor.rawValue, &one, 8) < 0, errno == EINTR {}
    }

    package func clear() {
        var count: UInt64 = 0
        while Glibc.read(descriptor.rawValue, &count, 8) < 0, errno == EINTR {}
    }
}
