// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// What the relay's thread does; confined to it.
///
/// Streams live in slots; the token of an event is slot and end. A slot is used again only after the whole batch of
/// events was handled, so that an event cannot reach another stream than its own.
final class RelayLoop {
    static let wakeUpToken = UInt64.max

    enum Side: UInt64 {
        case front = 0
        case app = 1
    }

    let relay: StreamRelay
    let shared: SharedEpoll
    var streams: [RelayStream?] = []
    /// Bytes read by one call, and the most that waits for one end.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 4096)
    /// Streams whose source had more than one turn's share.
    var unfinished: [RelayStream] = []
    /// Streams left of fronts that are lost.
    var lost: [StreamGroup: Int] = [:]
    /// Streams whose app did not read all that was sent.
    var unread = UnreadStreams()
    /// The earliest deadline of any stream, or earlier.
    var nextDeadline: UInt64?
    var connectFailures = OncePerMinute<ProcessID>()

    private var events = Epoll.EventBuffer(capacity: 512)
    private var freeSlots: [Int] = []
    private var closedSlots: [Int] = []
    private var lastNumber: UInt64 = 0
    private var isStopped = false

    init(_ relay: StreamRelay, _ shared: SharedEpoll) {
        self.relay = relay
        self.shared = shared
    }

    deinit { self.scratch.deallocate() }

    func run(failed: CoreFailure.Handler = { CoreFailure.end($0, $1) }) {
        while !self.isStopped {
            let count: Int
            do {
                count = try self.shared.epoll.wait(&self.events, milliseconds: self.timeout())
            } catch {
                return failed("waiting for streams failed", error)
            }
            var isWoken = false
            for index in 0..<count {
                let event = self.events[index]
                if event.token == Self.wakeUpToken { isWoken = true } else { self.handle(event) }
            }
            if isWoken { self.carryOutOrders() }
            if !self.unfinished.isEmpty { self.goOn() }
            if self.nextDeadline != nil { self.timePassed(to: MonotonicClock.now) }
            if !self.closedSlots.isEmpty { self.freeClosed() }
        }
    }

    // MARK: Events

    private func handle(_ event: Epoll.Event) {
        let slot = Int(event.token >> 1)
        guard slot < self.streams.count, let stream = self.streams[slot], !stream.isClosed else { return }
        if event.token & 1 == Side.front.rawValue {
            self.handle(event.events, of: stream.front, towards: stream.app, of: stream)
        } else if let app = stream.app {
            if stream.isConnecting {
                self.connectionProgressed(stream, app)
            } else {
                self.handle(event.events, of: app, towards: stream.front, of: stream)
            }
        }
    }

    @inline(__always)
    private func handle(_ events: Epoll.Events, of end: RelayEnd, towards other: RelayEnd?, of stream: RelayStream) {
        guard let other else { return }
        end.note(events)
        if events.contains(.writable), end.outbound.readableBytes > 0 {
            self.flush(end, of: stream)
            self.pump(from: other, to: end, of: stream)
        }
        if end.mayRead { self.pump(from: end, to: other, of: stream) }
        self.settle(stream)
    }

    private func goOn() {
        let streams = self.unfinished
        self.unfinished.removeAll(keepingCapacity: true)
        for stream in streams where !stream.isClosed {
            guard let app = stream.app else { continue }
            self.pump(from: stream.front, to: app, of: stream)
            self.pump(from: app, to: stream.front, of: stream)
            self.settle(stream)
        }
    }

    // MARK: Orders

    private func carryOutOrders() {
        self.relay.wakeUp.clear()
        for order in self.relay.takeOrders() {
            switch order {
            case .attach(let arrival): self.attach(arrival)
            case .frontLost(let connection, let limits): self.frontLost(connection, limits)
            case .abandoned(let group, let limit): self.abandoned(group, limit)
            case .processGone(let process): self.processGone(process)
            case .lookUp(let number, let group):
                self.relay.lookedUp(group, number, self.unread.contains(number, of: group))
            case .close(let group):
                self.forEach {
                    $0.group == group
                } do: {
                    self.close($0)
                }
            case .stop: self.isStopped = true
            }
        }
    }

