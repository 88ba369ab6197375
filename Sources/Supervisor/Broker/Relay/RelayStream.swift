// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// One end of a stream: a socket, and what is on its way to it.
///
/// Confined to the relay's thread.
///
/// Readiness is edge-triggered: `mayRead` remembers an edge until a read has shown that nothing is left.
final class RelayEnd {
    let socket: SharedDescriptor
    /// Its place in the relay's loop, once it has one.
    var source: EpollLoop.Source?
    var mayRead = false
    /// The far side has shut down or is gone: what is left to read ends with an end of file.
    var isEnding = false
    /// The far side has closed; it will not read either.
    var isHungUp = false
    /// Nothing more will be read from it.
    var hasEnded = false
    /// Nothing more will be written to it, and it was told so.
    var isWriteShut = false
    /// Writing failed or makes no sense any more: what comes for it is dropped.
    var isDeaf = false
    /// What its socket did not take; bounded by one read, because reading pauses while there is any.
    var outbound = ByteBuffer()

    init(_ socket: SharedDescriptor) { self.socket = socket }

    var number: Int32 { self.socket.rawValue }

    static let usualEvents: Epoll.Events = [.readable, .peerShutdown, .edgeTriggered]
    static let eventsWhenFull: Epoll.Events = [.readable, .peerShutdown, .edgeTriggered, .writable]

    func note(_ events: Epoll.Events) {
        if events.contains(.readable) { self.mayRead = true }
        // The usual case: data, and nothing else.
        guard events != .readable else { return }
        if events.contains(.peerShutdown) { self.noteEnding() }
        if events.contains(.hangUp) || events.contains(.failed) {
            self.noteEnding()
            self.isHungUp = true
        }
    }

    private func noteEnding() {
        self.mayRead = true
        self.isEnding = true
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
    let group: StreamGroup
    let address: AppAddress
    let label: ProcessLabel
    let front: RelayEnd
    private let ticket: ConnectionTicket
    var app: RelayEnd?
    var phase: Phase
    /// What the front sent along with its `Hello`, until the app is connected.
    var early: ByteBuffer
    /// When it is tried again or given up.
    var deadline: Deadline?
    /// The kernel says that the process ended: what can be read now is all there is.
    var isProcessGone = false

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
        self.group = entry.group
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
