// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import SpawnPlan
package import WireProtocol

extension PoolDriver {
    /// A request wants a process.
    ///
    /// The client is answered once, from within this call or later.
    package func checkout(_ request: CheckoutRequest, for client: any CheckoutClient) {
        guard let group = self.groups[request.key] else {
            client.refused(request.id, PoolRefusal(reason: .unknownApp))
            return
        }
        if let term = group.quarantine {
            client.refused(request.id, self.refuseInQuarantine(request, term, of: group))
            return
        }
        let now = self.now
        WorkBoard.run(group.work) {
            guard self.lookAtRestartFiles(of: group, at: now) else {
                self.hold(request, of: group, for: client)
                return
            }
            self.admit(request, for: client, at: now)
        }
    }

    /// A request whose app's restart files were looked at.
    func admit(_ request: CheckoutRequest, for client: any CheckoutClient, at now: Instant) {
        // It may have been retired meanwhile.
        guard let group = self.groups[request.key] else {
            client.refused(request.id, PoolRefusal(reason: .unknownApp))
            return
        }
        let action = self.pool.requestArrived(
            for: group.id,
            stickyID: request.stickyID,
            deadline: request.deadline,
            from: client.leaseHolder,
            at: now
        )
        switch action {
        case .grant(let grant, let orders):
            self.deliver(grant, to: RequestFacts(request, at: now), of: client)
            if grant.uses > 1 { self.watchRestartFiles(of: group) }
            if orders.isEmpty { self.armTimer() } else { self.carryOut(orders) }
        case .wait(let ticket, let orders):
            self.waiting[ticket] = WaitingRequest(facts: RequestFacts(request, at: now), client: client)
            self.tickets[ClientRequest(client: ObjectIdentifier(client), id: request.id)] = ticket
            self.carryOut(orders)
        case .refuse(let refusal):
            client.refused(request.id, self.refusal(refusal, for: group, at: now))
        case .ignored(let reason):
            self.logImpossible("checkout", reason)
            client.refused(request.id, PoolRefusal(reason: .unknownApp))
        }
    }

    /// A request is not wanted any more; it gets no answer.
    ///
    /// One that was answered already is left alone.
    package func cancel(_ id: RequestID, client: any CheckoutClient) {
        let request = ClientRequest(client: ObjectIdentifier(client), id: id)
        if self.cancelHeld(request) { return }
        guard let ticket = self.tickets.removeValue(forKey: request) else { return }
        // Without an entry here, a grant that is about to be delivered is given back.
        self.waiting[ticket] = nil
        if let orders = self.pool.requestCancelled(ticket, at: self.now) { self.carryOut(orders) }
    }

    /// A session is over.
    ///
    /// One that is not open any more is no error: its process may have ended.
    ///
    /// `carried` says how often it was used; nil: once at most.
    package func release(_ session: SessionID, outcome: ReleaseOutcome, carried: Carried? = nil) {
        let uses = carried.map { Int($0.uses) } ?? (outcome.kind == .unused ? 0 : 1)
        if let holder = self.sessionHolders.removeValue(forKey: session) {
            var hasFailed = false
            if outcome.kind == .upstreamFailed {
                hasFailed = true
                var request = holder.request
                request.mayBeLater = uses > 1
                self.processes[holder.process]?.brokeOff(request, at: self.now)
            }
            self.processes[holder.process]?.served += max(0, uses - (hasFailed ? 1 : 0))
        }
        let idle = Duration.microseconds(Int64(carried?.idleMicroseconds ?? 0))
        let report = SessionReport(
            uses: uses,
            idle: idle,
            requestsOutOfBandWork: outcome.outOfBandWorkRequested
        )
        switch self.pool.sessionClosed(Session.ID(session), report, at: self.now) {
        case .released(let orders): self.carryOut(orders)
        case .ignored: break
        }
    }

    /// A session's connection speaks another protocol now, and may last.
    package func upgraded(_ session: SessionID) {
        self.sessionHolders[session]?.isLease = false
        switch self.pool.sessionUpgraded(Session.ID(session), at: self.now) {
        case .released(let orders): self.carryOut(orders)
        case .ignored: break
        }
    }

    /// Nobody waits for the answer of a session any more; its slot is taken until the app is done.
    package func abandoned(_ session: SessionID) {
        guard let orders = self.pool.sessionAbandoned(Session.ID(session), at: self.now) else { return }
        self.sessionHolders[session]?.isLease = false
        self.carryOut(orders)
    }

    // MARK: Carrying out

    func carryOut(_ order: RequestOrder, at now: Instant) {
        switch order {
        case .grant(let ticket, let grant):
            guard let request = self.removeWaiting(ticket) else {
                self.giveBack(grant)
                return
            }
            self.deliver(grant, to: request.facts, of: request.client)
            if grant.uses > 1, let group = self.groupsByID[ticket.group] { self.watchRestartFiles(of: group) }
        case .recall(let session): self.recall(SessionID(session))
        case .withhold(let session, _): self.withhold(SessionID(session))
        case .refuse(let ticket, let refusal):
            guard let request = self.removeWaiting(ticket), let group = self.groupsByID[ticket.group] else { return }
            request.client.refused(request.facts.id, self.refusal(refusal, for: group, at: now))
        case .abort(let session, let reason):
            let session = SessionID(session)
            guard let holder = self.sessionHolders.removeValue(forKey: session) else { return }
            if reason == .maxRequestTime {
                self.logger.warning(
                    "request took longer than max_request_time, so its process is killed",
                    metadata: self.metadata(of: holder)
                )
                let reason = ReasonToEnd(text: "a request took longer than max_request_time", request: holder.request)
                self.processes[holder.process]?.isToEnd(reason)
            }
            holder.client.sessionAborted(session, reason: Abort.Reason(reason))
        case .gaveUp(let session, let process):
            self.gaveUp(SessionID(session), on: ProcessID(process))
        }
    }

