// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

// How it waits, and how it ends.
extension HTTP1Connection {
    /// Between looks at a client that has shut its side.
    private static let lookInterval = TimeAmount.seconds(1)
    /// So many looks in a row without a byte for such a client: it has gone.
    private static let maxQuietLooks = 5
    /// For a client that still sends what nobody reads.
    private static let lingerTime = TimeAmount.seconds(5)

    func awaitNextRequest() {
        incoming = .none
        beIdle(for: loop.isDraining ? Self.drainGrace : .init(route.keepaliveTimeout))
        readOn()
    }

    func beIdle(for limit: TimeAmount) {
        let now = NIODeadline.now()
        idleEnd = now + limit
        set(home == nil ? idleEnd : min(idleEnd, now + ClientSocket.patience))
    }

    /// The client has been silent for a while: true if it may be so for longer, with this connection or without.
    private func staysIdle() -> Bool {
        guard machine.isIdle, !loop.isDraining, NIODeadline.now() < idleEnd else { return false }
        let canWaitElsewhere = inbound.readableBytes == 0 && bufferedBytes == 0 && !machine.hasInputEnded
        if canWaitElsewhere, let home, let socket, home.giveBack(socket, until: idleEnd) {
            closeNow()
        } else {
            set(min(idleEnd, .now() + ClientSocket.patience))
        }
        return true
    }

    /// Closes once everything is written; a client that still sends gets the time to read it.
    func endConnection() {
        if inbound.readableBytes > 0 { return linger() }
        closeAfterOutput()
    }

    /// Closes once the client has taken everything, or takes nothing for as long as it may.
    func closeAfterOutput() {
        setDeadline(after: .init(route.sendTimeout))
        afterFlush { self.closeNow() }
    }

    func linger() {
        inbound = ByteBuffer()
        resumeReading()
        setDeadline(after: Self.lingerTime + .init(route.sendTimeout))
        afterFlush {
            self.setDeadline(after: Self.lingerTime)
            self.socket?.endOutput()
        }
    }

    private func afterFlush(_ body: @escaping () -> Void) {
        socket?.whenTaken { isTaken in
            // Else it is about to be closed.
            if isTaken { body() }
        }
    }

    // MARK: A client that has shut its side

    /// What is known of a client that has shut its side.
    struct HalfClosedWatch {
        /// Bytes of answers that had been handed over at the last look.
        var handedBytes: Int
        var quietLooks = 0
        var wasAsked = false
    }

    /// Finds out whether a client that has shut its side has left altogether, as long as it is owed an answer.
    ///
    /// End of file looks the same for both, but what is written to one that has gone makes its kernel answer with a reset.
    /// Before an answer that is an interim one, which a client skips (RFC 9110 §15.2). In an answer nothing can be put
    /// in: who is sent nothing for some seconds counts as gone, or an answer that lasts would hold its app for nobody.
    func watchHalfClosed(_ watch: HalfClosedWatch) {
        loop.eventLoop.assumeIsolated().scheduleTask(in: Self.lookInterval) { [weak self] in self?.look(watch) }
    }

    private func look(_ last: HalfClosedWatch) {
        guard machine.isAnswering, let exchange else { return }
        var watch = last
        if !machine.hasAnswerBegun {
            if !watch.wasAsked, exchange.isProbeable { write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }
            watch.wasAsked = true
            watch.quietLooks = 0
        } else {
            let isQuiet = progress.handedBytes == watch.handedBytes && bufferedBytes == 0
            watch.quietLooks = isQuiet ? watch.quietLooks + 1 : 0
            if watch.quietLooks == Self.maxQuietLooks { return abandonRequest() }
        }
        watch.handedBytes = progress.handedBytes
        watchHalfClosed(watch)
    }

    // MARK: Clock

    func set(_ deadline: NIODeadline) {
        if clock.set(deadline) { arm(deadline) }
    }

    private func arm(_ deadline: NIODeadline) {
        armed?.cancel()
        armed = loop.eventLoop.assumeIsolated()
            .scheduleTask(deadline: deadline) {
                switch self.clock.fired(at: .now()) {
                case .none: break
                case .arm(let deadline): self.arm(deadline)
                case .deadlineReached: self.deadlineReached()
                }
            }
    }

    private func deadlineReached() {
        switch machine.state {
        // An answer is complete for us before a slow client has all of it.
        case .idle, .lingering, .closed:
            if !isStuckInOutput(lookingAgainAfter: .seconds(1)), !staysIdle() { closeNow() }
        case .head, .partialHead: refuseHead(RequestError(.headTimeout))
        case .tunnel: break
        case .answering: if !isStuckInOutput() { exchange?.deadlineReached() }
        }
    }

    /// Whether bytes wait for the client; then its progress counts, and a client without any loses its connection.
    private func isStuckInOutput(lookingAgainAfter interval: TimeAmount = .hours(1)) -> Bool {
        let now = NIODeadline.now()
        // Between two pieces of a file nothing waits here.
        let waiting = max(bufferedBytes, isSendingFile ? 1 : 0)
        switch progress.look(waiting: waiting, limit: .init(route.sendTimeout), at: now) {
        case .done: return false
        case .waiting(let limit): set(min(limit, now + interval))
        case .stuck: closeNow()
        }
        return true
    }
}
