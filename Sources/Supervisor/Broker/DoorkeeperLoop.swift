// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import WireProtocol

/// What a doorkeeper's thread does; confined to it.
final class DoorkeeperLoop {
    /// Connections taken in before others get their turn.
    private static let acceptsPerTurn = 64
    /// How long nothing is accepted when descriptors or memory are short.
    private static let pause: UInt64 = 100_000_000

    private let door: Doorkeeper
    private let loop: EpollLoop
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)
    private var listener: EpollLoop.Source?
    private var complaints = OncePerMinute<Complaint>()
    private var pace = ArrivalPace()
    /// Newcomers that have a place in the loop, by their descriptors.
    private var waiting: [Int32: Newcomer] = [:]

    private enum Complaint: Hashable {
        case stranger(UInt32)
        case tooMany(UInt32, PeerRole?)
        case tooOften(UInt32, PeerRole)
        case dropped(UInt32)
        case refused(UInt32)
        case accept(Int32)
        case epoll
    }

    init(_ door: Doorkeeper, _ loop: EpollLoop) throws(SystemError) {
        self.door = door
        self.loop = loop
        self.listener = try loop.add(door.listener.rawValue) { [unowned self] _ in self.acceptAll() }
    }

    deinit { self.scratch.deallocate() }

    func carryOut(_ order: Doorkeeper.Order) {
        switch order {
        case .close: self.loop.stop()
        }
    }

    // MARK: Accepting

    private func acceptAll() {
        for _ in 0..<Self.acceptsPerTurn {
            do {
                let connection = try UnixListener.accept(on: self.door.listener.rawValue, nonBlocking: true)
                self.accepted(connection)
            } catch  where error.isWouldBlock {
                return
            } catch  where error.isTransientAcceptFailure {
                continue
            } catch {
                self.pauseAccepting(error)
                return
            }
        }
    }

    private func accepted(_ connection: consuming AcceptedConnection) {
        let peer = connection.peer
        guard self.door.admits(peer) else {
            let message: Logger.Message = "connection of a user without rights closed"
            self.complain(.stranger(peer.uid), .warning, message, peer, Self.facts(peer))
            return
        }
        let kind = ConnectionCounts.Kind(uid: peer.uid, role: nil)
        guard let ticket = self.door.pending.admit(kind, fromReserve: peer.isRootOrDaemon) else {
            let message: Logger.Message = "too many connections without a first frame"
            self.complain(.tooMany(peer.uid, nil), .warning, message, peer, Self.facts(peer))
            return
        }
        if let other = ticket.inPlaceOf { self.dropOldest(of: other) }
        let deadline = MonotonicClock.now + UInt64(WireLimits.helloMilliseconds) * 1_000_000
        let newcomer = Newcomer(connection.takeDescriptor(), peer: peer, ticket: ticket, deadline: deadline)
        self.proceed(newcomer)
    }

    private func pauseAccepting(_ error: SystemError) {
        self.complain(.accept(error.code), .error, "connections cannot be accepted", nil, [LogKeys.error: "\(error)"])
        self.watchListener(for: [])
        self.loop.schedule(at: MonotonicClock.now + Self.pause) { [unowned self] in self.watchListener(for: .readable) }
    }

    private func watchListener(for events: Epoll.Events) {
        do {
            if let listener = self.listener { try self.loop.modify(listener, for: events) }
        } catch {
            self.complain(.epoll, .critical, "the listening socket cannot be watched", nil, [LogKeys.error: "\(error)"])
        }
    }

    // MARK: First frames

    private func proceed(_ newcomer: Newcomer) {
        switch newcomer.read(self.scratch) {
        case .waiting: self.wait(for: newcomer)
        case .arrived(let hello, let remainder):
            self.forget(newcomer)
            self.arrived(newcomer, Newcomer.Greeting(hello: hello, remainder: remainder))
        case .refused(let text):
            self.forget(newcomer)
            newcomer.refuse(text)
            let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(text)"]) { $1 }
            self.complain(.refused(newcomer.peer.uid), .error, "connection refused", newcomer.peer, facts)
        case .dropped(let reason):
            self.forget(newcomer)
            self.drop(newcomer, reason)
        case .left:
            self.forget(newcomer)
            self.door.logger.debug("peer left before its first frame was complete", metadata: Self.facts(newcomer.peer))
        }
    }

    private func wait(for newcomer: Newcomer) {
        guard newcomer.place == nil else { return }
        do {
            let source = try self.loop.add(newcomer.number) { [unowned self] _ in self.proceed(newcomer) }
            let timer = self.loop.schedule(at: newcomer.deadline) { [unowned self] in self.isLate(newcomer) }
            self.keep(newcomer, source, timer)
        } catch {
            self.drop(newcomer, "\(error)")
        }
    }

    /// Its descriptor belongs to somebody else from now on, or is closed.
    private func forget(_ newcomer: Newcomer) {
        guard let place = newcomer.place else { return }
        newcomer.place = nil
        self.waiting[newcomer.number] = nil
        if let source = place.source { self.loop.remove(source) }
        self.loop.cancel(place.timer)
    }

    private func keep(_ newcomer: Newcomer, _ source: EpollLoop.Source?, _ timer: EpollLoop.Timer) {
        newcomer.place = Newcomer.Place(source: source, timer: timer)
        self.waiting[newcomer.number] = newcomer
    }

    private func isLate(_ newcomer: Newcomer) {
        self.forget(newcomer)
        self.drop(newcomer, "its Hello was not complete within \(WireLimits.helloMilliseconds) ms")
    }

    private func drop(_ newcomer: Newcomer, _ reason: String) {
        let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(reason)"]) { $1 }
        let message: Logger.Message = "connection closed before it was taken in"
        self.complain(.dropped(newcomer.peer.uid), .warning, message, newcomer.peer, facts)
    }

    /// All places are taken: the user with the most of them loses the one that has waited longest.
    private func dropOldest(of uid: UInt32) {
        let theirs = self.waiting.values.filter { $0.peer.uid == uid }
        guard let newcomer = theirs.min(by: { $0.deadline < $1.deadline }) else { return }
        self.forget(newcomer)
        self.drop(newcomer, "all places for connections without a first frame are taken, most of them by its user")
    }

    // MARK: Taking in

    /// Who comes too fast is held for a moment; nothing more is read of it until then.
    private func arrived(_ newcomer: Newcomer, _ greeting: Newcomer.Greeting) {
        let now = MonotonicClock.now
        let (peer, role) = (newcomer.peer, greeting.hello.role)
        guard self.takesIn(role, newcomer) else { return }
        guard role != .stream || self.door.opens(greeting.hello.streamToken, peer) else {
            return self.turnAway(newcomer, at: now)
        }
        guard let due = self.pace.due(peer, as: role, giveUpAt: newcomer.deadline, at: now) else {
            let message: Logger.Message = "connections of a user come too fast"
            self.complain(.tooOften(peer.uid, role), .warning, message, peer, Self.facts(peer, role))
            return
        }
        guard due > now else { return self.deliver(newcomer, greeting) }
        let timer = self.loop.schedule(at: due) { [unowned self] in
            self.forget(newcomer)
            if self.takesIn(role, newcomer) { self.deliver(newcomer, greeting) }
        }
        self.keep(newcomer, nil, timer)
    }

    /// A stream with a token that is not valid: the thread that copies the bytes of others never hears of it.
    private func turnAway(_ newcomer: Newcomer, at now: UInt64) {
        let peer = newcomer.peer
        guard self.pace.answersWrongStream(of: peer, at: now) else {
            let message: Logger.Message = "streams of a user come too fast with tokens that are not valid"
            return self.complain(.tooOften(peer.uid, .stream), .warning, message, peer, Self.facts(peer, .stream))
        }
        newcomer.refuse(StreamDirectory.refusal)
    }

    private func takesIn(_ role: PeerRole, _ newcomer: Newcomer) -> Bool {
        let admission = self.door.currentAdmission
        guard !admission.roles.contains(role) else { return true }
        newcomer.refuse(admission.refusal.isEmpty ? "this socket is not for \(role) connections" : admission.refusal)
        return false
    }

    private func deliver(_ newcomer: Newcomer, _ greeting: Newcomer.Greeting) {
        guard let arrival = newcomer.arrival(greeting, counts: self.door.counts) else {
            let (peer, role) = (newcomer.peer, greeting.hello.role)
            let message: Logger.Message = "too many connections of a user"
            self.complain(.tooMany(peer.uid, role), .warning, message, peer, Self.facts(peer, role))
            return
        }
        self.door.deliver(arrival)
    }

    // MARK: Log

    private func complain(
        _ complaint: Complaint,
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ peer: PeerCredentials?,
        _ facts: Logger.Metadata
    ) {
        let now = MonotonicClock.now
        guard self.complaints.shouldLog(complaint, at: now) else { return }
        if let peer {
            // Users may be many: what each of them may write is bounded by what all may.
            let kind: Complaints.Kind = if case .stranger = complaint { .intrusion } else { .mistake }
            guard self.door.complaints.line(about: peer.uid, kind, at: now) != .keepQuiet else { return }
        }
        self.door.logger.log(level: level, message, metadata: facts)
    }

    private static func facts(_ peer: PeerCredentials, _ role: PeerRole? = nil) -> Logger.Metadata {
        var facts: Logger.Metadata = [LogKeys.uid: "\(peer.uid)", LogKeys.peer: "\(peer.pid)"]
        if let role { facts[LogKeys.role] = "\(role)" }
        return facts
    }
}
