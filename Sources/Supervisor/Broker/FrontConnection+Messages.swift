// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// What the front says, and what the pool says to it.
extension FrontConnection {
    func received(_ message: FrontMessage, bytes: Int) {
        if self.pacing == .everything { self.spend(1 + bytes / WireLimits.bytesPerFrame) }
        switch self.session.received(message) {
        case .manifest(let manifest): self.broker.manifestReceived(manifest, from: self)
        case .manifestWithoutAuthority(let token):
            self.loose { self.broker.manifestWithoutAuthority(token, from: self) }
        case .define(let definition): self.loose(WireLimits.defineAppFrames) { self.define(definition) }
        case .checkout(let checkout): self.checkout(checkout)
        case .cancel(let id):
            self.broker.pool.cancel(id, client: self)
            self.countParked()
        case .release(let release): self.release(release)
        case .reused(let session, let request):
            self.broker.pool.reused(session, for: request, client: self)
            self.countParked()
        case .reuseCrossed(let session): self.broker.pool.reuseCrossed(session)
        case .lasting(let lasting): self.broker.pool.lasting(lasting)
        case .upgraded(let session): self.broker.pool.upgraded(session)
        case .abandoned(let abandoned, let process): self.abandoned(abandoned, process)
        case .fateQuery(let query):
            self.broker.lookUp(query.stream, of: StreamGroup(connection: self.id, process: query.process))
        case .reportQuery(let query): self.loose { self.reportQueried(query) }
        case .send(let message): self.loose { self.write(message) }
        case .nothing: self.loose {}
        case .ignored(let reason):
            self.loose {
                self.logger.trace("message crossed another", metadata: [LogKeys.reason: "\(reason)"])
            }
        case .violation(let reason): self.giveUp(reason)
        }
    }

    /// Does what a frame asks for that belongs to no checkout: there is no other bound to how many a peer sends.
    private func loose(_ frames: Int = 1, _ body: () -> Void) {
        if self.pacing != .nothing { self.spend(frames) }
        body()
    }

    private func define(_ definition: DefineApp) {
        let rejection: String?
        switch self.broker.judge(definition, from: self) {
        case .accepted(let key):
            self.groups[definition.app] = key
            rejection = nil
        case .rejected(let text):
            // It quotes what was pushed, and is kept for the checkouts of this app.
            let reason = text.clamped(toUTF8: WireLimits.reasonBytes)
            let group = definition.groupName.clamped(toUTF8: WireLimits.reasonBytes)
            let facts: Logger.Metadata = [LogKeys.group: "\(group)", LogKeys.reason: "\(reason)"]
            self.complain(.error, "settings of an app rejected", facts)
            rejection = reason
        }
        self.write(self.session.appJudged(definition.app, rejection: rejection))
    }

    private func checkout(_ checkout: Checkout) {
        guard let key = self.groups[checkout.app] else {
            self.refused(checkout.request, PoolRefusal(reason: .unknownApp))
            return
        }
        guard self.mayPark() else {
            self.refused(checkout.request, PoolRefusal(reason: .tooManyCheckouts))
            return
        }
        let limit = checkout.deadlineMilliseconds
        let request = CheckoutRequest(
            id: checkout.request,
            key: key,
            stickyID: checkout.stickyID,
            deadline: limit == 0 ? nil : .milliseconds(Int64(limit)),
            method: checkout.method,
            path: checkout.path,
            host: checkout.host ?? ""
        )
        self.broker.pool.checkout(request, for: self)
    }

    private func reportQueried(_ query: ReportQuery) {
        var report = Report.none(for: query)
        if let key = self.groups[query.app], let json = self.broker.pool.failureReport(query.errorID, of: key) {
            report.json = json
        }
        self.write(.report(report))
    }

    private func release(_ release: Release) {
        self.broker.pool.release(release.session, outcome: release.outcome, carried: release.carried)
        if !self.draining.isEmpty { self.closeUnusedStreams() }
    }

    private func abandoned(_ abandoned: Abandoned, _ process: ProcessID) {
        self.broker.abandoned(abandoned, of: StreamGroup(connection: self.id, process: process))
        if !self.draining.isEmpty { self.closeUnusedStreams() }
    }

    // MARK: Fates of streams

