// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ProgramLog
import SpawnPlan
import WireProtocol

/// Everything that runs on the core loop, put together.
///
/// Created there and confined to it.
final class CoreServices {
    /// What they are made from.
    struct Setting: Sendable {
        let options: DaemonOptions
        let users: DaemonUsers
        let directory: InstanceDirectory
        let log: ProgramLog
        let threads: AdminService.Threads
        /// Shared with the thread that looks after orphans.
        let sessions: AppSessions
        /// nil: app processes have no control groups.
        let appGroups: AppGroups?
        /// On open files, before the core raised its own.
        let inheritedFilesLimit: Limits.Limit
    }

    private let log: ProgramLog
    private let spawner: PreloaderSpawner
    private let pool: PoolDriver
    private let broker: Broker
    private let adminSocket: AdminSocket

    /// Makes and starts everything on `eventLoop`; waits for it, so not to be called there.
    static func start(
        _ setting: Setting,
        listener: TravellingDescriptor,
        on eventLoop: any EventLoop
    ) throws -> NIOLoopBound<CoreServices> {
        if setting.options.process.loadersDir == nil {
            try LoaderFiles.install(into: setting.directory.loadersPath)
        }
        return try eventLoop.submit {
            let services = try CoreServices(setting, eventLoop: eventLoop)
            try services.begin(setting, listener: listener)
            return NIOLoopBound(services, eventLoop: eventLoop)
        }.wait()
    }

    private init(_ setting: Setting, eventLoop: any EventLoop) throws {
        let log = setting.log
        self.log = log
        self.spawner = try PreloaderSpawner(
            eventLoop: eventLoop,
            options: try SpawnerOptions(setting),
            maxPreloaders: setting.options.pool.maxPoolSize,
            output: log.output,
            logger: log.logger(label: "spawner")
        )
        let pool = PoolDriver(
            eventLoop: eventLoop,
            limits: PoolLimits(setting.options.pool),
            spawner: self.spawner,
            failuresDirectory: setting.directory.failuresPath,
            logger: log.logger(label: "pool")
        )
        pool.keepAway(WorkBoard.held)
        self.pool = pool
        self.spawner.onExit = { exit in pool.processExited(exit) }
        self.spawner.onOutOfBandWorkDone = { id in pool.outOfBandWorkDone(id) }
        let (counts, complaints) = (ConnectionCounts(), Complaints())
        let broker = Broker(
            eventLoop: eventLoop,
            pool: pool,
            policy: PeerPolicy(setting.options, setting.users),
            counts: counts,
            complaints: complaints,
            logger: log.logger(label: "broker")
        )
        broker.features = WireFeature.supported(without: Floor.lacks)
        if setting.options.process.noHandover { broker.features &= ~WireFeature.handedOverStreams }
        pool.observer = broker
        self.broker = broker
        let service = AdminService(
            pool: pool,
            daemon: try DaemonFacts(setting, limits: pool.limits),
            threads: setting.threads,
            complaints: complaints,
            fronts: { FrontsInspection(connections: broker.connectionReports, budgets: broker.budgetReports) },
            declared: { broker.registry.declaredApps }
        )
        let adminSocket = AdminSocket(
            eventLoop: eventLoop,
            service: service,
            counts: counts,
            logger: log.logger(label: "admin")
        )
        broker.takeAdminConnection = { adminSocket.take($0) }
        self.adminSocket = adminSocket
    }

    private func begin(_ setting: Setting, listener: TravellingDescriptor) throws {
        try self.adminSocket.open(path: setting.directory.adminSocketPath)
        guard let listener = listener.take() else { throw StartProblem("The listening socket is missing.") }
        try self.broker.start(listener: listener)
    }

    /// Takes in nothing new and calls `completion` when no app process is left.
    func stop(limit: Duration, completion: @escaping () -> Void) {
        self.broker.stopAccepting()
        self.pool.shutdown(limit: limit, completion: completion)
    }

    func hurry() { self.pool.hurry() }

    func killAll() {
        self.broker.stopAccepting()
        self.pool.killAll()
    }

