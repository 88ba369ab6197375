// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import NIOCore
import WireProtocol

/// A request that waits until it is known whether its app restarts first.
struct HeldRequest {
    let request: CheckoutRequest
    let client: any CheckoutClient
}

extension PoolDriver {
    /// Requests that `body` checks out arrived before it began, so that one look per app tells all of them.
    package func arrivedTogether(_ body: () -> Void) {
        self.lookedAt = []
        body()
        self.lookedAt = nil
    }

    /// Before a request gets a process: the app may have been told to restart.
    ///
    /// False: that is not known yet, and the request has to be held; `admitHeld` follows.
    @discardableResult
    func lookAtRestartFiles(of group: ManagedGroup, at now: Instant) -> Bool {
        if self.lookedAt?.insert(group.id).inserted == false { return group.holdTimer == nil }
        let throttle = group.settings.statThrottleRate ?? self.pool.limits.statThrottleRate
        switch group.watch.requestArrived(throttle: throttle, at: now) {
        case .none:
            break
        case .lookHere(let devices):
            guard let facts = group.restartFiles.lookWithoutWaiting(on: devices) else {
                return !self.holdRequests(of: group)
            }
            self.act(on: facts, of: group, at: now)
        case .use(let facts):
            self.act(on: facts, of: group, at: now)
        case .lookElsewhere:
            self.lookElsewhere(for: group)
        case .useAndLookElsewhere(let facts):
            self.act(on: facts, of: group, at: now)
            self.lookElsewhere(for: group)
        case .hold:
            return group.holdTimer == nil
        }
        return true
    }

    /// The same while fronts use sessions without asking; nobody is held for it.
    func lookForLeases(of group: ManagedGroup, at now: Instant) {
        let throttle = group.settings.statThrottleRate ?? self.pool.limits.statThrottleRate
        switch group.watch.requestArrived(throttle: throttle, at: now) {
        case .none, .hold: break
        case .lookHere(let devices):
            if let facts = group.restartFiles.lookWithoutWaiting(on: devices) {
                self.act(on: facts, of: group, at: now)
            } else {
                group.watch.wouldWait()
                self.lookElsewhere(for: group)
            }
        case .use(let facts): self.act(on: facts, of: group, at: now)
        case .lookElsewhere: self.lookElsewhere(for: group)
        case .useAndLookElsewhere(let facts):
            self.act(on: facts, of: group, at: now)
            self.lookElsewhere(for: group)
        }
    }

    func hold(_ request: CheckoutRequest, of group: ManagedGroup, for client: any CheckoutClient) {
        group.held.append(HeldRequest(request: request, client: client))
        self.groupsHolding[ClientRequest(client: ObjectIdentifier(client), id: request.id)] = group
    }

    /// Whether the request was held; it is not any more.
    func cancelHeld(_ request: ClientRequest) -> Bool {
        guard let group = self.groupsHolding.removeValue(forKey: request) else { return false }
        group.held.removeAll { ObjectIdentifier($0.client) == request.client && $0.request.id == request.id }
        return true
    }

    private func holdRequests(of group: ManagedGroup) -> Bool {
        group.watch.wouldWait()
        guard self.lookElsewhere(for: group), group.watch.isLookUnderWay else { return false }
        let limit = TimeAmount(RestartFileWatch.longestHold)
        group.holdTimer = self.eventLoop.assumeIsolated().scheduleTask(in: limit) { [weak self, weak group] in
            guard let self, let group else { return }
            group.watch.looksTooLong()
            self.admitHeld(of: group)
        }
        return true
    }

    private func admitHeld(of group: ManagedGroup) {
        group.holdTimer?.cancel()
        group.holdTimer = nil
        let held = group.held
        group.held = []
        for one in held {
            let request = ClientRequest(client: ObjectIdentifier(one.client), id: one.request.id)
            // Answering one of them may have cancelled another.
            guard self.groupsHolding.removeValue(forKey: request) != nil else { continue }
            self.admit(one.request, for: one.client, at: self.now)
        }
    }

    private func act(on facts: RestartFacts, of group: ManagedGroup, at now: Instant) {
        self.suspendLeases(facts.alwaysRestart, of: group, at: now)
        self.act(on: group.watch.decide(facts, isRestarting: self.pool.isRestarting(group.id)), of: group, at: now)
    }

    private func act(on decision: RestartPolicy.Decision, of group: ManagedGroup, at now: Instant) {
        switch decision {
        case .keep: break
        case .restartForTouch: self.restart(group, reason: "restart.txt was touched", at: now)
        case .restartForEachRequest: self.restart(group, reason: "always_restart.txt exists", at: now)
        }
    }

    @discardableResult
    private func lookElsewhere(for group: ManagedGroup) -> Bool {
        let (files, work) = (group.restartFiles, group.work)
        let isStarted = self.fileWork.run {
            WorkBoard.run(work) { files.lookFromThread() }
        } completion: { [weak self, weak group] look in
            guard let self, let group else { return }
            self.suspendLeases(look.facts.alwaysRestart, of: group, at: self.now)
            let isForNobody = group.held.isEmpty
            let decision = group.watch.looked(
                look,
                isRestarting: isForNobody || self.pool.isRestarting(group.id)
            )
            self.act(on: decision, of: group, at: self.now)
            self.admitHeld(of: group)
        }
        if !isStarted { group.watch.lookFailed() }
        return isStarted
    }
}
