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

/// The state of the pool at one moment, as far as somebody may see it.
struct PoolInspection: Sendable {
    /// Over all groups, also those that are not shown.
    var processCount: Int
    var topLevelQueue: Int
    /// Groups of other users.
    var hiddenGroups = 0
    /// Groups that are left out because a report has room for so much; those of peers without authority first.
    var omittedGroups = 0
    var groups: [GroupInspection]
}

extension PoolInspection {
    /// Bytes of a report, by estimate; well below what an answer may have.
    private static let reportBytes = Int(WireLimits.adminResponseFrame) * 3 / 4

    init(_ pool: PoolDriver, for rights: AdminRights) {
        let visible = pool.inspect { rights.mayControl($0, runningAs: $1) }
        let (shown, omitted) = Self.fitting(visible, in: Self.reportBytes)
        self.init(
            processCount: pool.processCount,
            topLevelQueue: pool.topLevelQueue,
            hiddenGroups: pool.groupCount - visible.count,
            omittedGroups: omitted,
            groups: shown
        )
    }

    /// A user without authority can make up thousands of groups with long names: they must not be the reason why root sees
    /// nothing.
    static func fitting(_ groups: [GroupInspection], in bytes: Int) -> (groups: [GroupInspection], omitted: Int) {
        guard groups.reduce(0, { $0 + $1.reportBytes }) > bytes else { return (groups, 0) }
        var left = bytes
        var shown: [GroupInspection] = []
        for group in groups.filter({ $0.key.tenant == nil }) + groups.filter({ $0.key.tenant != nil }) {
            left -= group.reportBytes
            guard left > 0 else { break }
            shown.append(group)
        }
        return (shown, groups.count - shown.count)
    }

    /// Whose memory a report has.
    var memorySubjects: [MemorySampler.Subject] {
        self.groups.flatMap { group in
            let uid = group.identity?.uid ?? .max
            return group.processes.map { MemorySampler.Subject(id: $0.id, pid: $0.pid, uid: uid) }
                + [group.preloader].compactMap(\.self).map { .init(id: $0.id, pid: $0.pid, uid: uid) }
        }
    }

    /// The processes with what is known of their memory.
    func measured(by memory: (ProcessID) -> MemorySampler.Reading?) -> [Measurements.Subject] {
        func subject(_ id: ProcessID, _ pid: Int32, _ uptime: Duration) -> Measurements.Subject {
            Measurements.Subject(pid: pid, uptimeSeconds: Int(uptime.components.seconds), memory: memory(id))
        }
        return self.groups.flatMap { group in
            group.processes.map { subject($0.id, $0.pid, $0.uptime) }
                + [group.preloader].compactMap(\.self).map { subject($0.id, $0.pid, $0.uptime) }
        }
    }
}

extension GroupInspection {
    /// About what it takes in a report; every byte of a text may become six there.
    fileprivate var reportBytes: Int {
        let texts = self.key.name.utf8.count + self.settings.appRoot.utf8.count
        let waiting = self.waiting.reduce(0) { $0 + 100 + 2 * $1.path.utf8.count }
        let running = self.processes.reduce(0) { sum, process in
            sum + 520 + process.requests.reduce(0) { $0 + 100 + 2 * ($1.path.utf8.count + $1.host.utf8.count) }
        }
        let failure = self.lastFailure.map { 2 * $0.summary.utf8.count + 360 } ?? 0
        return 930 + (self.key.tenant == nil ? 2 : 6) * texts + waiting + running + failure
    }
}

/// What the broker says of the fronts, for those who may see everything.
struct FrontsInspection: Sendable {
    var connections: [ConnectionReport] = []
    var budgets: [BudgetReport] = []
}

extension StatusReport {
    init(
        _ pool: PoolInspection,
        daemon: DaemonFacts,
        measurements: [Int32: Measurement],
        fronts: FrontsInspection,
        time: Int64
    ) {
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
            topLevelQueue: pool.topLevelQueue
        )
        self.hiddenGroups = pool.hiddenGroups
        self.omittedGroups = pool.omittedGroups == 0 ? nil : pool.omittedGroups
        self.groups = pool.groups.map { GroupReport($0, measurements: measurements) }
        self.connections = fronts.connections
        self.budgets = fronts.budgets.isEmpty ? nil : fronts.budgets
    }
}

extension GroupReport {
    init(_ group: GroupInspection, measurements: [Int32: Measurement]) {
        self.init(name: group.key.name, appRoot: group.settings.appRoot)
        self.appType = group.appType?.rawValue
        self.environment = group.settings.environment
        self.queue = group.requestsInQueue
        self.topLevelQueue = group.requestsInTopLevelQueue
        self.queuedRequests = group.waiting.map { QueuedRequestReport($0) }
        self.user = group.identity?.userName
        self.uid = group.identity?.uid
        self.gid = group.identity?.gid
        self.userReason = group.identity?.reason
        self.isRestarting = group.isRestarting
        self.processesBeingSpawned = group.spawnsUnderWay
        self.generation = Int(group.generation)
        self.minInstances = group.settings.minInstances
        self.maxInstances = group.settings.maxInstances
        self.lastError = group.lastFailure.map { SpawnErrorReport($0) }
        self.nextStartMilliseconds = group.nextPacedStart.map { max(0, Int(clamping: $0.wholeMilliseconds)) }
        self.quarantinedSeconds = group.quarantined.map { Int(clamping: $0.components.seconds + 1) }
        self.leases = LeaseReport(group.leases, held: group.processes.reduce(0) { $0 + $1.leased })
        self.preloader = group.preloader.map { PreloaderReport($0, measurement: measurements[$0.pid]) }
        self.memory = MemorySumReport(group, measurements: measurements)
        self.processes = group.processes.map { ProcessReport($0, measurement: measurements[$0.pid]) }
    }
}

