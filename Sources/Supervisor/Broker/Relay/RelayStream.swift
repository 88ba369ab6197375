// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// One end of a stream: a socket, and what is on its way to it.
///
/// Confined to the relay's thread.
final class RelayEnd {
    let side: RelayMachine.Side
    let socket: SharedDescriptor
    /// Its place in the relay's loop, once it has one.
    var source: EpollLoop.Source?
    /// What its socket did not take; bounded by one read, because reading pauses while there is any.
    var outbound = ByteBuffer()

    init(_ side: RelayMachine.Side, _ socket: SharedDescriptor) {
        self.side = side
        self.socket = socket
    }

    var number: Int32 { self.socket.rawValue }

    static let usualEvents: Epoll.Events = [.readable, .peerShutdown, .edgeTriggered]
    static let eventsWhenFull: Epoll.Events = [.readable, .peerShutdown, .edgeTriggered, .writable]
}

extension RelayMachine {
    mutating func note(_ events: Epoll.Events, at side: Side) {
        if events.contains(.readable) { self.ready(side) }
        // The usual case: data, and nothing else.
        guard events != .readable else { return }
        if events.contains(.peerShutdown) { self.endAnnounced(side) }
        if events.contains(.hangUp) || events.contains(.failed) { self.hungUp(side) }
    }
}

/// Streams whose app did not read all that was sent to it, because it had closed its end; the latest ones.
///
/// A request that was written on one of them, and whose process takes it in by one read, was not seen by anybody.
struct UnreadStreams {
    /// Fronts ask at once; an app that leaves more than that unread meanwhile costs requests of its own.
    static let capacity = 1024

    private var groups: [StreamNumber: StreamGroup] = [:]
    private var order: CircularBuffer<StreamNumber> = []

    var count: Int { self.groups.count }

    mutating func insert(_ number: StreamNumber, of group: StreamGroup) {
        guard self.groups.updateValue(group, forKey: number) == nil else { return }
        self.order.append(number)
        if self.order.count > Self.capacity, let oldest = self.order.popFirst() { self.groups[oldest] = nil }
    }

    /// Nobody is told about the streams of others.
    func contains(_ number: StreamNumber, of group: StreamGroup) -> Bool { self.groups[number] == group }
}

/// A front's connection and an app's connection that are one stream.
///
/// Confined to the relay's thread.
final class RelayStream {
    enum Phase {
        /// The app's backlog is full, or its address takes time; since when, and after how many tries.
        case connecting(since: UInt64, tries: Int)
        /// Connected over TCP to somebody of whom the kernel does not say yet who it is.
        case checking(since: UInt64, tries: Int)
        case open
        /// The front's end is gone; what the app still says is dropped.
        case draining
        case closed
    }

    struct Deadline {
        /// In nanoseconds of `MonotonicClock`.
        let moment: UInt64
        let timer: EpollLoop.Timer
    }

    let slot: Int
    let number: StreamNumber
    /// The front's `Hello` says that it can read the number.
    let tellsNumber: Bool
    /// The front's `Hello` says that it takes the app's socket, and it has written nothing yet.
    let mayBeLent: Bool
    let group: StreamGroup
    let mostSessions: Int
    /// Among the streams that are open and that a front uses.
    var place: StreamPlace?
    let address: AppAddress
    let label: ProcessLabel
    let front: RelayEnd
    let ticket: ConnectionTicket
    var app: RelayEnd?
    /// Of the stream that is open.
    var machine = RelayMachine()
    var phase: Phase
    /// What the front sent along with its `Hello`, until the app is connected.
    var early: ByteBuffer
    /// When it is tried again or given up.
    var deadline: Deadline?

    init(
        slot: Int,
        number: StreamNumber,
        features: UInt64,
        entry: StreamDirectory.Entry,
        front: RelayEnd,
        ticket: ConnectionTicket,
        early: ByteBuffer,
        at now: UInt64
    ) {
        self.slot = slot
        self.number = number
        self.tellsNumber = features & WireFeature.streamFates != 0
        self.mayBeLent = features & WireFeature.handedOverStreams != 0 && early.readableBytes == 0
        self.group = entry.group
        self.mostSessions = entry.mostSessions
        self.address = entry.address
        self.label = entry.label
        self.front = front
        self.ticket = ticket
        self.early = early
        self.phase = .connecting(since: now, tries: 0)
    }

    var isClosed: Bool { if case .closed = self.phase { true } else { false } }
    var isDraining: Bool { if case .draining = self.phase { true } else { false } }
    /// Nothing was sent to the app yet, nor may it be.
    var isConnecting: Bool {
        switch self.phase {
        case .connecting, .checking: true
        case .open, .draining, .closed: false
        }
    }
}
