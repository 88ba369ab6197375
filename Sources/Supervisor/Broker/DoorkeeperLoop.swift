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

    private enum Complaint: Hashable {
        case stranger(UInt32)
        case tooMany(UInt32, PeerRole?)
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
            self.complain(.stranger(peer.uid), .warning, "connection of a user without rights closed", Self.facts(peer))
            return
        }
        guard let ticket = self.door.counts.admit(.init(uid: peer.uid, role: nil)) else {
            self.complain(
                .tooMany(peer.uid, nil),
                .warning,
                "too many connections without a first frame",
                Self.facts(peer)
            )
            return
        }
        let deadline = MonotonicClock.now + UInt64(WireLimits.helloMilliseconds) * 1_000_000
        let newcomer = Newcomer(connection.takeDescriptor(), peer: peer, ticket: ticket, deadline: deadline)
        self.proceed(newcomer)
    }

    private func pauseAccepting(_ error: SystemError) {
        self.complain(.accept(error.code), .error, "connections cannot be accepted", [LogKeys.error: "\(error)"])
        self.watchListener(for: [])
        self.loop.schedule(at: MonotonicClock.now + Self.pause) { [unowned self] in self.watchListener(for: .readable) }
    }

    private func watchListener(for events: Epoll.Events) {
        do {
            if let listener = self.listener { try self.loop.modify(listener, for: events) }
        } catch {
            self.complain(.epoll, .critical, "the listening socket cannot be watched", [LogKeys.error: "\(error)"])
        }
    }

    // MARK: First frames

    private func proceed(_ newcomer: Newcomer) {
        switch newcomer.read(self.scratch) {
        case .waiting: self.wait(for: newcomer)
        case .arrived(let hello, let remainder):
            self.forget(newcomer)
            let admission = self.door.currentAdmission
            guard admission.roles.contains(hello.role) else {
                newcomer.refuse(
                    admission.refusal.isEmpty ? "this socket is not for \(hello.role) connections" : admission.refusal
                )
                return
            }
            guard let arrival = newcomer.arrival(hello, remainder: remainder, counts: self.door.counts) else {
                let complaint = Complaint.tooMany(newcomer.peer.uid, hello.role)
                self.complain(
                    complaint,
                    .warning,
                    "too many connections of a user",
                    Self.facts(newcomer.peer, hello.role)
                )
                return
            }
            self.door.deliver(arrival)
        case .refused(let text):
            self.forget(newcomer)
            newcomer.refuse(text)
            let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(text)"]) { $1 }
            self.complain(.refused(newcomer.peer.uid), .error, "connection refused", facts)
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
            newcomer.place = Newcomer.Place(source: source, timer: timer)
        } catch {
            self.drop(newcomer, "\(error)")
        }
    }

    /// Its descriptor belongs to somebody else from now on, or is closed.
    private func forget(_ newcomer: Newcomer) {
        guard let place = newcomer.place else { return }
        newcomer.place = nil
        self.loop.remove(place.source)
        self.loop.cancel(place.timer)
    }

    private func isLate(_ newcomer: Newcomer) {
        self.forget(newcomer)
        self.drop(newcomer, "its Hello was not complete within \(WireLimits.helloMilliseconds) ms")
    }

    private func drop(_ newcomer: Newcomer, _ reason: String) {
        let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(reason)"]) { $1 }
        self.complain(.dropped(newcomer.peer.uid), .warning, "connection closed before it was taken in", facts)
    }

    // MARK: Log

    private func complain(
        _ complaint: Complaint,
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ facts: Logger.Metadata
    ) {
        guard self.complaints.shouldLog(complaint, at: MonotonicClock.now) else { return }
        self.door.logger.log(level: level, message, metadata: facts)
    }

    private static func facts(_ peer: PeerCredentials, _ role: PeerRole? = nil) -> Logger.Metadata {
        var facts: Logger.Metadata = [LogKeys.uid: "\(peer.uid)", LogKeys.peer: "\(peer.pid)"]
        if let role { facts[LogKeys.role] = "\(role)" }
        return facts
    }
}
