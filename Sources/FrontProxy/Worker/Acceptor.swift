// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging
import Synchronization

/// Accepts connections on a thread of its own and spreads them over the event loops.
///
/// Everything that was accepted has been handed to its loop when `stop` reports the end.
final class Acceptor: Sendable {
    /// A listening socket; shared with the master, other workers, and perhaps a parent.
    struct Listener: Sendable {
        let address: ListenAddress
        let socket: SharedDescriptor
    }

    enum Order: Sendable {
        /// A connection ended while there was no room for another one.
        case room
        /// Take what waits at these, then end.
        case end(closing: Set<ListenAddress>, then: @Sendable () -> Void)
        /// Watch over a client that asks for nothing.
        case keep(IdleClient)
        /// Nobody waits for these any more.
        case closeIdle
    }

    let listeners: [Listener]
    let loops: [WorkerLoop]
    let trust: PeerTrust
    let logger: Logger
    let budget: Mutex<ConnectionBudget>
    private let orders: Mailbox<Order>

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
        orders = try Mailbox()
        for listener in listeners { try listener.socket.descriptor.setNonBlocking() }
    }

    func start() throws(SystemError) {
        let logger = logger
        try EpollThread.startDetached(
            name: "accept",
            failed: { error in
                logger.critical("cannot wait for connections", metadata: [LogKeys.error: "\(error)"])
                CurrentProcess.exit(1)
            },
            { loop throws(SystemError) in
                let accepting = try AcceptorLoop(self, loop)
                // Keeps it until the end.
                try loop.add(self.orders) { accepting.carryOut($0) }
            }
        )
    }

    /// Ends accepting; `done` is called on the acceptor's thread after the last connection was handed over.
    func stop(closing: Set<ListenAddress>, done: @escaping @Sendable () -> Void) {
        orders.post(.end(closing: closing, then: done))
    }

    /// From any thread: takes over a client that waits for its next request; false if nobody would watch over it.
    func keep(_ client: IdleClient) -> Bool {
        guard budget.withLock({ $0.idleBegan() }) else { return false }
        orders.post(.keep(client))
        return true
    }

    /// Closes all clients that are kept.
    func closeIdle() { orders.post(.closeIdle) }

    /// From any thread, once for each connection that was accepted or was about to be.
    func connectionEnded() {
        if budget.withLock({ $0.ended() }) { orders.post(.room) }
    }
}
