// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// The master's connection to the daemon: tells which settings its workers may push; confined to its event loop.
final class ManifestLink {
    /// What a manifest says, without its generation.
    struct Content: Hashable {
        var workerUID: UInt32
        var workerToken: WorkerToken
        var apps: [ManifestApp]
    }

    private let frontName: String
    private let presence: DaemonPresence
    private let logger: Logger
    private let eventLoop: SocketLoop
    private let socketPath: String
    private var session: FrontSession
    private var ledger = ManifestLedger()
    private var timer: Scheduled<Void>?
    private var lastRefusal: String?
    private var hasSentManifest = false
    /// Connections in a row that the daemon closed right after a manifest: it takes none from this user.
    private var closedOnManifest = 0
    private lazy var transport = DaemonTransport(
        eventLoop: eventLoop,
        socketPath: socketPath,
        unreadLimit: 4 * Int(WireLimits.manifestFrame),
        delegate: self
    )

    init(eventLoop: SocketLoop, socketPath: String, frontName: String, presence: DaemonPresence, logger: Logger) {
        self.eventLoop = eventLoop
        self.socketPath = socketPath
        self.frontName = frontName
        self.presence = presence
        self.logger = logger
        session = FrontSession(hello: Hello(role: .control, frontName: frontName), at: .now())
    }

    func start() { transport.connect() }

    func stop() {
        timer?.cancel()
        transport.stop()
    }

    /// A worker is about to start: its manifest is the one that counts from now on.
    func announce(_ content: Content) {
        ledger.announce(content)
        if session.isOpen { sendManifests() }
    }

    /// A worker has ended: its token is of no more use.
    func forget(_ token: WorkerToken) { ledger.forget(token) }

    /// The newest one first, so that older settings never count, not even for a moment.
    private func sendManifests() {
        hasSentManifest = true
        for entry in ledger.entries {
            let manifest = Manifest(
                front: frontName,
                generation: entry.generation,
                workerUID: entry.content.workerUID,
                workerToken: entry.content.workerToken,
                apps: entry.content.apps
            )
            transport.send(.manifest(manifest))
        }
    }

    private func perform(_ action: FrontSession.Action) {
        switch action {
        case .hello(.opened(let reply, _)):
            transport.greeted()
            lastRefusal = nil
            presence.connected(product: reply.product, atMilliseconds: Self.milliseconds(.now()))
            ledger.connected(highestKnown: reply.highestGeneration)
            sendManifests()
        case .hello(.refused(let text, let isVersionMismatch)):
            // A daemon that is being stopped is nothing to be woken up for.
            let level: Logger.Level = isVersionMismatch ? .error : .info
            if lastRefusal != text { logger.log(level: level, "the daemon refused the connection: \(text)") }
            lastRefusal = text
            transport.drop(reason: text)
        case .send(let message): transport.send(message)
        case .goodbye(let reason): transport.drop(reason: reason)
        case .violation(let reason): transport.drop(reason: "the daemon broke the protocol: \(reason)")
        case .appRejected(_, let reason):
            logger.error("the daemon does not accept the settings of an app", metadata: [LogKeys.reason: "\(reason)"])
        case .hello(.ignored), .granted, .releaseLate, .refused, .requeued, .appAccepted, .processGone, .draining,
            .aborted, .report, .streamFate, .nothing, .ignored:
            break
        }
    }

    /// Without authority a manifest ends the connection; trying on as fast as usual would only fill the daemon's log.
    private func noteManifestFate() {
        guard hasSentManifest else { return }
        hasSentManifest = false
        closedOnManifest = transport.age < DaemonTransport.stableTime ? closedOnManifest + 1 : 0
        transport.minimumDelay = closedOnManifest >= Self.patience ? .seconds(10) : .zero
        guard closedOnManifest == Self.patience else { return }
        logger.warning(
            """
            the daemon seems not to take manifests from this user: apps run with the owner's settings only; \
            start flying-passenger with --trust-user to change that
            """,
            metadata: [LogKeys.user: "uid \(CurrentProcess.effectiveUID)"]
        )
    }

    /// More than a restart of the daemon can cause.
    private static let patience = 5

    private func armTimer() {
        timer?.cancel()
        timer = session.nextDeadline.map { deadline in
            eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timePassed() }
        }
    }

    private func timePassed() {
        let action = session.timePassed(to: .now())
        if let ping = action.ping { transport.send(.ping(ping)) }
        if let reason = action.giveUp { transport.drop(reason: reason) }
        armTimer()
    }

    private static func milliseconds(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds / 1_000_000) }
}

extension ManifestLink: DaemonTransportDelegate {
    func transportOpened() {
        hasSentManifest = false
        transport.send(session.connectionOpened(at: .now()))
        armTimer()
    }

    func transportReceived(_ message: DaemonMessage) {
        perform(session.received(message, at: .now()))
        armTimer()
    }

    func transportClosed(reason: String) {
        presence.lost(reason: reason, atMilliseconds: Self.milliseconds(.now()))
        noteManifestFate()
        // A master holds no sessions.
        _ = session.connectionClosed(at: .now())
        armTimer()
    }
}
