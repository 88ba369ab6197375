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
    /// Which connections are taken in; holds for the next first frame.
    struct Admission {
        /// Others are refused, with this text.
        var roles: Set<PeerRole>
        var refusal = ""
    }

    enum Order: Sendable {
        case close
    }

    let listener: Descriptor
    let name: String
    let admits: @Sendable (PeerCredentials) -> Bool
    /// Whether a stream may be opened with a token.
    let opens: @Sendable (StreamToken?, PeerCredentials) -> Bool
    let deliver: @Sendable (Arrival) -> Void
    /// By role; shared with other doors.
    let counts: ConnectionCounts
    /// Those whose first frame is not complete, at this door: only its own loop can give one of them up for another.
    let pending = ConnectionCounts()
    let complaints: Complaints
    let logger: Logger
    private let admission: Mutex<Admission>
    private let mailbox: Mailbox<Order>

    /// Takes over a listening socket; `admits`, `opens` and `deliver` are called on the thread, which gets the name.
    init(
        listener: consuming Descriptor,
        name: String,
        roles: Set<PeerRole>,
        counts: ConnectionCounts,
        complaints: Complaints,
        logger: Logger,
        admits: @escaping @Sendable (PeerCredentials) -> Bool,
        opens: @escaping @Sendable (StreamToken?, PeerCredentials) -> Bool = { _, _ in true },
        deliver: @escaping @Sendable (Arrival) -> Void
    ) throws(SystemError) {
        // The watchdog has the same open file, and does not accept on it.
        try listener.setNonBlocking()
        self.listener = listener
        self.name = name
        self.admission = Mutex(Admission(roles: roles))
        self.counts = counts
        self.complaints = complaints
        self.logger = logger
        self.admits = admits
        self.opens = opens
        self.deliver = deliver
        self.mailbox = try Mailbox()
    }

    func start() throws(SystemError) {
        try EpollThread.startDetached(name: self.name, failed: CoreFailure.handler(.doorkeeper)) {
            loop throws(SystemError) in
            let doorLoop = try DoorkeeperLoop(self, loop)
            // Keeps it until the end.
            try loop.add(self.mailbox) { doorLoop.carryOut($0) }
        }
    }

    /// From now on only these roles are taken in; others are refused with the text.
    func takeOnly(_ roles: Set<PeerRole>, refusal: String) {
        self.admission.withLock {
            $0.roles = roles
            $0.refusal = refusal
        }
    }

    /// Ends the thread; connections whose first frame is not complete are closed.
    func close() {
        self.mailbox.post(.close)
    }

    var currentAdmission: Admission { self.admission.withLock { $0 } }
}
