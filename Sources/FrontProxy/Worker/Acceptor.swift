// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging
import Synchronization

/// Accepts connections on a thread of its own and spreads them over the event loops.
///
/// It is not NIO's: a channel that is closed while connections are between accept and their event loop closes them too.
/// Here everything that was accepted has been handed to its loop when `stop` reports the end.
final class Acceptor: Sendable {
    /// A listening socket; shared with the master, other workers, and perhaps a parent.
    struct Listener: Sendable {
        let address: ListenAddress
        let socket: SharedDescriptor
    }

    private enum Order {
        case accept
        /// Take what waits at these, then end.
        case end(closing: Set<ListenAddress>, then: @Sendable () -> Void)
    }

    private let listeners: [Listener]
    private let loops: [WorkerLoop]
    private let trust: PeerTrust
    private let logger: Logger
    private let wakeUp: SharedWakeUp
    private let order = Mutex(Order.accept)
    private let budget: Mutex<ConnectionBudget>

    /// Connections taken from one listener before the others have their turn.
    private static let maxPerTurn = 64
    /// Nanoseconds.
    private static let complaintInterval: UInt64 = 60_000_000_000
    private static let wakeUpToken = UInt64.max

    /// `connectionLimit`: while as many connections are open, new ones wait in the queues of the listeners.
    init(
        listeners: [Listener],
        loops: [WorkerLoop],
        trust: PeerTrust,
        connectionLimit: Int? = nil,
        logger: Logger
    ) throws(SystemError) {
        self.listeners = listeners
        self.loops = loops
        self.trust = trust
        self.logger = logger
        budget = Mutex(ConnectionBudget(limit: connectionLimit))
        wakeUp = SharedWakeUp(try WakeUp())
        for listener in listeners { try listener.socket.descriptor.setNonBlocking() }
    }

    func start() throws(SystemError) {
        let epoll = try Epoll()
        try epoll.add(wakeUp.wakeUp.rawValue, for: .readable, token: Self.wakeUpToken)
        for (index, listener) in listeners.enumerated() {
            try epoll.add(listener.socket.rawValue, for: .readable, token: UInt64(index))
        }
        let shared = SharedEpoll(epoll)
        try OSThread.startDetached(name: "accept") { self.run(shared) }
    }

    /// Ends accepting; `done` is called on the acceptor's thread after the last connection was handed over.
    func stop(closing: Set<ListenAddress>, done: @escaping @Sendable () -> Void) {
        order.withLock { $0 = .end(closing: closing, then: done) }
        wakeUp.wakeUp.wake()
    }

    private func run(_ epoll: SharedEpoll) {
        var events = Epoll.EventBuffer(capacity: 64)
        var turn = Turn()
        while true {
            if endsAsOrdered(&turn) { return }
            guard budget.withLock({ $0.hasRoom }) else {
                awaitRoom(&turn)
                continue
            }
            let count: Int
            do throws(SystemError) {
                count = try epoll.epoll.wait(&events)
            } catch {
                logger.critical("cannot wait for connections", metadata: [LogKeys.error: "\(error)"])
                CurrentProcess.exit(1)
            }
            if endsAsOrdered(&turn) { return }
            for index in 0..<count {
                if events[index].token == Self.wakeUpToken {
                    wakeUp.wakeUp.clear()
                } else {
                    accept(from: listeners[Int(events[index].token)], &turn)
                }
            }
        }
    }

    /// True if accepting is over.
    private func endsAsOrdered(_ turn: inout Turn) -> Bool {
        guard case .end(let closing, let done) = order.withLock({ $0 }) else { return false }
        // What waits at these has nobody else to come to.
        budget.withLock { $0.lift() }
        for listener in listeners where closing.contains(listener.address) { drain(listener, &turn) }
        done()
        return true
    }

    /// As many connections are open as may be: closes those that only wait for another request, then waits for an end.
    private func awaitRoom(_ turn: inout Turn) {
        for loop in loops { loop.makeRoom() }
        if turn.mayComplain(every: Self.complaintInterval) {
            logger.warning("worker_connections are in use: new connections wait")
        }
        _ = try? Poll.wait(wakeUp.wakeUp.rawValue, for: .readable, timeout: .seconds(1))
        wakeUp.wakeUp.clear()
    }

    private func connectionEnded() {
        if budget.withLock({ $0.ended() }) { wakeUp.wakeUp.wake() }
    }

    /// What the thread remembers from one connection to the next.
    private struct Turn {
        var nextLoop = 0
        private var lastComplaint: UInt64 = 0

        /// At most once in an interval of nanoseconds.
        mutating func mayComplain(every interval: UInt64) -> Bool {
            let now = MonotonicClock.now
            guard lastComplaint == 0 || now - lastComplaint > interval else { return false }
            lastComplaint = now
            return true
        }
    }

    private func drain(_ listener: Listener, _ turn: inout Turn) {
        while accept(from: listener, &turn) {}
    }

    /// Takes what waits, up to a limit; true if there may be more.
    @discardableResult
    private func accept(from listener: Listener, _ turn: inout Turn) -> Bool {
        for _ in 0..<Self.maxPerTurn {
            guard budget.withLock({ $0.begin() }) else { return false }
            var isOpen = false
            defer { if !isOpen { connectionEnded() } }
            do throws(SystemError) {
                let connection = try UnixListener.accept(on: listener.socket.rawValue, nonBlocking: true)
                // Now, not when a request says something: the peer may be gone by then, and its socket somebody else's.
                let isUnix = if case .unix = listener.address { true } else { false }
                let uid = isUnix ? connection.peer.uid : PeerSocket.uid(ofPeerOfTCP: connection.rawValue)
                loops[turn.nextLoop]
                    .adopt(
                        connection.takeDescriptor().release(),
                        from: listener.address,
                        isTrustedPeer: trust.trusts(uid),
                        whenEnded: { self.connectionEnded() }
                    )
                isOpen = true
                turn.nextLoop = (turn.nextLoop + 1) % loops.count
            } catch  where error.isWouldBlock {
                return false
            } catch  where error.isTransientAcceptFailure {
                continue
            } catch {
                complain(error, listener, &turn)
                return false
            }
        }
        return true
    }

    /// Out of descriptors or memory: says so once in a while, makes room and waits a little for things to get better.
    private func complain(_ error: SystemError, _ listener: Listener, _ turn: inout Turn) {
        if error.isTooManyDescriptors {
            for loop in loops { loop.makeRoom() }
        }
        if turn.mayComplain(every: Self.complaintInterval) {
            logger.error(
                "cannot accept connections",
                metadata: [LogKeys.address: "\(listener.address)", LogKeys.error: "\(error)"]
            )
        }
        // The wake-up ends the wait early; it stays readable for the loop.
        _ = try? Poll.wait(wakeUp.wakeUp.rawValue, for: .readable, timeout: .milliseconds(50))
    }
}

private final class SharedEpoll: Sendable {
    let epoll: Epoll
    init(_ epoll: consuming Epoll) { self.epoll = epoll }
}

private final class SharedWakeUp: Sendable {
    let wakeUp: WakeUp
    init(_ wakeUp: consuming WakeUp) { self.wakeUp = wakeUp }
}
