// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

extension RelayLoop {
    /// A full backlog is tried again for so long.
    private static let connectTime: UInt64 = 10_000_000_000
    private static let longestPause: UInt64 = 50_000_000

    /// Takes a stream over whose `Hello` was read.
    func attach(_ arrival: Arrival) {
        guard let descriptor = arrival.descriptor.take() else { return }
        let socket = SharedDescriptor(descriptor)
        guard let token = arrival.hello.streamToken, let entry = self.relay.directory.entry(of: token),
            entry.uid == arrival.peer.uid
        else {
            // It died on the way here.
            StreamReply.send(.helloReply(HelloReply(refusal: StreamDirectory.refusal)), to: socket.rawValue)
            return
        }
        let now = MonotonicClock.now
        let stream = self.take { slot, number in
            RelayStream(
                slot: slot,
                number: number,
                features: arrival.hello.features & self.relay.features,
                entry: entry,
                front: RelayEnd(.front, socket),
                ticket: arrival.ticket,
                early: arrival.remainder,
                at: now
            )
        }
        self.connect(stream, since: now, tries: 0, at: now)
    }

    func connect(_ stream: RelayStream, since: UInt64, tries: Int, at now: UInt64) {
        guard stream.app == nil else {
            // Over TCP the kernel has not answered in time.
            self.fail(stream, "it does not accept the connection")
            return
        }
        do {
            try self.startConnecting(stream)
        } catch  where error.isWouldBlock && now - since < Self.connectTime {
            // The backlog is full, and epoll would not report its end.
            stream.phase = .connecting(since: since, tries: tries + 1)
            self.setDeadline(now + min(1_000_000 << UInt64(min(tries, 8)), Self.longestPause), of: stream)
        } catch  where error.isTooManyDescriptors {
            self.noteFailure(stream, "\(error)")
            self.refuse(stream, "no connection to the app process: \(error)")
        } catch {
            self.fail(stream, "\(error)")
        }
    }

    private func startConnecting(_ stream: RelayStream) throws(SystemError) {
        switch stream.address {
        case .unix(let path):
            let socket = SharedDescriptor(try UnixSocket.connect(path: path, nonBlocking: true))
            let app = RelayEnd(.app, socket)
            stream.app = app
            guard self.takePlace(stream) else { return }
            if try self.lend(app, of: stream) { return }
            try self.listen(to: app, of: stream, for: RelayEnd.usualEvents)
            try self.open(stream, app)
        case .tcp(let host, let port, _):
            let socket = SharedDescriptor(try TCPSocket.connect(host: host, port: port))
            let app = RelayEnd(.app, socket)
            stream.app = app
            self.setDeadline(MonotonicClock.now + Self.connectTime, of: stream)
            try self.listen(to: app, of: stream, for: RelayEnd.eventsWhenFull)
        }
    }

    /// Something happened on a socket that was still connecting.
    func connectionProgressed(_ stream: RelayStream, _ app: RelayEnd) {
        do {
            if let error = try TCPSocket.error(of: app.number) { throw error }
            self.check(stream, at: MonotonicClock.now)
        } catch {
            self.fail(stream, "\(error)")
        }
    }

    // MARK: Ports

    /// How long the kernel may take to know of the other end of a connection that it has made.
    private static let checkTime: UInt64 = 1_000_000_000

    /// Opens a stream over TCP, once it is certain that the app's user is at the other end.
    ///
    /// Anybody may take a port in the moment in which an app does not listen, and would be sent the next request.
    func check(_ stream: RelayStream, at now: UInt64) {
        guard let app = stream.app, case .tcp(_, let port, let owner) = stream.address else { return }
        do {
            switch try self.ports.verdict(on: app.number, owner: owner) {
            case .owner:
                guard self.takePlace(stream) else { return }
                if try self.lend(app, of: stream) { return }
                self.watch(app, of: stream, for: RelayEnd.usualEvents)
                try self.open(stream, app)
            case .stranger(let uid):
                // Said at once: the process may be gone before the pool speaks of it.
                let reason = "port \(port) belongs to uid \(uid), and not to uid \(owner) as which the app runs"
                self.noteFailure(stream, reason)
                self.fail(stream, reason)
            case .unknown: self.checkAgain(stream, at: now)
            }
        } catch {
            // Whatever it is (descriptors are short), the process has no part in it.
            self.noteFailure(stream, "\(error)")
            self.refuse(stream, "no connection to the app process: \(error)")
        }
    }

    private func checkAgain(_ stream: RelayStream, at now: UInt64) {
        let (since, tries) = if case .checking(let since, let tries) = stream.phase { (since, tries) } else { (now, 0) }
        guard now - since < Self.checkTime else {
            self.fail(stream, "the kernel does not say whom the connection leads to")
            return
        }
        stream.phase = .checking(since: since, tries: tries + 1)
        self.setDeadline(now + min(1_000_000 << UInt64(min(tries, 8)), Self.longestPause), of: stream)
    }

    // MARK: Results

    /// False if the stream was refused: a front needs no more of them than it has sessions, and a few.
    private func takePlace(_ stream: RelayStream) -> Bool {
        stream.place = self.places.take(stream.group, mostSessions: stream.mostSessions)
        guard stream.place == nil else { return true }
        self.refuse(stream, "this connection has \(WireLimits.spareStreams) streams to the process more than sessions")
        return false
    }

    private func open(_ stream: RelayStream, _ app: RelayEnd) throws(SystemError) {
        stream.phase = .open
        self.cancelDeadline(of: stream)
        try self.listen(toFrontOf: stream)
        var attached = ByteBuffer()
        let answer = Attached(mode: .relayed, number: stream.tellsNumber ? stream.number : nil)
        DaemonMessage.attached(answer).write(into: &attached)
        attached.withUnsafeReadableBytes { self.deliver($0, to: stream.front, of: stream) }
        stream.early.withUnsafeReadableBytes { self.deliver($0, to: app, of: stream) }
        stream.early = ByteBuffer()
        self.settle(stream)
    }

    /// The process is at fault, not this one.
    private func fail(_ stream: RelayStream, _ reason: String) {
        self.relay.connectFailed(stream.group.process, reason)
        self.refuse(stream, "no connection to the app process: \(reason)")
    }

    private func noteFailure(_ stream: RelayStream, _ reason: String) {
        if self.connectFailures.shouldLog(stream.group.process, at: MonotonicClock.now) {
            let facts: Logger.Metadata = [
                LogKeys.group: "\(stream.label.app)", LogKeys.pid: "\(stream.label.pid)", LogKeys.error: "\(reason)",
            ]
            self.relay.logger.error("no connection to an app process", metadata: facts)
        }
    }

    func refuse(_ stream: RelayStream, _ reason: String) {
        StreamReply.send(.helloReply(HelloReply(refusal: reason)), to: stream.front.number)
        self.close(stream)
    }
}
