// SPDX-License-Identifier: MIT

import ApplicationPool
package import LinuxSystem
import Logging
import NIOCore
import SpawnPlan
import WireProtocol

/// How long a group is left alone by this core, because it ended earlier ones.
struct QuarantineTerm {
    /// Nanoseconds of the monotonic clock.
    let until: UInt64
    let crashes: UInt32
    /// A process is to be started when it is over.
    var wantsPreStart = false

    var left: Duration { .nanoseconds(Int64(clamping: self.until - min(self.until, MonotonicClock.now))) }
}

/// Groups in quarantine: their files are not looked at, no process is started, and requests are refused at once.
///
/// All of them are known when the core starts: a group gets there by ending one.
extension PoolDriver {
    /// Whom the watchdog wants left alone.
    package func keepAway(_ held: [WorkBoard.Held]) {
        for entry in held {
            self.quarantine[GroupMark(bytes: entry.text)] = QuarantineTerm(until: entry.until, crashes: entry.crashes)
        }
    }

    /// Serves the group again; it is heeded that it ended cores, so that the next time comes sooner.
    ///
    /// False: it is in no quarantine.
    @discardableResult
    package func liftQuarantine(of key: GroupKey) -> Bool {
        let mark = GroupMark(key)
        guard self.quarantine.removeValue(forKey: mark) != nil else { return false }
        WorkBoard.lift(mark.bytes)
        if let group = self.groups[key] { self.leaveQuarantine(group, reason: "lifted") }
        return true
    }

    /// The groups of this name, whoever they belong to; how many were in quarantine.
    package func liftQuarantine(named name: String) -> Int {
        let keys = Set(self.groups.keys.filter { $0 == GroupKey(namespace: $0.namespace, name: name) })
        return keys.union([GroupKey(namespace: .authority, name: name)]).count { self.liftQuarantine(of: $0) }
    }

    func quarantineTerm(of mark: GroupMark) -> QuarantineTerm? {
        self.quarantine[mark].flatMap { $0.left > .zero ? $0 : nil }
    }

    /// A group that was just defined is left alone.
    func enterQuarantine(_ group: ManagedGroup, _ term: QuarantineTerm) {
        group.quarantine = term
        let cause = SpawnFailure.Cause(
            .internal,
            .quarantine,
            "in quarantine for \(term.left.components.seconds + 1) s, because looking at this application or starting it ended "
                + "the daemon's core \(term.crashes) times"
        )
        self.note(StartContext(id: .random()).failure(cause, at: .zero), .quarantine, of: group)
        self.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(term.left)) { [weak self, weak group] in
            guard let self, let group else { return }
            self.quarantine[group.mark] = nil
            self.leaveQuarantine(group, reason: "its time is over")
        }
    }

    func refuseInQuarantine(_ request: CheckoutRequest, _ term: QuarantineTerm, of group: ManagedGroup) -> PoolRefusal {
        let seconds = UInt32(clamping: term.left.components.seconds + 1)
        return PoolRefusal(reason: .backoff, retryAfterSeconds: seconds, report: group.spawnReport)
    }

    private func leaveQuarantine(_ group: ManagedGroup, reason: String) {
        guard let term = group.quarantine else { return }
        group.quarantine = nil
        if group.lastFailure?.kind == .quarantine { group.lastFailure = nil }
        self.logger.notice(
            "app leaves quarantine",
            metadata: self.metadata(of: group, [LogKeys.reason: "\(reason)"])
        )
        let now = self.now
        WorkBoard.run(group.work) {
            self.lookAtRestartFiles(of: group, at: now)
            self.carryOut(self.pool.limitsChanged(GroupLimits(group.settings), of: group.id, at: now))
            if term.wantsPreStart { self.carryOut(self.pool.preStartRequested(group.id, at: now)) }
        }
    }
}

extension GroupLimits {
    /// Nothing is started without a request.
    var withoutProcesses: GroupLimits {
        var limits = self
        limits.minInstances = 0
        return limits
    }
}
