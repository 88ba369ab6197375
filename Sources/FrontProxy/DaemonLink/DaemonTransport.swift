// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// What a transport tells; all on its event loop.
protocol DaemonTransportDelegate: AnyObject {
    /// Connected; `Hello` has to be sent now.
    func transportOpened()
    func transportReceived(_ message: DaemonMessage)
    /// The connection is gone, or there was none; the next attempt follows by itself.
    func transportClosed(reason: String)
}

/// A connection to the daemon's socket that is made again whenever it ends; confined to its event loop.
///
/// Messages of one turn of the loop leave in one write.
final class DaemonTransport {
    let eventLoop: SocketLoop
    let socketPath: String
    private unowned let delegate: any DaemonTransportDelegate
    /// Unread bytes at which the daemon counts as stuck.
    private let unreadLimit: Int
    private var connection: LinkConnection?
    private var outgoing = ByteBuffer()
    private var isFlushScheduled = false
    private var backoff = ReconnectBackoff()
    private var isStopped = false
    /// Whether the daemon has answered `Hello` on the present connection.
    private var isGreeted = false
    private var openedAt = NIODeadline.now()
    /// Least time between a failure and the next attempt.
    var minimumDelay = TimeAmount.zero
    /// A connection that was of use for this long: the next failure starts with a short wait again.
    static let stableTime = TimeAmount.seconds(1)

    init(
        eventLoop: SocketLoop,
        socketPath: String,
        unreadLimit: Int = WireLimits.unreadBytes,
        delegate: any DaemonTransportDelegate
    ) {
        self.eventLoop = eventLoop
        self.socketPath = socketPath
        self.unreadLimit = unreadLimit
        self.delegate = delegate
    }

    var isConnected: Bool { connection != nil }
    /// Since the present connection, or else the last one, was opened.
    var age: TimeAmount { .now() - openedAt }

    /// Connects, and from now on again after each end.
    func connect() {
        guard !isStopped, connection == nil else { return }
        let connection = LinkConnection(transport: self)
        do throws(SystemError) {
            let socket = try UnixSocket.connect(path: socketPath, nonBlocking: true)
            try connection.open(socket, on: eventLoop, unreadLimit: unreadLimit)
        } catch {
            return attemptFailed(Self.reason(error))
        }
        self.connection = connection
        isGreeted = false
        openedAt = .now()
        outgoing.clear()
        delegate.transportOpened()
    }

    /// Ends the connection and makes no new one.
    func stop() {
        isStopped = true
        connection?.close(reason: "stopped")
    }

    /// Ends the connection; the next one follows.
    func drop(reason: String) { connection?.close(reason: reason) }

    /// The daemon has answered `Hello`.
    func greeted() { isGreeted = true }

    func send(_ message: FrontMessage) {
        guard connection != nil else { return }
        message.write(into: &outgoing)
        scheduleFlush()
    }

    func send(_ hello: Hello) {
        guard connection != nil else { return }
        hello.write(into: &outgoing)
        scheduleFlush()
    }

    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.afterTurn { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard let connection, outgoing.readableBytes > 0 else { return }
        let bytes = outgoing
        outgoing = ByteBuffer()
        connection.write(bytes)
    }

    // MARK: From the connection

    func received(_ message: DaemonMessage) { delegate.transportReceived(message) }

    /// `reason` is nil if it was the daemon that closed.
    func closed(_ connection: LinkConnection, reason: String?) {
        guard self.connection === connection else { return }
        self.connection = nil
        outgoing.clear()
        if isGreeted, age >= Self.stableTime { backoff.succeeded() }
        attemptFailed(reason ?? (isGreeted ? "the daemon closed the connection" : Self.unknownUserReason))
    }

    /// What went wrong on a connection, for the log.
    static func reason(_ error: SystemError) -> String {
        if error.isNotFound {
            return "there is no such socket: start flying-passenger --socket-file=PATH with this path, or correct "
                + "passenger_fly_with"
        }
        if error.isWouldBlock { return "more connections than the daemon accepts wait for it" }
        guard error.isPermissionDenied else { return error.reason }
        return "\(error.reason): start flying-passenger with --front-user=NAME, where NAME is \(user), or with "
            + "--socket-group or --socket-mode; or this front with --user=NAME, a user that the daemon knows"
    }

    /// The daemon closes connections of users that it does not know without a word.
    private static var unknownUserReason: String {
        "the daemon closed the connection without an answer: it may not know \(user), see its flags --front-user "
            + "and --trust-user, or start this front with another --user"
    }

    private static var user: String { "the user of this process (uid \(CurrentProcess.effectiveUID))" }

    private func attemptFailed(_ reason: String) {
        guard !isStopped else { return }
        delegate.transportClosed(reason: reason)
        let delay = max(.milliseconds(backoff.failed()), minimumDelay)
        eventLoop.assumeIsolated().scheduleTask(in: delay) { self.connect() }
    }
}
