// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// Sockets of apps in the hands of fronts: the daemon sleeps while bytes flow, and learns of their end by a hang-up.
///
/// Its duplicate keeps a socket open whatever the front does: `close` tells the app nothing, `shutdown` does. The front may have
/// set flags and options of the socket, which it shares: no call here waits on their account.
extension RelayLoop {
    /// How long a front may take to say that it has the socket.
    private static let offerTime: UInt64 = 10_000_000_000
    /// How long a front that lives may take to shut its streams, once it has lost its control connection.
    private static let orphanTime: UInt64 = 5_000_000_000
    /// A hang-up is told whatever is asked for; once, because the socket stays in the loop.
    private static let hangUpOnly: Epoll.Events = .edgeTriggered
    private static let drainEvents: Epoll.Events = [.readable, .peerShutdown]
    private static let readsPerTurn = 4

    /// Gives the front the app's socket; false if the stream is to be relayed.
    func lend(_ app: RelayEnd, of stream: RelayStream) throws(SystemError) -> Bool {
        guard stream.mayBeLent else { return false }
        let lent = LentStream(stream, app: app.socket)
        let isListenedTo = app.source != nil
        if let source = app.source { self.loop.remove(source) }
        app.source = nil
        do throws(SystemError) {
            try self.listen(to: lent)
            try self.offer(lent, to: stream)
        } catch {
            if let source = lent.source { self.loop.remove(source) }
            if let offer = lent.offer { self.loop.remove(offer.source) }
            guard !error.isBrokenPipe, !error.isConnectionReset else {
                // The front has left: nobody is there to be relayed to either.
                self.close(stream)
                return true
            }
            if isListenedTo { try self.listen(to: app, of: stream, for: RelayEnd.eventsWhenFull) }
            return false
        }
        self.lent[lent.number] = lent
        stream.phase = .closed
        stream.place = nil
        self.cancelDeadline(of: stream)
        self.freeSlot(of: stream)
        self.setTimer(MonotonicClock.now + Self.offerTime, of: lent)
        return true
    }

    private func listen(to lent: LentStream) throws(SystemError) {
        lent.source = try self.loop.add(lent.app.rawValue, for: Self.hangUpOnly) { [unowned self] events in
            self.handle(events, of: lent)
        }
    }

    private func offer(_ lent: LentStream, to stream: RelayStream) throws(SystemError) {
        let source = try self.loop.add(stream.front.number, for: [.readable, .peerShutdown]) { [unowned self] _ in
            self.offerAnswered(lent)
        }
        lent.offer = LentStream.Offer(socket: stream.front.socket, source: source)
        try self.sendSocket(of: lent, tellsNumber: stream.tellsNumber)
    }

    private func sendSocket(of lent: LentStream, tellsNumber: Bool) throws(SystemError) {
        guard let offer = lent.offer else { return }
        var frame = ByteBuffer()
        DaemonMessage.attached(Attached(mode: .handedOver, number: tellsNumber ? lent.number : nil)).write(into: &frame)
        // Nothing was written to the connection before: there is room for so little.
        _ = try DescriptorPassing.send(
            frame.readableBytesView,
            descriptors: [lent.app.rawValue],
            over: offer.socket.rawValue
        )
    }

    // MARK: Events

    private func offerAnswered(_ lent: LentStream) {
        guard let offer = lent.offer else { return }
        do {
            switch try Transfers.read(offer.socket.rawValue, into: self.scratch) {
            case .wouldBlock: return
            case .bytes: self.perform(lent.machine.taken(), on: lent)
            case .endOfStream: self.perform(lent.machine.offerEnded(), on: lent)
            }
        } catch {
            self.perform(lent.machine.offerEnded(), on: lent)
        }
    }

    private func handle(_ events: Epoll.Events, of lent: LentStream) {
        if lent.machine.state == .draining { return self.drain(lent) }
        if events.contains(.hangUp) { self.perform(lent.machine.hungUp(), on: lent) }
    }

    /// Drops what the app still says.
    private func drain(_ lent: LentStream) {
        for _ in 0..<Self.readsPerTurn {
            do {
                switch try Transfers.readWithoutWaiting(lent.app.rawValue, into: self.scratch) {
                case .bytes: break
                case .wouldBlock: return
                case .endOfStream: return self.perform(lent.machine.drainedToEnd(), on: lent)
                }
            } catch {
                return self.perform(lent.machine.drainedToEnd(), on: lent)
            }
        }
    }

