// SPDX-License-Identifier: MIT

package import AppSettings
package import ApplicationPool
package import SpawnPlan
package import WireProtocol

/// A group as the tools show it, at one moment.
package struct GroupInspection: Sendable {
    package let key: GroupKey
    package let settings: AppSettings
    package let authority: SettingsAuthority
    /// Found out when the first process was spawned.
    package let appType: AppType?
    /// As whom its processes run, and why; known once one was spawned or tried.
    package let identity: RunningIdentity?
    /// Grows with each restart.
    package let generation: UInt32
    /// Told to restart, and no new process is there yet.
    package let isRestarting: Bool
    /// No front has it any more; what is left of it is on its way out.
    package let isRetired: Bool
    package let spawnsUnderWay: Int
    /// Waiting for a process of a group that has one, or gets one.
    package let requestsInQueue: Int
    /// Waiting because there is no room for a first process.
    package let requestsInTopLevelQueue: Int
    /// The longest wait first, at most `shownWaiting`.
    package let waiting: [Waiting]
    package let lastFailure: Failure?
    /// Its processes end young: no start before; nil: none is held back for that.
    package let nextPacedStart: Duration?
    /// For how long it is left alone, because it ended cores; nil: it is served.
    package let quarantined: Duration?
    package let leases: LeaseCounts
    /// nil if there is none.
    package let preloader: PreloaderInspection?
    /// In service, the oldest first, then those on their way out.
    package let processes: [ProcessInspection]

    package static let shownWaiting = 100

    package struct Waiting: Sendable {
        package let method: String
        package let path: String
        package let time: Duration
    }

    package struct Failure: Sendable {
        package let errorID: String
        package let summary: String
        /// Raw value of its kind, such as "missing-gem".
        package let kind: String
        /// Microseconds since 1970.
        package let time: Int64
        /// Path of the details file; nil if there is none.
        package let file: String?
        package let age: Duration
        /// Failed spawns and early deaths in a row.
        package let failuresInARow: Int
        /// No spawn begins before; nil: none is held back.
        package let nextTry: Duration?
    }
}

/// The process that loads an app once and forks its workers.
package struct PreloaderInspection: Sendable {
    /// No process of the pool has it.
    package let id: ProcessID
    package let pid: Int32
    package let uptime: Duration
    /// 0: it has loaded the app; each later one came of a process of the one before.
    package let generation: UInt32
}

package struct ProcessInspection: Sendable {
    package let id: ProcessID
    package let pid: Int32
    /// By a preloader, which may have stopped since.
    package let isForked: Bool
    package let state: Process.State
    package let sessions: Int
    /// Those that fronts may use for further requests without asking; they may carry none at the moment.
    package let leased: Int
    /// Sessions that have ended.
    package let processed: Int
    /// Sessions at a time; 0 = no limit.
    package let concurrency: Int
    package let generation: UInt32
    /// When it came into service, microseconds since the epoch.
    package let spawnedAt: Int64
    package let uptime: Duration
    /// Since a session last began or ended.
    package let lastUsed: Duration
    package let transport: AppTransportKind
    package let address: AppAddress
    /// What it works on, the oldest first, at most `shownRequests`.
    package let requests: [Request]

    package static let shownRequests = 32

    package struct Request: Sendable {
        package let method: String
        /// Empty if the front did not say it.
        package let host: String
        package let path: String
        /// Since the front asked for a session.
        package let age: Duration
    }
}

extension PoolDriver {
    package var limits: PoolLimits { self.pool.limits }

    /// Processes in service or being spawned: what counts against `max_pool_size`.
    package var processCount: Int { self.pool.usage }

    package var sessionCount: Int { self.pool.sessionCount }

    /// What is wrong with the pool by its own invariants; empty as long as the program is right.
    package var violations: [String] { self.pool.violations(at: self.now) }

    package var groupCount: Int { self.groupsByID.count }

    /// Requests of all groups that wait because there is no room for a first process.
    package var topLevelQueue: Int { self.pool.requestsInTopLevelQueue(at: self.now) }

    /// PIDs of all processes.
    package var pids: Set<Int32> { Set(self.processes.values.map(\.spawned.pid)) }

    /// Groups in the order in which they were defined, those only that `isMeant`, by name and uid of its processes.
    package func inspect(where isMeant: (GroupKey, UInt32?) -> Bool = { _, _ in true }) -> [GroupInspection] {
        let now = self.now
        let meant = self.groupsByID.filter { isMeant($0.value.key, $0.value.identity?.uid) }
        guard !meant.isEmpty else { return [] }
        let running = Dictionary(grouping: self.sessionHolders.values, by: \.process)
        return self.pool.inspect(at: now, where: { meant[$0] != nil }).compactMap { view in
            meant[view.group.id].map { self.inspect(view, of: $0, running, at: now) }
        }
    }

    private func inspect(
        _ view: Pool.GroupView,
        of group: ManagedGroup,
        _ running: [ProcessID: [SessionHolder]],
        at now: Instant
    ) -> GroupInspection {
        GroupInspection(
            key: group.key,
            settings: group.settings,
            authority: group.authority,
            appType: group.appType,
            identity: group.identity,
            generation: view.group.generation,
            isRestarting: view.isRestarting,
            isRetired: view.group.standing == .retired,
            spawnsUnderWay: view.group.spawn == nil ? 0 : 1,
            requestsInQueue: view.requestsInQueue,
            requestsInTopLevelQueue: view.requestsInTopLevelQueue,
            waiting: view.waiting.prefix(GroupInspection.shownWaiting).compactMap { wait in
                self.waiting[wait.ticket].map {
                    GroupInspection.Waiting(method: $0.facts.method, path: $0.facts.path, time: now.since(wait.since))
                }
            },
            lastFailure: group.lastFailure.map {
                GroupInspection.Failure(
                    errorID: $0.id.description,
                    summary: $0.summary,
                    kind: $0.kind.rawValue,
                    time: $0.at.microseconds,
                    file: $0.file,
                    age: now.since($0.at.instant),
                    failuresInARow: view.failures,
                    nextTry: view.blockedUntil?.since(now)
                )
            },
            nextPacedStart: view.pacedUntil?.since(now),
            quarantined: group.quarantine?.left,
            leases: view.leaseCounts,
            preloader: self.spawner.preloader(of: group.key),
            processes: (view.group.processes + view.group.detached).compactMap {
                self.inspect($0, running[ProcessID($0.id)] ?? [], leased: view.leased[$0.id] ?? 0, at: now)
            }
        )
    }

    private func inspect(
        _ process: Process,
        _ holders: [SessionHolder],
        leased: Int,
        at now: Instant
    ) -> ProcessInspection? {
        guard let running = self.processes[ProcessID(process.id)] else { return nil }
        return ProcessInspection(
            id: running.spawned.id,
            pid: running.spawned.pid,
            isForked: running.spawned.start.journey.route == .forked,
            state: process.state,
            sessions: process.sessions,
            leased: leased,
            processed: process.processed,
            concurrency: process.concurrency,
            generation: process.generation,
            spawnedAt: running.spawnedAt,
            uptime: now.since(process.spawnedAt),
            lastUsed: now.since(process.lastUsed),
            transport: running.spawned.transport,
            address: running.spawned.address,
            requests: holders.filter { !$0.isLease }.map(\.request).sorted { $0.arrival < $1.arrival }
                .prefix(ProcessInspection.shownRequests).map {
                    ProcessInspection.Request(
                        method: $0.method,
                        host: $0.host,
                        path: $0.path,
                        age: now.since($0.arrival)
                    )
                }
        )
    }
}