    private func frontLost(_ connection: ConnectionID, _ limits: [ProcessID: Duration]) {
        let now = MonotonicClock.now
        var left: [StreamGroup: Int] = [:]
        for process in limits.keys { left[StreamGroup(connection: connection, process: process)] = 0 }
        self.forEach {
            $0.group.connection == connection
        } do: { stream in
            let limit = limits[stream.group.process] ?? .zero
            self.abandon(stream, until: now + UInt64(clamping: limit.wholeNanoseconds))
            if !stream.isClosed { left[stream.group, default: 0] += 1 }
        }
        for (group, count) in left {
            if count > 0 { self.lost[group] = count }
            self.relay.streamsLeft(group, count)
        }
    }

    private func abandoned(_ group: StreamGroup, _ limit: Duration) {
        let until = MonotonicClock.now + UInt64(clamping: limit.wholeNanoseconds)
        var left = 0
        self.forEach {
            $0.group == group
        } do: { stream in
            // The front shut it before it said so: the event of that may still be on its way.
            if case .open = stream.phase, let app = stream.app {
                stream.front.mayRead = true
                self.pump(from: stream.front, to: app, of: stream)
                if stream.front.hasEnded { self.abandon(stream, until: until) }
            }
            guard case .draining = stream.phase else { return }
            self.setDeadline(until, of: stream)
            left += 1
        }
        if left > 0 { self.lost[group] = left }
        self.relay.streamsLeft(group, left)
    }

    private func processGone(_ process: ProcessID) {
        let giveUp = MonotonicClock.now + Self.lastBytesTime
        self.forEach {
            $0.group.process == process
        } do: { stream in
            guard let app = stream.app, !stream.isConnecting else {
                self.refuse(stream, "the process is gone")
                return
            }
            stream.isProcessGone = true
            app.isEnding = true
            app.isHungUp = true
            app.mayRead = true
            self.setDeadline(giveUp, of: stream)
            self.pump(from: app, to: stream.front, of: stream)
            self.settle(stream)
        }
    }

    /// How long a front may take to read what a process said before it ended.
    private static let lastBytesTime: UInt64 = 60_000_000_000

    private func forEach(_ matches: (RelayStream) -> Bool, do body: (RelayStream) -> Void) {
        for stream in self.streams {
            if let stream, !stream.isClosed, matches(stream) { body(stream) }
        }
    }

    // MARK: Slots

    func take(_ make: (Int, StreamNumber) -> RelayStream) -> RelayStream {
        self.lastNumber += 1
        let number = StreamNumber(rawValue: self.lastNumber)
        if let slot = self.freeSlots.popLast() {
            let stream = make(slot, number)
            self.streams[slot] = stream
            return stream
        }
        let stream = make(self.streams.count, number)
        self.streams.append(stream)
        return stream
    }

    func close(_ stream: RelayStream) {
        guard !stream.isClosed else { return }
        let wasDraining = stream.isDraining
        stream.phase = .closed
        // Not in yet, or not any more: either way no event of it will come.
        try? self.shared.epoll.remove(stream.front.number)
        if let app = stream.app { try? self.shared.epoll.remove(app.number) }
        self.closedSlots.append(stream.slot)
        guard wasDraining, let count = self.lost[stream.group] else { return }
        self.lost[stream.group] = count > 1 ? count - 1 : nil
        self.relay.streamsLeft(stream.group, count - 1)
    }

    private func freeClosed() {
        for slot in self.closedSlots { self.streams[slot] = nil }
        self.freeSlots += self.closedSlots
        self.closedSlots.removeAll(keepingCapacity: true)
    }

    // MARK: Time

    func setDeadline(_ deadline: UInt64, of stream: RelayStream) {
        stream.deadline = deadline
        self.nextDeadline = min(self.nextDeadline ?? deadline, deadline)
    }

    private func timeout() -> Int32 {
        guard self.unfinished.isEmpty else { return 0 }
        guard let next = self.nextDeadline else { return -1 }
        let now = MonotonicClock.now
        return next <= now ? 0 : Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func timePassed(to now: UInt64) {
        guard let next = self.nextDeadline, next <= now else { return }
        self.nextDeadline = nil
        for stream in self.streams {
            guard let stream, !stream.isClosed, let deadline = stream.deadline else { continue }
            if deadline <= now {
                stream.deadline = nil
                self.deadlineReached(stream, at: now)
            } else {
                self.setDeadline(deadline, of: stream)
            }
        }
    }

    private func deadlineReached(_ stream: RelayStream, at now: UInt64) {
        switch stream.phase {
        case .connecting(let since, let tries): self.connect(stream, since: since, tries: tries, at: now)
        case .open, .draining: self.close(stream)
        case .closed: break
        }
    }
}
