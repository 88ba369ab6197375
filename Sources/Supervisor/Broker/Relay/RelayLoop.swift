// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// What the relay's thread does; confined to it.
final class RelayLoop {
    let relay: StreamRelay
    let loop: EpollLoop
    /// Bytes read by one call, and the most that waits for one end.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 4096)
    /// Streams whose source had more than one turn's share.
    var unfinished: [RelayStream] = []
    /// Streams left of fronts that are lost.
    var lost: [StreamGroup: Int] = [:]
    /// Streams whose app did not read all that was sent.
    var unread = UnreadStreams()
    var connectFailures = OncePerMinute<ProcessID>()
    /// Who is behind the ports of apps.
    var ports = PortGuard()
    let places = StreamPlaces()
    /// Sockets of apps that fronts have.
    var lent: [StreamNumber: LentStream] = [:]
    /// Fronts without control connections whose processes may still use sockets of apps.
    var frontWatches: [ConnectionID: FrontWatch] = [:]

    private var streams: [RelayStream?] = []
    private var freeSlots: [Int] = []
    private var lastNumber: UInt64 = 0

    init(_ relay: StreamRelay, _ loop: EpollLoop) {
        self.relay = relay
        self.loop = loop
        loop.turnEnded = { [unowned self] in self.goOn() }
    }

    deinit { self.scratch.deallocate() }

    // MARK: Events

    /// Listens to the front's end of a stream; the loop keeps the stream until it is closed.
    func listen(toFrontOf stream: RelayStream) throws(SystemError) {
        stream.front.source = try self.loop.add(stream.front.number, for: RelayEnd.usualEvents) {
            [unowned self] events in
            guard !stream.isClosed else { return }
            self.handle(events, of: stream.front, towards: stream.app, of: stream)
        }
    }

    func listen(to app: RelayEnd, of stream: RelayStream, for events: Epoll.Events) throws(SystemError) {
        app.source = try self.loop.add(app.number, for: events) { [unowned self] events in
            guard !stream.isClosed else { return }
            if stream.isConnecting {
                self.connectionProgressed(stream, app)
            } else {
                self.handle(events, of: app, towards: stream.front, of: stream)
            }
        }
    }

    @inline(__always)
    private func handle(_ events: Epoll.Events, of end: RelayEnd, towards other: RelayEnd?, of stream: RelayStream) {
        guard let other else { return }
        stream.machine.note(events, at: end.side)
        if events.contains(.writable), end.outbound.readableBytes > 0 {
            self.flush(end, of: stream)
            self.pump(from: other, to: end, of: stream)
        }
        self.pump(from: end, to: other, of: stream)
        self.settle(stream)
    }

    /// True if there is still more to copy than one turn's share.
    private func goOn() -> Bool {
        guard !self.unfinished.isEmpty else { return false }
        let streams = self.unfinished
        self.unfinished.removeAll(keepingCapacity: true)
        for stream in streams where !stream.isClosed {
            guard let app = stream.app else { continue }
            self.pump(from: stream.front, to: app, of: stream)
            self.pump(from: app, to: stream.front, of: stream)
            self.settle(stream)
        }
        return !self.unfinished.isEmpty
    }

    // MARK: Orders

    func carryOut(_ order: StreamRelay.Order) {
        switch order {
        case .attach(let arrival): self.attach(arrival)
        case .frontLost(let connection, let limits, let front): self.frontLost(connection, limits, front)
        case .abandoned(let group, let stream, let limit): self.abandoned(group, stream, limit)
        case .processGone(let process): self.processGone(process)
        case .lookUp(let number, let group):
            self.relay.lookedUp(group, number, self.unread.contains(number, of: group))
        case .close(let group):
            // A session that its front has left goes on until the app is done.
            self.forEach {
                $0.group == group && !$0.isDraining
            } do: {
                self.close($0)
            }
            self.forEachLent {
                $0.group == group
            } do: {
                self.perform($0.machine.unused(), on: $0)
            }
        case .stop: self.loop.stop()
        }
    }

    private func frontLost(_ connection: ConnectionID, _ limits: [ProcessID: Duration], _ front: FrontProcess) {
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
        self.frontLost(connection, limits, front, at: now)
        for stream in self.lent.values where stream.group.connection == connection && stream.machine.isLeft {
            left[stream.group, default: 0] += 1
        }
        for (group, count) in left {
            if count > 0 { self.lost[group] = count }
            self.relay.streamsLeft(group, count)
        }
    }

    private func abandoned(_ group: StreamGroup, _ number: StreamNumber?, _ limit: Duration) {
        let until = MonotonicClock.now + UInt64(clamping: limit.wholeNanoseconds)
        var left = 0
        self.forEach {
            $0.group == group
        } do: { stream in
            // The front shut it before it said so: the event of that may still be on its way.
            if case .open = stream.phase, let app = stream.app {
                stream.machine.ready(.front)
                self.pump(from: stream.front, to: app, of: stream)
                if stream.machine.front.input.hasEnded { self.abandon(stream, until: until) }
            }
            guard case .draining = stream.phase else { return }
            self.setDeadline(until, of: stream)
            left += 1
        }
        if let number, let stream = self.lent[number], stream.group == group {
            stream.drainUntil = until
            self.perform(stream.machine.abandoned(), on: stream)
        }
        for stream in self.lent.values where stream.group == group && stream.machine.isLeft { left += 1 }
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
            stream.machine.processGone()
            self.setDeadline(giveUp, of: stream)
            self.pump(from: app, to: stream.front, of: stream)
            self.settle(stream)
        }
        self.forEachLent {
            $0.group.process == process
        } do: {
            self.perform($0.machine.processGone(), on: $0)
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
        stream.place = nil
        self.cancelDeadline(of: stream)
        for end in [stream.front, stream.app] {
            if let source = end?.source { self.loop.remove(source) }
        }
        self.freeSlot(of: stream)
        if wasDraining { self.leftStreamEnded(stream.group) }
    }

    /// Its sockets belong to somebody else, or are closed with it.
    func freeSlot(of stream: RelayStream) {
        self.streams[stream.slot] = nil
        self.freeSlots.append(stream.slot)
    }

    /// One less of the streams that were told of as left.
    func leftStreamEnded(_ group: StreamGroup) {
        guard let count = self.lost[group] else { return }
        self.lost[group] = count > 1 ? count - 1 : nil
        self.relay.streamsLeft(group, count - 1)
    }

    // MARK: Time

    /// Replaces an earlier one.
    func setDeadline(_ moment: UInt64, of stream: RelayStream) {
        self.cancelDeadline(of: stream)
        let timer = self.loop.schedule(at: moment) { [unowned self] in
            stream.deadline = nil
            self.deadlineReached(stream, at: MonotonicClock.now)
        }
        stream.deadline = RelayStream.Deadline(moment: moment, timer: timer)
    }

    func cancelDeadline(of stream: RelayStream) {
        if let deadline = stream.deadline { self.loop.cancel(deadline.timer) }
        stream.deadline = nil
    }

    private func deadlineReached(_ stream: RelayStream, at now: UInt64) {
        switch stream.phase {
        case .connecting(let since, let tries): self.connect(stream, since: since, tries: tries, at: now)
        case .checking: self.check(stream, at: now)
        case .open, .draining: self.close(stream)
        case .closed: break
        }
    }
}
