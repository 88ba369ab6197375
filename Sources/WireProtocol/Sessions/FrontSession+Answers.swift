// SPDX-License-Identifier: MIT

package import NIOCore

/// What the daemon says.
extension FrontSession {
    package enum Action: Hashable, Sendable {
        case hello(HelloAction)
        /// Hand it to whoever asked.
        case granted(Granted)
        /// Nobody wants it any more: write the release.
        case releaseLate(Release)
        case refused(Refused)
        /// The daemon goes away before it could answer: the checkout waits for the next connection.
        case requeued(RequestID)
        case appAccepted(AppNumber)
        case appRejected(AppNumber, reason: String)
        /// The sessions are over; their holders are told.
        case processGone(ProcessGone, sessions: [SessionID])
        case draining(Draining)
        case aborted(SessionID, reason: Abort.Reason)
        case goodbye(reason: String)
        /// The answer to `askReport`; `next` is to be written now.
        case report(Report, next: ReportQuery?)
        /// The answer to `askFate`.
        case streamFate(StreamFate)
        case send(FrontMessage)
        case nothing
        /// Crossed something that made it void.
        case ignored(reason: String)
        /// The daemon broke the protocol: close.
        case violation(reason: String)
    }

    package mutating func received(_ message: DaemonMessage, at now: NIODeadline) -> Action {
        self.liveness.heard(at: now)
        if case .helloReply(let reply) = message { return .hello(self.helloAnswered(reply, at: now)) }
        switch self.state {
        case .open, .leaving: break
        case .disconnected, .greeting: return .violation(reason: "message before the answer to Hello")
        }
        defer { self.settleBehind(at: now) }
        switch message {
        case .granted(let granted): return self.granted(granted, at: now)
        case .refused(let refused): return self.refused(refused, at: now)
        case .processGone(let gone): return self.processGone(gone)
        case .draining(let draining): return .draining(draining)
        case .abort(let abort):
            guard self.forget(abort.session) != nil else {
                return .ignored(reason: "abort of a session that was released")
            }
            return .aborted(abort.session, reason: abort.reason)
        case .appAccepted(let accepted): return .appAccepted(accepted.app)
        case .appRejected(let rejected):
            // Told again with the next checkout: the daemon's mind may change with the next manifest.
            self.defined.remove(rejected.app)
            return .appRejected(rejected.app, reason: rejected.reason)
        case .goodbye(let goodbye):
            self.goodbyeReceived()
            self.returnIdle(at: now)
            return .goodbye(reason: goodbye.reason)
        case .report(let report): return self.reported(report)
        case .streamFate(let fate):
            guard self.fates.remove(fate.stream) != nil else {
                return .violation(reason: "a fate that was not asked for")
            }
            return .streamFate(fate)
        case .ping(let number): return .send(.pong(number))
        case .pong: return .nothing
        case .recall(let recall): return self.recalled(recall.session, at: now)
        case .attached: return .violation(reason: "Attached on a control connection")
        case .helloReply: return .violation(reason: "second answer to Hello")
        }
    }

    private mutating func granted(_ granted: Granted, at now: NIODeadline) -> Action {
        // It was taken back, or carried by a session that was here already.
        guard let request = self.requests.removeValue(forKey: self.successor(of: granted.request)) else {
            return .releaseLate(Release(session: granted.session, outcome: .unused))
        }
        switch request.phase {
        case .asked:
            var granted = granted
            let hasNotWaited = granted.queueTimeMicroseconds == 0
            if granted.request != request.checkout.request {
                granted.request = request.checkout.request
                granted.queueTimeMicroseconds = UInt64(clamping: (now - request.since).nanoseconds / 1000)
            }
            let held = HeldSession(granted, for: request.checkout, at: now)
            _ = self.forget(granted.session)
            self.sessions[granted.session] = held
            if let lasts = held.lastsFrom { self.shelf.consider(lasts) }
            if granted.concurrency == 0 {
                self.shelf.unlimited.insert(held.app)
            } else {
                self.shelf.unlimited.remove(held.app)
            }
            // There was room: perhaps there is more.
            if hasNotWaited { self.askBehind(of: held.app, at: now) }
            return .granted(granted)
        case .waiting, .behind: return .violation(reason: "grant of a checkout that was not sent")
        }
    }

    private mutating func refused(_ refused: Refused, at now: NIODeadline) -> Action {
        var refused = refused
        refused.request = self.successor(of: refused.request)
        switch self.requests[refused.request]?.phase {
        case .asked where refused.reason == .shuttingDown:
            self.requeue(refused.request, at: now)
            return .requeued(refused.request)
        case .asked:
            self.requests[refused.request] = nil
            return .refused(refused)
        case nil: return .ignored(reason: "refusal of a checkout that was taken back")
        case .waiting, .behind: return .violation(reason: "refusal of a checkout that was not sent")
        }
    }

    private mutating func processGone(_ gone: ProcessGone) -> Action {
        let over = self.sessions.filter { $0.value.process == gone.process }.map(\.key)
        for session in over { _ = self.forget(session) }
        return .processGone(gone, sessions: over)
    }
}
