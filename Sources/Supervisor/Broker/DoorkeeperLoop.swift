// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import WireProtocol

/// What a doorkeeper's thread does; confined to it.
final class DoorkeeperLoop {
    static let listenerToken = UInt64.max
    static let wakeUpToken = UInt64.max - 1

    /// Connections taken in before others get their turn.
    private static let acceptsPerTurn = 64
    /// How long nothing is accepted when descriptors or memory are short.
    private static let pause: UInt64 = 100_000_000

    private let door: Doorkeeper
    private let shared: SharedEpoll
    private var events = Epoll.EventBuffer(capacity: 128)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)
    private var newcomers: [UInt64: Newcomer] = [:]
    private var nextToken: UInt64 = 0
    private var pausedUntil: UInt64?
    private var complaints = OncePerMinute<Complaint>()

    private enum Complaint: Hashable {
        case stranger(UInt32)
        case tooMany(UInt32, PeerRole?)
        case dropped(UInt32)
        case refused(UInt32)
        case accept(Int32)
        case epoll
    }

    init(_ door: Doorkeeper, _ shared: SharedEpoll) {
        self.door = door
        self.shared = shared
    }

    deinit { self.scratch.deallocate() }

    func run(failed: CoreFailure.Handler = { CoreFailure.end($0, $1) }) {
        while !self.door.currentOrders.isClosed {
            let count: Int
            do {
                count = try self.shared.epoll.wait(&self.events, milliseconds: self.timeout())
            } catch {
                return failed("waiting for connections failed", error)
            }
            for index in 0..<count { self.handle(self.events[index].token) }
            self.timePassed(to: MonotonicClock.now)
        }
    }

    private func handle(_ token: UInt64) {
        switch token {
        case Self.wakeUpToken: self.door.wakeUp.clear()
        case Self.listenerToken: self.acceptAll()
        default: if let newcomer = self.newcomers[token] { self.proceed(newcomer, token) }
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
        self.nextToken += 1
        self.proceed(newcomer, self.nextToken)
    }

    private func pauseAccepting(_ error: SystemError) {
        self.complain(.accept(error.code), .error, "connections cannot be accepted", [LogKeys.error: "\(error)"])
        self.pausedUntil = MonotonicClock.now + Self.pause
        self.watchListener(for: [])
    }

    private func watchListener(for events: Epoll.Events) {
        do {
            try self.shared.epoll.modify(self.door.listener.rawValue, for: events, token: Self.listenerToken)
        } catch {
            self.complain(.epoll, .critical, "the listening socket cannot be watched", [LogKeys.error: "\(error)"])
        }
    }

    // MARK: First frames

    private func proceed(_ newcomer: Newcomer, _ token: UInt64) {
        switch newcomer.read(self.scratch) {
        case .waiting: self.wait(for: newcomer, token)
        case .arrived(let hello, let remainder):
            self.forget(newcomer, token)
            let orders = self.door.currentOrders
            guard orders.roles.contains(hello.role) else {
                newcomer.refuse(
                    orders.refusal.isEmpty ? "this socket is not for \(hello.role) connections" : orders.refusal
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
            self.forget(newcomer, token)
            newcomer.refuse(text)
            let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(text)"]) { $1 }
            self.complain(.refused(newcomer.peer.uid), .error, "connection refused", facts)
        case .dropped(let reason):
            self.forget(newcomer, token)
            self.drop(newcomer, reason)
        case .left:
            self.forget(newcomer, token)
            self.door.logger.debug("peer left before its first frame was complete", metadata: Self.facts(newcomer.peer))
        }
    }

    private func wait(for newcomer: Newcomer, _ token: UInt64) {
        guard self.newcomers[token] == nil else { return }
        do {
            try self.shared.epoll.add(newcomer.number, for: .readable, token: token)
            self.newcomers[token] = newcomer
        } catch {
            self.drop(newcomer, "\(error)")
        }
    }

    /// Its descriptor belongs to somebody else from now on, or is closed.
    private func forget(_ newcomer: Newcomer, _ token: UInt64) {
        guard self.newcomers.removeValue(forKey: token) != nil else { return }
        // A descriptor that cannot be removed was never in.
        try? self.shared.epoll.remove(newcomer.number)
    }

    private func drop(_ newcomer: Newcomer, _ reason: String) {
        let facts = Self.facts(newcomer.peer).merging([LogKeys.reason: "\(reason)"]) { $1 }
        self.complain(.dropped(newcomer.peer.uid), .warning, "connection closed before it was taken in", facts)
    }

    // MARK: Time

    private func timeout() -> Int32 {
        let deadlines = self.newcomers.values.lazy.map(\.deadline).min()
        guard let next = [deadlines, self.pausedUntil].compactMap({ $0 }).min() else { return -1 }
        let now = MonotonicClock.now
        return next <= now ? 0 : Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func timePassed(to now: UInt64) {
        if let until = self.pausedUntil, until <= now {
            self.pausedUntil = nil
            self.watchListener(for: .readable)
        }
        for (token, newcomer) in self.newcomers where newcomer.deadline <= now {
            self.forget(newcomer, token)
            self.drop(newcomer, "its Hello was not complete within \(WireLimits.helloMilliseconds) ms")
        }
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