    /// An app has had its time for an answer that nobody waits for.
    private func gaveUp(_ session: SessionID, on id: ProcessID) {
        guard let process = self.processes[id] else { return }
        var facts = self.metadata(of: process)
        if let holder = self.sessionHolders[session] { facts.merge(holder.request.metadata) { own, _ in own } }
        self.logger.warning(
            process.concurrency == 1
                ? "process is replaced, because it works on an answer that nobody waits for"
                : "answer that nobody waits for is not waited for any more",
            metadata: facts
        )
        if process.concurrency == 1 {
            let reason = ReasonToEnd(
                text: "it works on an answer that nobody waits for",
                request: self.sessionHolders[session]?.request
            )
            self.processes[id]?.isToEnd(reason)
        }
        guard process.concurrency != 1, let holder = self.sessionHolders.removeValue(forKey: session) else { return }
        holder.client.sessionAborted(session, reason: .processDetached)
    }

    private func metadata(of holder: SessionHolder) -> Logger.Metadata {
        guard let process = self.processes[holder.process] else { return holder.request.metadata }
        return self.metadata(of: process).merging(holder.request.metadata) { own, _ in own }
    }

    private func removeWaiting(_ ticket: Ticket) -> WaitingRequest? {
        guard let request = self.waiting.removeValue(forKey: ticket) else { return nil }
        self.tickets[ClientRequest(client: ObjectIdentifier(request.client), id: request.facts.id)] = nil
        return request
    }

    private func deliver(_ grant: Grant, to request: RequestFacts, of client: any CheckoutClient) {
        guard let process = self.processes[ProcessID(grant.process)] else {
            self.logImpossible("grant", "unknown process")
            self.giveBack(grant)
            client.refused(request.id, PoolRefusal(reason: .spawnFailed))
            return
        }
        let session = SessionID(grant.session)
        self.sessionHolders[session] = SessionHolder(
            client: client,
            process: process.spawned.id,
            request: request,
            isLease: grant.uses > 1
        )
        client.granted(
            request.id,
            PoolGrant(
                session: session,
                process: process.spawned.id,
                label: ProcessLabel(app: process.group.key.description, pid: process.spawned.pid),
                stickyID: grant.process.stickyID,
                queueTime: grant.queueTime,
                uses: grant.uses,
                concurrency: UInt32(clamping: process.concurrency),
                transport: process.spawned.transport,
                address: process.spawned.address
            )
        )
    }

    private func giveBack(_ grant: Grant) {
        switch self.pool.sessionClosed(grant.session, wasUsed: false, at: self.now) {
        case .released(let orders): self.carryOut(orders)
        case .ignored: break
        }
    }

    private func refusal(_ refusal: Refusal, for group: ManagedGroup, at now: Instant) -> PoolRefusal {
        let report = group.spawnReport
        switch refusal {
        case .queueFull:
            self.logQueueOverflow(of: group, at: now)
            return PoolRefusal(reason: .queueFull, retryAfterSeconds: Self.busyRetrySeconds)
        case .queueTimeout:
            return PoolRefusal(reason: .queueTimeout, retryAfterSeconds: Self.busyRetrySeconds)
        case .spawnFailed where group.lastFailure?.category == .noApplication,
            .backingOff where group.lastFailure?.category == .noApplication:
            return PoolRefusal(reason: .noApplication, report: report)
        case .spawnFailed:
            return PoolRefusal(reason: .spawnFailed, report: report)
        case .backingOff(let until):
            let seconds = UInt32(clamping: until.since(now).components.seconds + 1)
            return PoolRefusal(reason: .backoff, retryAfterSeconds: seconds, report: report)
        case .shuttingDown:
            return PoolRefusal(reason: .shuttingDown, retryAfterSeconds: Self.busyRetrySeconds)
        case .retired:
            return PoolRefusal(reason: .unknownApp)
        }
    }

    /// For conditions that pass by themselves, nobody knows when.
    private static let busyRetrySeconds: UInt32 = 5

    private func logQueueOverflow(of group: ManagedGroup, at now: Instant) {
        guard let count = group.queueOverflow.event(at: now) else { return }
        let facts: Logger.Metadata = [
            LogKeys.count: "\(count)",
            LogKeys.limit: "\(group.settings.maxRequestQueueSize)",
        ]
        self.logger.warning("request queue full, requests refused", metadata: self.metadata(of: group, facts))
    }
}

extension Abort.Reason {
    fileprivate init(_ reason: AbortReason) {
        self =
            switch reason {
            case .maxRequestTime: .maxRequestTime
            case .processDetached: .processDetached
            }
    }
}