    /// After the last app process has ended.
    func close() {
        self.broker.close()
        self.adminSocket.close()
        self.spawner.stop()
    }

    /// For SIGQUIT: what the daemon is doing, into the log.
    func writeState() {
        let groups = self.pool.inspect()
        self.log.announce(
            "state of the pool",
            metadata: [
                LogKeys.processes: "\(self.pool.processCount)", "sessions": "\(self.pool.sessionCount)",
                "groups": "\(groups.count)", "fronts": "\(self.broker.connectionReports.count)",
                "impossible-events": "\(self.pool.impossibleEvents)",
            ]
        )
        for violation in self.pool.violations {
            self.log.announce("the pool is not as it should be: \(violation)", severity: .error)
        }
        for group in groups {
            let processes = group.processes.map { "\($0.pid): \($0.state), \($0.sessions) sessions" }
            self.log.announce(
                "state of a group",
                metadata: [
                    LogKeys.group: "\(group.key)", LogKeys.user: "\(group.identity?.userName ?? "-")",
                    LogKeys.generation: "\(group.generation)", "queue": "\(group.waiting.count)",
                    "spawning": "\(group.spawnsUnderWay)", LogKeys.processes: .array(processes.map { "\($0)" }),
                ]
            )
        }
    }
}

extension SpawnerOptions {
    init(_ setting: CoreServices.Setting) throws {
        self.init(
            helperPath: try Launcher.findHelper(),
            loadersDirectory: setting.options.process.loadersDir ?? setting.directory.loadersPath,
            appSocketsDirectory: setting.directory.appsPath,
            userSwitching: setting.users.switching,
            ownershipCheck: setting.options.users.ownershipCheck,
            trustedOwners: setting.users.trustedOwners,
            serverSoftware: "\(Product.name)/\(Product.version)",
            daemonEnvironment: CurrentProcess.environment.map { EnvironmentVariable(name: $0.name, value: $0.value) },
            socketBacklog: Int32(clamping: setting.options.process.socketBacklog),
            openFilesLimit: setting.options.pool.appFileDescriptorUlimit.map { limit in
                Limits.Limit(soft: UInt64(limit), hard: UInt64(limit))
            } ?? setting.inheritedFilesLimit,
            records: ProcessRecords(directory: setting.directory.processesPath),
            sessions: setting.sessions,
            workerUIDs: setting.users.workerUIDs,
            instance: setting.directory.name,
            appGroups: setting.appGroups,
            limits: ProcessLimits(
                memory: setting.options.pool.memoryMax,
                processes: setting.options.pool.pidsMax
            ),
            startPriority: StartPriority()
        )
    }
}

extension PoolLimits {
    init(_ options: PoolOptions) {
        self.init(
            maxPoolSize: options.maxPoolSize,
            maxInstancesPerApp: options.maxInstancesPerApp,
            poolIdleTime: options.poolIdleTime > .zero ? options.poolIdleTime : nil,
            simultaneousSpawns: CurrentProcess.processorCount,
            statThrottleRate: options.statThrottleRate,
            outOfBandLimit: options.oobwLimit,
            outOfBandTimeout: options.oobwTimeout
        )
    }
}

extension PeerPolicy {
    init(_ options: DaemonOptions, _ users: DaemonUsers) {
        self.init(
            daemonUID: CurrentProcess.effectiveUID,
            trustedUIDs: users.trustedUIDs,
            frontUIDs: users.frontUIDs,
            appRootAllow: options.fronts.appRootAllow,
            daemonMaxima: DaemonMaxima(maxPoolSize: options.pool.maxPoolSize)
        )
    }
}

extension DaemonFacts {
    init(_ setting: CoreServices.Setting, limits: PoolLimits) throws {
        self.init(
            instance: setting.directory.name,
            socketPath: setting.options.process.socketFile,
            watchdogPID: CurrentProcess.parentPID,
            corePID: CurrentProcess.pid,
            startedAt: try setting.directory.record()?.startedAt ?? WallClock.microseconds,
            maxPoolSize: limits.maxPoolSize
        )
    }
}
