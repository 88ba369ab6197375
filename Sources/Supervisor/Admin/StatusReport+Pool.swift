// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import SpawnPlan
import WireProtocol

/// What the status says of the daemon itself.
struct DaemonFacts: Sendable {
    var instance: String
    var socketPath: String
    var watchdogPID: Int32
    var corePID: Int32
    /// Microseconds since the epoch.
    var startedAt: Int64
    var maxPoolSize: Int
}

/// The state of the pool at one moment.
struct PoolInspection: Sendable {
    var processCount: Int
    var groups: [GroupInspection]

    /// PIDs and ages of the processes.
    var processes: [(pid: Int32, uptimeSeconds: Int)] {
        self.groups.flatMap { group in
            group.processes.map { ($0.pid, Int($0.uptime.components.seconds)) }
        }
    }
}

extension StatusReport {
    /// The report for somebody with `rights`.
    init(
        _ pool: PoolInspection,
        daemon: DaemonFacts,
        measurements: [Int32: Measurement],
        connections: [ConnectionReport],
        rights: AdminRights,
        time: Int64
    ) {
        let visible = pool.groups.filter { rights.mayControl($0.key, runningAs: $0.identity?.uid) }
        self.init(
            version: Product.version,
            instance: daemon.instance,
            socketPath: daemon.socketPath,
            watchdogPID: daemon.watchdogPID,
            corePID: daemon.corePID,
            startedAt: daemon.startedAt,
            time: time,
            maxPoolSize: daemon.maxPoolSize,
            processCount: pool.processCount,
            topLevelQueue: pool.groups.reduce(0) { $0 + $1.requestsInTopLevelQueue },
            hiddenGroups: pool.groups.count - visible.count,
            groups: visible.map { GroupReport($0, measurements: measurements) },
            connections: rights == .everything ? connections : []
        )
    }
}

extension GroupReport {
    init(_ group: GroupInspection, measurements: [Int32: Measurement]) {
        self.init(
            name: group.key.name,
            appRoot: group.settings.appRoot,
            appType: group.appType?.rawValue,
            environment: group.settings.environment,
            queue: group.requestsInQueue,
            queuedRequests: group.waiting.map { waiting in
                QueuedRequestReport(
                    method: waiting.method,
                    path: waiting.path,
                    waitingMilliseconds: Int(clamping: waiting.time.wholeMilliseconds)
                )
            },
            user: group.identity?.userName,
            uid: group.identity?.uid,
            gid: group.identity?.gid,
            userReason: group.identity?.reason,
            isRestarting: group.isRestarting,
            processesBeingSpawned: group.spawnsUnderWay,
            generation: Int(group.generation),
            minInstances: group.settings.minInstances,
            maxInstances: group.settings.maxInstances,
            lastError: group.lastFailure.map { failure in
                SpawnErrorReport(
                    id: failure.errorID,
                    kind: failure.kind,
                    summary: failure.summary,
                    ageSeconds: Int(failure.age.components.seconds),
                    time: failure.time,
                    detailsFile: failure.file
                )
            },
            processes: group.processes.map { ProcessReport($0, measurement: measurements[$0.pid]) }
        )
    }
}

extension ProcessReport {
    init(_ process: ProcessInspection, measurement: Measurement?) {
        self.init(
            pid: process.pid,
            sessions: process.sessions,
            processed: process.processed,
            concurrency: process.concurrency,
            state: State(process.state),
            uptimeSeconds: Int(process.uptime.components.seconds),
            lastUsedSeconds: Int(process.lastUsed.components.seconds),
            spawnedAt: process.spawnedAt,
            generation: Int(process.generation),
            cpuPercent: measurement?.processorPercent,
            memoryKilobytes: measurement?.memoryKilobytes,
            requests: process.requests.map { request in
                RunningRequestReport(
                    method: request.method,
                    host: request.host,
                    path: request.path,
                    ageMilliseconds: Int(clamping: request.age.wholeMilliseconds)
                )
            }
        )
    }
}

extension ProcessReport.State {
    init(_ state: Process.State) {
        switch state {
        case .enabled: self = .enabled
        case .draining, .stopping, .killed: self = .shuttingDown
        }
    }
}
