// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Synchronization
import WireProtocol

/// Takes connections in on a thread of its own: who is it, may they, what for.
///
/// The peer's credentials are looked at before a byte is read. The first frame has a bound in size and time, and a peer
/// that stays silent keeps nobody else waiting. Whoever passes is delivered with its `Hello` and whatever came behind it.
final class Doorkeeper: Sendable {
    /// What the loop of the thread is told from outside.
    struct Orders {
        /// Others are refused, with this text.
        var roles: Set<PeerRole>
        var refusal = ""
        var isClosed = false
    }

    let listener: Descriptor
    let name: String
    let admits: @Sendable (PeerCredentials) -> Bool
    let deliver: @Sendable (Arrival) -> Void
    let counts: ConnectionCounts
    let logger: Logger
    let wakeUp: WakeUp
    private let orders: Mutex<Orders>

    /// Takes over a listening socket; `admits` and `deliver` are called on the thread, which gets the name.
    init(
        listener: consuming Descriptor,
        name: String,
        roles: Set<PeerRole>,
        counts: ConnectionCounts,
        logger: Logger,
        admits: @escaping @Sendable (PeerCredentials) -> Bool,
        deliver: @escaping @Sendable (Arrival) -> Void
    ) throws(SystemError) {
        // The watchdog has the same open file, and does not accept on it.
        try listener.setNonBlocking()
        self.listener = listener
        self.name = name
        self.orders = Mutex(Orders(roles: roles))
        self.counts = counts
        self.logger = logger
        self.admits = admits
        self.deliver = deliver
        self.wakeUp = try WakeUp()
    }

    func start() throws(SystemError) {
        // Made here, so that a failure is the caller's.
        let epoll = try Epoll()
        try epoll.add(self.listener.rawValue, for: .readable, token: DoorkeeperLoop.listenerToken)
        try epoll.add(self.wakeUp.rawValue, for: .readable, token: DoorkeeperLoop.wakeUpToken)
        let shared = SharedEpoll(epoll)
        try OSThread.startDetached(name: self.name) { DoorkeeperLoop(self, shared).run() }
    }

    /// From now on only these roles are taken in; others are refused with the text.
    func takeOnly(_ roles: Set<PeerRole>, refusal: String) {
        self.orders.withLock {
            $0.roles = roles
            $0.refusal = refusal
        }
    }

    /// Ends the thread; connections whose first frame is not complete are closed.
    func close() {
        self.orders.withLock { $0.isClosed = true }
        self.wakeUp.wake()
    }

    var currentOrders: Orders { self.orders.withLock { $0 } }
}

/// An epoll instance that is made on one thread and used on another.
final class SharedEpoll: Sendable {
    let epoll: Epoll
    init(_ epoll: consuming Epoll) { self.epoll = epoll }
}