    func streamLookedUp(_ stream: StreamNumber, _ wasUnread: Bool) {
        self.tell(self.session.streamLookedUp(stream, wasUnread: wasUnread), of: stream)
    }

    private func tell(_ action: DaemonSession.FateAction, of stream: StreamNumber) {
        switch action {
        case .send(let message): self.write(message)
        case .wait:
            self.broker.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(WireLimits.fateMilliseconds)) {
                let isEnding = self.session.fateAsked(of: stream).map { self.broker.pool.isEnding($0) } ?? false
                self.tell(self.session.fateTimePassed(stream, isEnding: isEnding), of: stream)
            }
        case .ignored: break
        }
    }

    // MARK: Processes

    func processGone(_ gone: ProcessGone) {
        self.tokens[gone.process] = nil
        self.draining.remove(gone.process)
        self.answer(self.session.processGone(gone))
    }

    func processDraining(_ draining: Draining) {
        guard case .send(let message) = self.session.processDraining(draining) else { return }
        self.write(message)
        self.draining.insert(draining.process)
        self.closeUnusedStreams()
    }

    /// Streams of a process that gives no new sessions are closed after the last one that is held here.
    private func closeUnusedStreams() {
        for process in self.draining where self.session.sessions(of: process) == 0 {
            self.draining.remove(process)
            self.tokens[process] = nil
            self.broker.closeStreams(StreamGroup(connection: self.id, process: process))
        }
    }

    private func answer(_ action: DaemonSession.AnswerAction) {
        switch action {
        case .send(let message): self.write(message)
        case .ignored: break
        }
    }

    func goodbye(_ reason: String) { self.answer(self.session.goodbye(reason: reason)) }
}

extension FrontConnection: CheckoutClient {
    var leaseHolder: LeaseHolder? {
        self.session.keepsSessions ? LeaseHolder(rawValue: self.id.rawValue) : nil
    }

    var logFacts: Logger.Metadata {
        [LogKeys.front: "\(self.hello.frontName)", LogKeys.uid: "\(self.peer.uid)", LogKeys.peer: "\(self.peer.pid)"]
    }

    func granted(_ id: RequestID, _ grant: PoolGrant) {
        let granted = Granted(
            request: id,
            session: grant.session,
            process: grant.process,
            streamToken: self.streamToken(for: grant),
            pid: grant.label.pid,
            stickyID: grant.stickyID,
            queueTimeMicroseconds: UInt64(clamping: grant.queueTime.wholeNanoseconds / 1000),
            concurrency: grant.concurrency,
            transport: grant.transport,
            uses: grant.uses
        )
        switch self.session.granted(granted) {
        case .send(let granted): self.write(.granted(granted))
        case .release(let session): self.broker.pool.release(session, outcome: .unused, carried: nil)
        }
        self.countParked()
    }

    func refused(_ id: RequestID, _ refusal: PoolRefusal) {
        let refused = Refused(
            request: id,
            reason: refusal.reason,
            retryAfterSeconds: refusal.retryAfterSeconds,
            report: refusal.report
        )
        self.answer(self.session.refused(refused))
        self.countParked()
    }

    func sessionAborted(_ session: SessionID, reason: Abort.Reason) {
        if !self.session.holds(session) {
            // Its front is gone, or has given up on it.
            self.broker.lostSessionAborted(session)
        } else {
            self.answer(self.session.aborted(session, reason: reason))
            // At once: the process is about to be killed, and the front would see its stream end before it reads why.
            self.flush()
        }
    }

    func recalled(_ session: SessionID) { self.answer(self.session.recalled(session)) }

    private func streamToken(for grant: PoolGrant) -> StreamToken {
        let sessions = self.session.sessions(of: grant.process) + 1
        if let known = self.tokens[grant.process] {
            guard sessions > known.mostSessions else { return known.token }
            self.tokens[grant.process]?.mostSessions = sessions
            self.broker.directory.raise(known.token, toSessions: sessions)
            return known.token
        }
        let group = StreamGroup(connection: self.id, process: grant.process)
        let token = self.broker.directory.token(
            for: group,
            address: grant.address,
            label: grant.label,
            uid: self.peer.uid
        )
        self.tokens[grant.process] = (token, 1)
        return token
    }
}
