// SPDX-License-Identifier: MIT

package import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
package import WireProtocol

// Sessions that fronts use for their next requests without asking.
extension PoolDriver {
    /// How often restart files of a group with leases are looked at: its requests do not cause it.
    private static let lookInterval = TimeAmount.milliseconds(10)

    /// A front uses a session that it keeps for its own oldest request that waits.
    package func reused(_ session: SessionID, for id: RequestID, client: any CheckoutClient) {
        let request = ClientRequest(client: ObjectIdentifier(client), id: id)
        // It was about to be decided: the front must not get a second session for it.
        if self.cancelHeld(request) { return }
        guard let ticket = self.tickets.removeValue(forKey: request) else {
            self.pool.reuseCrossed(Session.ID(session))
            return
        }
        if let waiting = self.waiting.removeValue(forKey: ticket) {
            self.sessionHolders[session]?.request = waiting.facts
        }
        self.carryOut(self.pool.sessionReused(Session.ID(session), for: ticket, at: self.now).orders)
    }

    /// A checkout was answered when its front used a session that it keeps for it; that of the answer comes back unused.
    package func reuseCrossed(_ session: SessionID) { self.pool.reuseCrossed(Session.ID(session)) }

    /// The request that a kept session carries takes long.
    package func lasting(_ lasting: Lasting) {
        guard let holder = self.sessionHolders[lasting.session] else { return }
        let uses = Int(lasting.carried.uses)
        let report = SessionReport(uses: uses)
        guard let orders = self.pool.sessionLasts(Session.ID(lasting.session), report, at: self.now) else { return }
        self.processes[holder.process]?.served += uses
        self.sessionHolders[lasting.session]?.request = RequestFacts(lasting, since: holder.request, at: self.now)
        self.sessionHolders[lasting.session]?.isLease = false
        self.carryOut(orders)
    }

    /// A connection has ended, and may be forgotten.
    package func holderGone(_ holder: LeaseHolder) { self.pool.holderGone(holder) }

    func recall(_ session: SessionID) { self.sessionHolders[session]?.client.recalled(session) }

    /// A connection has kept what it was asked for.
    func withhold(_ session: SessionID) {
        guard let holder = self.sessionHolders[session] else { return }
        var facts = self.processes[holder.process].map { self.metadata(of: $0) } ?? [:]
        facts.merge(holder.client.logFacts) { own, _ in own }
        self.logger.warning(
            "a front did not return a session that it was asked for, and has to ask for each request from now on",
            metadata: facts
        )
    }

    /// Looks at restart files for as long as somebody may use sessions without asking.
    func watchRestartFiles(of group: ManagedGroup) {
        guard group.leaseTimer == nil else { return }
        group.leaseTimer = self.eventLoop.assumeIsolated().scheduleTask(in: Self.lookInterval) {
            [weak self, weak group] in
            guard let self, let group else { return }
            group.leaseTimer = nil
            guard self.pool.hasLeases(group.id) else { return }
            WorkBoard.run(group.work) { self.lookForLeases(of: group, at: self.now) }
            self.watchRestartFiles(of: group)
        }
    }

    /// `always_restart.txt` wants a process for each request.
    func suspendLeases(_ isSuspended: Bool, of group: ManagedGroup, at now: Instant) {
        guard group.areLeasesSuspended != isSuspended else { return }
        group.areLeasesSuspended = isSuspended
        self.carryOut(self.pool.leasesSuspended(isSuspended, of: group.id, at: now))
    }
}

extension RequestFacts {
    /// When it began is not said: it lasts for so long that the daemon hears of it.
    init(_ lasting: Lasting, since known: RequestFacts, at now: Instant) {
        let began = now.before(.milliseconds(WireLimits.lastingMilliseconds))
        let isKnown = known.path == lasting.path && known.method == lasting.method && known.host == lasting.host
        self.init(
            id: known.id,
            method: lasting.method,
            host: lasting.host,
            path: lasting.path,
            arrival: isKnown && lasting.carried.uses == 0 ? known.arrival : began
        )
    }
}
