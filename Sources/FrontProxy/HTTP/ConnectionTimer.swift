// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import NIOCore

/// The one clock of a connection: a deadline that moves often, over a timer that is armed seldom.
///
/// The deadline is moved by storing it. A timer that fires early finds that out and is armed for the rest, so a request
/// neither schedules nor cancels anything.
struct ConnectionTimer {
    /// nil: nothing is waited for.
    var deadline: NIODeadline?
    /// The deadline is that for the rest of a head.
    var isForHead = false
    /// Bytes that were handed to the channel, over the life of the connection.
    var handedBytes = 0
    /// Of these, the ones that the client had taken when the clock was last looked at.
    fileprivate var takenBytes = -1
    /// When that number was first seen.
    fileprivate var takenAt = NIODeadline.uptimeNanoseconds(0)
    fileprivate var armed: Scheduled<Void>?
    fileprivate var armedFor = NIODeadline.distantFuture

    mutating func stop() {
        self.deadline = nil
        self.armed?.cancel()
        self.armed = nil
    }
}

extension TimeAmount {
    /// Rounded to nanoseconds; at most about 30 years.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(min(seconds, 1_000_000_000)) + .nanoseconds(attoseconds / 1_000_000_000)
    }
}

extension ClientConnectionHandler {
    /// For the next request of a connection that must close.
    static let drainGrace = TimeAmount.seconds(5)
    /// From the end of a client's side to asking whether it is still there.
    static let probeDelay = TimeAmount.seconds(1)
    /// For a client that still sends what nobody reads.
    static let lingerTime = TimeAmount.seconds(5)

    func setDeadline(after amount: TimeAmount) { self.setDeadline(.now() + amount) }

    func setDeadline(_ deadline: NIODeadline) {
        self.timer.deadline = deadline
        if self.timer.armed == nil || deadline < self.timer.armedFor { self.arm(deadline) }
    }

    /// Finds out whether a client that has shut its side has left altogether.
    ///
    /// End of file looks the same for both. A client that still listens skips an interim answer (RFC 9110 §15.2); one
    /// that has gone makes the kernel answer with a reset. Most answers come before it is needed.
    func scheduleProbe() {
        guard self.head.version == .http11 else { return }
        let request = self.account.begun
        self.loop.eventLoop.assumeIsolated().scheduleTask(in: Self.probeDelay) {
            guard self.account.begun == request, self.machine.isAnswering, !self.machine.hasAnswerBegun else { return }
            self.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
    }

    func clearDeadline() { self.timer.deadline = nil }

    private func arm(_ deadline: NIODeadline) {
        self.timer.armed?.cancel()
        self.timer.armedFor = deadline
        self.timer.armed = self.loop.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired() }
    }

    private func timerFired() {
        self.timer.armed = nil
        guard let deadline = self.timer.deadline else { return }
        if NIODeadline.now() < deadline {
            self.arm(deadline)
        } else {
            self.timer.deadline = nil
            self.deadlineReached()
        }
    }

    private func deadlineReached() {
        switch self.machine.state {
        // An answer is complete for us before a slow client has all of it.
        case .idle, .lingering, .closed: if !self.isStuckInOutput(lookingAgainAfter: .seconds(1)) { self.closeNow() }
        case .head:
            self.machine.headFailed()
            self.beginAccount()
            self.headBytes.clear()
            self.fail(RequestError(.headTimeout))
        case .tunnel: break
        case .answering(let answering):
            if self.isStuckInOutput() { return }
            if answering.body == .reading, self.isClientAwaited(answering) {
                self.fail(RequestError(.bodyTimeout))
            } else {
                self.exchange?.deadlineReached()
            }
        }
    }

    /// The body is collected, or the app would take more of it.
    private func isClientAwaited(_ answering: ConnectionMachine.Answering) -> Bool {
        guard let exchange = self.exchange, !exchange.isIdle else { return true }
        return exchange.takesBody && !answering.answerBegun
    }

    /// Whether bytes wait for the client; then its progress counts, and a client without any loses its connection.
    private func isStuckInOutput(lookingAgainAfter interval: TimeAmount = .hours(1)) -> Bool {
        guard let channel = self.channelContext?.channel else { return false }
        // A channel that cannot tell has nothing waiting.
        let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard waiting > 0 else { return false }
        let taken = self.timer.handedBytes - waiting
        let now = NIODeadline.now()
        if taken != self.timer.takenBytes {
            self.timer.takenBytes = taken
            self.timer.takenAt = now
        }
        let limit = self.timer.takenAt + .init(self.route.sendTimeout)
        if now < limit { self.setDeadline(min(limit, now + interval)) } else { self.closeNow() }
        return true
    }
}