extension QueuedRequestReport {
    fileprivate init(_ waiting: GroupInspection.Waiting) {
        self.init(
            method: waiting.method,
            path: waiting.path,
            waitingMilliseconds: Int(clamping: waiting.time.wholeMilliseconds)
        )
    }
}

extension RunningRequestReport {
    fileprivate init(_ request: ProcessInspection.Request) {
        self.init(
            method: request.method,
            host: request.host,
            path: request.path,
            ageMilliseconds: Int(clamping: request.age.wholeMilliseconds)
        )
    }
}

extension SpawnErrorReport {
    fileprivate init(_ failure: GroupInspection.Failure) {
        self.init(id: failure.errorID, summary: failure.summary)
        self.kind = failure.kind
        self.ageSeconds = Int(failure.age.components.seconds)
        self.time = failure.time
        self.detailsFile = failure.file
        self.failuresInARow = failure.failuresInARow
        self.nextTryMilliseconds = failure.nextTry.map { max(0, Int(clamping: $0.wholeMilliseconds)) }
    }
}

extension PreloaderReport {
    fileprivate init(_ preloader: PreloaderInspection, measurement: Measurement?) {
        self.init(
            pid: preloader.pid,
            uptimeSeconds: Int(preloader.uptime.components.seconds),
            generation: Int(preloader.generation),
            memory: measurement.map { MemoryReport($0) }
        )
    }
}

extension LeaseReport {
    fileprivate init(_ counts: LeaseCounts, held: Int) {
        self.init(
            held: held,
            granted: counts.granted,
            reused: counts.reused,
            recalled: counts.recalled,
            duplicates: counts.duplicates,
            abandoned: counts.abandoned
        )
    }
}

extension ProcessReport {
    init(_ process: ProcessInspection, measurement: Measurement?) {
        self.init(pid: process.pid)
        self.sessions = process.sessions
        self.leased = process.leased
        self.processed = process.processed
        self.concurrency = process.concurrency
        self.state = State(process.state)
        self.uptimeSeconds = Int(process.uptime.components.seconds)
        self.lastUsedSeconds = Int(process.lastUsed.components.seconds)
        self.spawnedAt = process.spawnedAt
        self.generation = Int(process.generation)
        self.cpuPercent = measurement?.processorPercent
        self.memoryKilobytes = (measurement?.memory?.privateBytes ?? measurement?.residentBytes)?.kilobytes
        self.memory = measurement.map { MemoryReport($0) }
        self.memoryAgeSeconds = measurement.flatMap { $0.memoryAgeSeconds > 1 ? $0.memoryAgeSeconds : nil }
        self.isForked = process.isForked
        self.requests = process.requests.map { RunningRequestReport($0) }
    }
}

extension MemoryReport {
    fileprivate init(_ measurement: Measurement) {
        let use = measurement.memory
        self.init(
            resident: measurement.residentBytes.kilobytes,
            virtual: measurement.virtualBytes.kilobytes,
            own: use?.privateBytes.kilobytes,
            shared: use?.sharedBytes.kilobytes,
            proportional: use?.proportionalBytes.kilobytes
        )
    }
}

extension MemorySumReport {
    /// nil if there is no process, or the memory of one is not known: a sum of some of them says nothing.
    fileprivate init?(_ group: GroupInspection, measurements: [Int32: Measurement]) {
        let workers = group.processes.compactMap { measurements[$0.pid]?.memory }
        let preloader = group.preloader.flatMap { measurements[$0.pid]?.memory }
        guard workers.count == group.processes.count, (preloader == nil) == (group.preloader == nil),
            !workers.isEmpty || preloader != nil
        else { return nil }
        let sum = MemorySum(workers: workers, preloader: preloader)
        let isSharing = group.preloader != nil || group.processes.contains(where: \.isForked)
        self.init(
            own: sum.privateBytes.kilobytes,
            used: sum.usedBytes.kilobytes,
            saved: isSharing ? Int(clamping: sum.savedBytes / 1024) : nil
        )
    }
}

extension UInt64 {
    /// Of bytes.
    fileprivate var kilobytes: Int { Int(clamping: self / 1024) }
}

extension ProcessReport.State {
    init(_ state: Process.State) {
        switch state {
        case .enabled: self = .enabled
        case .disabling: self = .disabling
        case .disabled: self = .disabled
        case .draining, .stopping, .killed: self = .shuttingDown
        }
    }
}
