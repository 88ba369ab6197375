// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import Logging
package import NIOCore
import SpawnPlan
import WireProtocol

/// What becomes of failures: an ID, a report, a line in the log, and the group's last failure.
extension PoolDriver {
    /// More last failures with all their details than anybody reads; bounds the memory that they take.
    private static let groupsWithDetails = 256

    /// A start failed; `completion` when everything is known that requests are refused with.
    func file(_ failure: SpawnFailure, of group: ManagedGroup, completion: @escaping () -> Void) {
        let time = FailureTime(self.now)
        let app = FailedApp(key: group.key, settings: group.settings)
        self.failureDesk.report(failure, of: app, at: time) { [weak self] outcome in
            guard let self else { return }
            FailureLog.write(outcome, of: group.key, to: self.logger)
            group.lastFailure = outcome.filed
            self.noteDetails(of: group)
            completion()
        }
    }

    /// A failure whose kind is known: it is the group's last one at once, and its details follow.
    func note(
        _ failure: SpawnFailure,
        _ kind: SpawnFailure.Kind,
        of group: ManagedGroup,
        _ facts: Logger.Metadata = [:]
    ) {
        let time = FailureTime(self.now)
        group.lastFailure = FiledFailure(failure, kind, at: time)
        let app = FailedApp(key: group.key, settings: group.settings)
        self.failureDesk.report(failure, of: app, at: time) { [weak self, weak group] outcome in
            guard let self, let group else { return }
            FailureLog.write(outcome, of: group.key, to: self.logger, facts)
            // Another one may have come in between, or a restart.
            guard group.lastFailure?.id == outcome.filed.id else { return }
            group.lastFailure = outcome.filed
            self.noteDetails(of: group)
        }
    }

    /// A process ended by itself.
    func noteCrash(of process: RunningProcess, _ exit: ProcessExit, after life: Duration, running: UnfinishedRequests) {
        var facts = self.endFacts(of: process, exit, running: running)
        let now = self.now
        if let until = self.pool.pacedUntil(of: process.group.id, at: now) {
            facts[LogKeys.nextStart] = "\(until.since(now).roundedForLog)"
        }
        let summary = exit.crashSummary(after: life, requests: running.count)
        let failure = process.spawned.start.crash(
            summary,
            by: ProcessEnd(exit.status),
            limit: exit.limit?.causeOfKill == nil ? nil : exit.limit,
            lastOutput: exit.lastOutput
        )
        self.note(failure, .crash, of: process.group, facts)
    }

    func noteDetails(of group: ManagedGroup) {
        self.groupsWithDetails.removeAll { $0 == group.id }
        guard group.lastFailure?.details != nil else { return }
        self.groupsWithDetails.append(group.id)
        guard self.groupsWithDetails.count > Self.groupsWithDetails else { return }
        self.groupsByID[self.groupsWithDetails.removeFirst()]?.lastFailure?.details = nil
    }

    /// The details of the group's last failure as JSON, if that is the one and visitors may see them.
    package func failureReport(_ errorID: String, of key: GroupKey) -> ByteBuffer? {
        guard let group = self.groups[key], group.settings.showsFriendlyErrorPages,
            let failure = group.lastFailure, failure.id.description == errorID
        else { return nil }
        return failure.details
    }
}

extension ProcessExit {
    /// The end of a process that had been in service.
    fileprivate func crashSummary(after life: Duration, requests: Int) -> String {
        let cause = self.limit?.causeOfKill ?? self.status.map(\.description) ?? "unknown cause"
        let running =
            switch requests {
            case 0: ""
            case 1: ", while a request was running"
            default: ", while \(requests) requests were running"
            }
        return "process \(self.pid) ended by itself after \(life.components.seconds) s: \(cause)\(running)"
    }
}