    /// The control connection of a front has ended: what it has of sockets is watched, or drained.
    func frontLost(
        _ connection: ConnectionID,
        _ limits: [ProcessID: Duration],
        _ front: FrontProcess,
        at now: UInt64
    ) {
        let hasEnded = front.hasEnded
        self.forEachLent {
            $0.group.connection == connection
        } do: { lent in
            let limit = limits[lent.group.process] ?? .zero
            lent.drainUntil = now + UInt64(clamping: limit.wholeNanoseconds)
            self.perform(lent.machine.frontLost(hasEnded: hasEnded), on: lent)
        }
        let isWaiting = self.lent.values.contains { $0.group.connection == connection && $0.machine.state == .orphaned }
        if isWaiting { self.wait(for: front, of: connection, since: now) }
    }

    private func wait(for front: FrontProcess, of connection: ConnectionID, since now: UInt64) {
        let timer = self.loop.schedule(at: now + Self.orphanTime) { [unowned self] in
            self.forgetWatch(of: connection)
            self.forEachLent {
                $0.group.connection == connection && $0.machine.state == .orphaned
            } do: { lent in
                let isShut = Transfers.isShutForWriting(lent.app.rawValue)
                self.perform(lent.machine.deadlineReached(isShutForWriting: isShut), on: lent)
            }
        }
        var watch = FrontWatch(timer: timer, front: front)
        if case .running(let process) = front {
            // Without it the time limit does.
            watch.source = try? self.loop.add(process.rawValue) { [unowned self] _ in
                self.forgetWatch(of: connection)
                self.forEachLent {
                    $0.group.connection == connection
                } do: { lent in
                    self.perform(lent.machine.frontEnded(), on: lent)
                }
            }
        }
        self.frontWatches[connection] = watch
    }

    private func forgetWatch(of connection: ConnectionID) {
        guard let watch = self.frontWatches.removeValue(forKey: connection) else { return }
        self.loop.cancel(watch.timer)
        if let source = watch.source { self.loop.remove(source) }
    }

    // MARK: Actions

    func perform(_ action: LendingMachine.Action, on lent: LentStream) {
        if lent.machine.isLeft { lent.place = nil }
        switch action {
        case .none: break
        case .closeOffer: self.closeOffer(of: lent)
        case .waitForFront: self.cancelTimer(of: lent)
        case .drain:
            // It fails where the app is gone, which the reading shows.
            try? Transfers.shutdownWrite(lent.app.rawValue)
            self.setTimer(lent.drainUntil, of: lent)
            do {
                if let source = lent.source { try self.loop.modify(source, for: Self.drainEvents) }
            } catch {
                // Out of kernel memory: without events it would never end.
                self.perform(lent.machine.drainedToEnd(), on: lent)
            }
        case .shutAndClose:
            try? Transfers.shutdownBoth(lent.app.rawValue)
            self.forget(lent)
        case .close: self.forget(lent)
        }
    }

    private func forget(_ lent: LentStream) {
        guard self.lent.removeValue(forKey: lent.number) != nil else { return }
        self.closeOffer(of: lent)
        self.cancelTimer(of: lent)
        lent.place = nil
        if let source = lent.source { self.loop.remove(source) }
        lent.source = nil
        Transfers.forbidLinger(lent.app.rawValue)
        if lent.drainUntil > 0 { self.leftStreamEnded(lent.group) }
    }

    private func closeOffer(of lent: LentStream) {
        guard let offer = lent.offer else { return }
        self.loop.remove(offer.source)
        lent.offer = nil
        if lent.machine.state == .lent { self.cancelTimer(of: lent) }
    }

    func forEachLent(_ matches: (LentStream) -> Bool, do body: (LentStream) -> Void) {
        for lent in Array(self.lent.values) where matches(lent) { body(lent) }
    }

    // MARK: Time

    private func setTimer(_ moment: UInt64, of lent: LentStream) {
        self.cancelTimer(of: lent)
        lent.timer = self.loop.schedule(at: moment) { [unowned self] in
            lent.timer = nil
            let isShut = Transfers.isShutForWriting(lent.app.rawValue)
            self.perform(lent.machine.deadlineReached(isShutForWriting: isShut), on: lent)
        }
    }

    private func cancelTimer(of lent: LentStream) {
        if let timer = lent.timer { self.loop.cancel(timer) }
        lent.timer = nil
    }
}
