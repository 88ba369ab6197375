// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import NIOCore
import Synchronization
import WireProtocol

@testable import FrontProxy

/// A daemon's link that grants at once, or does what a test says, and remembers what it was told.
final class StubBroker: SessionBroker {
    /// What the test sees and sets, from its own thread.
    final class Notes: Sendable {
        let refusals = Mutex<[LinkRefusal]>([])
        let transport = Mutex(AppTransportKind.session)
        let outcomes = Mutex<[ReleaseOutcome]>([])
        let cancelled = Atomic(0)
        let checkouts = Atomic(0)
        let upgrades = Atomic(0)
        let abandoned = Atomic(0)
        let detailQueries = Atomic(0)
        /// Of every stream that ends without an answer.
        let fate = Mutex(ExchangeMachine.Fate.alive)
        /// Handed over when details are asked for.
        let report = Mutex<FailureReport?>(nil)
        /// Who asks for details waits until `handOverDetails`.
        let isHoldingDetails = Atomic(false)
        /// Checkouts are left waiting.
        let isHolding = Atomic(false)

        var released: Int { self.outcomes.withLock { $0.count } }
    }

    let notes: Notes
    private let eventLoop: any EventLoop
    private var next: UInt64 = 1
    private var cancelled: Set<RequestID> = []
    private var holders: [SessionID: any CheckoutOwner] = [:]
    private var waitingForDetails: [(FailureDetails?) -> Void] = []

    init(eventLoop: any EventLoop, notes: Notes) {
        self.eventLoop = eventLoop
        self.notes = notes
    }

    func checkout(
        _ app: FrontApp,
        stickyID: UInt32,
        deadline: TimeAmount?,
        method: String,
        path: String,
        host: String,
        owner: any CheckoutOwner
    ) -> RequestID {
        let id = RequestID(rawValue: self.next)
        self.next += 1
        self.notes.checkouts.add(1, ordering: .relaxed)
        if self.notes.isHolding.load(ordering: .relaxed) { return id }
        let refusal = self.notes.refusals.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        let grant = Granted(
            request: id,
            session: SessionID(rawValue: id.rawValue),
            process: ProcessID(rawValue: 1),
            streamToken: StreamToken(high: 1, low: 2),
            pid: 4711,
            stickyID: 0,
            queueTimeMicroseconds: 5,
            concurrency: 1,
            transport: self.notes.transport.withLock { $0 }
        )
        self.eventLoop.assumeIsolated().execute {
            guard !self.cancelled.contains(id) else { return }
            if let refusal { return owner.refused(refusal) }
            self.holders[grant.session] = owner
            owner.granted(grant)
        }
        return id
    }

    func cancel(_ id: RequestID) {
        self.cancelled.insert(id)
        self.notes.cancelled.add(1, ordering: .relaxed)
    }

    func release(_ session: SessionID, outcome: ReleaseOutcome) {
        self.holders[session] = nil
        self.notes.outcomes.withLock { $0.append(outcome) }
    }

    var endsAbandonedSessions: Bool { true }

    func abandoned(_ session: SessionID, stream: StreamNumber?) {
        self.holders[session] = nil
        self.notes.abandoned.add(1, ordering: .relaxed)
    }

    func askFate(
        of stream: StreamNumber?,
        to process: ProcessID,
        completion: @escaping (ExchangeMachine.Fate) -> Void
    ) {
        let fate = self.notes.fate.withLock { $0 }
        self.eventLoop.assumeIsolated().execute { completion(fate) }
    }

    func details(of errorID: String, app: FrontApp, completion: @escaping (FailureDetails?) -> Void) {
        self.notes.detailQueries.add(1, ordering: .relaxed)
        guard self.notes.isHoldingDetails.load(ordering: .relaxed) else {
            return completion(self.notes.report.withLock { $0 }.map(FailureDetails.init))
        }
        self.waitingForDetails.append(completion)
    }

    func handOverDetails() {
        let waiting = self.waitingForDetails
        self.waitingForDetails = []
        for completion in waiting { completion(self.notes.report.withLock { $0 }.map(FailureDetails.init)) }
    }

    /// All sessions are over.
    func abortAll(_ loss: SessionLoss) {
        let held = self.holders
        self.holders = [:]
        for (session, owner) in held { owner.aborted(session, reason: loss) }
    }

    func upgraded(_ session: SessionID) { self.notes.upgrades.add(1, ordering: .relaxed) }
}
