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
        let incident = FailureIncident(failure, key: group.key, settings: group.settings)
        self.failureDesk.report(incident) { [weak self] filed in
            guard let self else { return }
            FailureLog.write(filed, of: group.key, to: self.logger)
            group.lastFailure = ManagedGroup.Failure(filed, at: self.now, time: incident.time)
            self.noteDetails(of: group)
            completion()
        }
    }

    /// A process ended by itself.
    ///
    /// That is the group's last failure at once; its details follow.
    func noteCrash(of process: RunningProcess, _ exit: ProcessExit, after life: Duration, running: UnfinishedRequests) {
        let group = process.group
        let failure = SpawnFailure(crash: process, exit, after: life, requests: running.count)
        let incident = FailureIncident(failure, key: group.key, settings: group.settings)
        group.lastFailure = ManagedGroup.Failure(
            errorID: failure.id.description,
            summary: FailureReport.summary(of: failure),
            category: failure.category,
            kind: .crash,
            at: self.now,
            time: incident.time
        )
        var facts = self.endFacts(of: process, exit, running: running)
        let now = self.now
        if let until = self.pool.pacedUntil(of: group.id, at: now) {
            facts[LogKeys.nextStart] = "\(until.since(now).roundedForLog)"
        }
        self.failureDesk.report(incident) { [weak self, weak group] filed in
            guard let self, let group else { return }
            FailureLog.write(filed, of: group.key, to: self.logger, facts)
            // Another one may have come in between, or a restart.
            guard group.lastFailure?.errorID == filed.brief.errorID else { return }
            group.lastFailure?.details = filed.json
            group.lastFailure?.file = filed.file
            self.noteDetails(of: group)
        }
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
            let failure = group.lastFailure, failure.errorID == errorID
        else { return nil }
        return failure.details
    }
}

extension ManagedGroup.Failure {
    init(_ filed: FiledFailure, at now: Instant, time: Int64) {
        self.init(
            errorID: filed.brief.errorID,
            summary: filed.brief.summary,
            category: filed.brief.category,
            kind: filed.brief.kind,
            at: now,
            time: time,
            details: filed.json,
            file: filed.file
        )
    }
}

extension SpawnFailure {
    /// The end of a process that had been in service.
    fileprivate init(crash process: RunningProcess, _ exit: ProcessExit, after life: Duration, requests: Int) {
        let cause = exit.cause ?? exit.status.map(\.description) ?? "unknown cause"
        let running =
            switch requests {
            case 0: ""
            case 1: ", while a request was running"
            default: ", while \(requests) requests were running"
            }
        self.init(
            id: ErrorID(UInt32(truncatingIfNeeded: RandomBytes.uint64())),
            category: .app,
            kind: .crash,
            step: .ready,
            summary: "process \(exit.pid) ended by itself after \(life.components.seconds) s: \(cause)\(running)",
            output: exit.lastOutput,
            identity: process.spawned.identity,
            journey: process.spawned.start?.journey ?? Journey(),
            program: process.spawned.start?.program,
            limits: process.spawned.start?.limits ?? []
        )
    }
}
