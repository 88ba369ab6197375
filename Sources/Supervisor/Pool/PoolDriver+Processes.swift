// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import SpawnPlan
import WireProtocol

extension PoolDriver {
    /// The kernel says that a process has ended.
    ///
    /// To be called on the core loop with what the spawner's `onExit` tells.
    package func processExited(_ exit: ProcessExit) {
        guard let process = self.processes.removeValue(forKey: exit.id) else {
            self.rememberEarlyExit(exit)
            return
        }
        switch self.pool.processExited(Process.ID(exit.id), at: self.now) {
        case .crashed(let life, let sessions, let orders):
            self.noteCrash(of: process, exit, after: life, running: self.unfinished(sessions, of: process))
            self.processEnded(exit, sessions: sessions, orders)
        case .ended(let sessions, let orders):
            if process.connectFailure == nil {
                self.logger.notice(
                    "process ended",
                    metadata: self.endFacts(of: process, exit, running: self.unfinished(sessions, of: process))
                )
            } else {
                let running = self.unfinished(sessions, of: process)
                self.noteCrash(of: process, exit, after: process.age, running: running)
            }
            self.processEnded(exit, sessions: sessions, orders)
        case .ignored(let reason):
            self.logImpossible("process exit", reason)
        }
    }

    /// Nobody can connect to a process: it is of no more use.
    ///
    /// The first report counts; the process is out of service when others arrive. A process that ends closes its socket
    /// a moment before the kernel tells of its end: which of the two it is shows within a second.
    func processUnreachable(_ id: ProcessID, reason: String) {
        guard self.processes[id] != nil,
            let orders = self.pool.processUnreachable(Process.ID(id), at: self.now)
        else { return }
        self.processes[id]?.connectFailure = reason
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.timeToEnd) { [weak self] in
            self?.stillUnreachable(id)
        }
        self.carryOut(orders)
    }

    private static let timeToEnd = TimeAmount.seconds(1)

    private func stillUnreachable(_ id: ProcessID) {
        guard let process = self.processes[id], let reason = process.connectFailure else { return }
        self.processes[id]?.connectFailure = nil
        var facts = self.metadata(of: process)
        facts[LogKeys.reason] = "\(reason)"
        self.logger.error("process takes no connections and is replaced", metadata: facts)
    }

    // MARK: Carrying out

    func carryOut(_ order: ProcessOrder) {
        switch order {
        case .announceDraining(let id, let limit):
            self.observer?.processDraining(ProcessID(id), deadline: limit)
        case .stop(let id):
            guard let process = self.processes[ProcessID(id)] else { return }
            self.logger.info("process is told to stop", metadata: self.metadataOfEnd(of: process))
            process.spawned.process.terminate()
        case .kill(let id):
            guard let process = self.processes[ProcessID(id)] else { return }
            self.logger.warning("process is killed", metadata: self.metadataOfEnd(of: process))
            process.spawned.process.kill()
        case .beginOutOfBandWork(let id):
            self.beginOutOfBandWork(ProcessID(id))
        case .beginRefork(let id):
            self.beginRefork(from: ProcessID(id))
        case .outOfBandWorkOverdue(let id, let isReplaced):
            self.outOfBandWorkOverdue(ProcessID(id), isReplaced: isReplaced)
        }
    }

    func carryOut(_ order: SpawnOrder, at now: Instant) {
        switch order {
        case .start(let id, let groupID):
            self.startSpawn(id, for: groupID, at: now)
        case .cancel(let id):
            self.spawns[id]?.handle?.cancel()
        case .giveUp(let id):
            guard let spawn = self.spawns[id] else { return }
            let facts: Logger.Metadata = [LogKeys.seconds: "\(now.since(spawn.since).components.seconds)"]
            self.logger.warning(
                "start given up, because it takes long and another app needs its room in the pool",
                metadata: self.metadata(of: spawn.group, facts)
            )
            spawn.handle?.cancel()
        }
    }

    private func startSpawn(_ id: Spawn.ID, for groupID: Group.ID, at now: Instant) {
        guard let group = self.groupsByID[groupID] else {
            self.logImpossible("spawn", "unknown group")
            self.carryOut(self.pool.spawnFailed(id, at: now))
            return
        }
        let request = SpawnRequest(
            key: group.key,
            settings: group.settings,
            authority: group.authority,
            processID: .random(),
            generation: self.pool.generation(of: groupID) ?? 0,
            work: group.work
        )
        self.spawns[id] = SpawnUnderWay(processID: request.processID, group: group, since: now)
        let handle = self.spawner.spawn(request) { [weak self] result in
            self?.spawnEnded(id, result)
        }
        self.spawns[id]?.handle = handle
    }

    private func spawnEnded(_ id: Spawn.ID, _ result: Result<SpawnedProcess, SpawnFailure>) {
        guard let spawn = self.spawns.removeValue(forKey: id) else {
            self.logImpossible("spawn", "it ended twice")
            return
        }
        switch result {
        case .success(let spawned):
            self.spawnSucceeded(id, spawn, spawned)
            if let exit = spawn.earlyExit { self.processExited(exit) }
        case .failure(let failure) where failure.category == .cancelled:
            self.logger.info("spawn given up", metadata: self.metadata(of: spawn.group))
            self.carryOut(self.pool.spawnFailed(id, at: self.now))
        case .failure(let failure):
            self.file(failure, of: spawn.group) { [weak self] in
                guard let self else { return }
                if let identity = failure.context.identity { spawn.group.identity = identity }
                let isCheap = failure.category == .noApplication
                self.carryOut(self.pool.spawnFailed(id, isCheap: isCheap, at: self.now))
            }
        }
    }

    private func spawnSucceeded(_ id: Spawn.ID, _ spawn: SpawnUnderWay, _ spawned: SpawnedProcess) {
        let process = RunningProcess(
            spawned: spawned,
            group: spawn.group,
            concurrency: GroupLimits(spawn.group.settings).concurrencyOverride ?? spawned.concurrency,
            spawnedAt: WallClock.microseconds
        )
        self.processes[spawned.id] = process
        spawn.group.identity = spawned.identity
        spawn.group.appType = spawned.appType
        let description = Process.Description(
            id: Process.ID(spawned.id),
            concurrency: spawned.concurrency,
            // Others have no control channel.
            worksOutOfBand: spawned.appType != .generic,
            forkGeneration: spawned.forkGeneration
        )
        switch self.pool.spawnSucceeded(id, description, at: self.now) {
        case .added(let orders):
            spawn.group.lastFailure = nil
            var facts = self.metadata(of: process)
            facts[LogKeys.user] = "\(spawned.userName)"
            facts[LogKeys.reason] = "\(spawned.userReason)"
            let taken = self.now.since(spawn.since)
            facts[LogKeys.spawnTime] = "\(taken.roundedForLog)"
            self.logger.notice("process in service", metadata: facts)
            self.carryOut(orders)
        case .discarded(let orders):
            self.logger.info("process not wanted any more", metadata: self.metadata(of: process))
            self.carryOut(orders)
        case .ignored(let reason):
            self.logImpossible("spawn", reason)
            spawned.process.kill()
        }
    }

    /// What an operator asks about a process that has ended: how, after how long, and in the middle of what.
    func endFacts(of process: RunningProcess, _ exit: ProcessExit, running: UnfinishedRequests) -> Logger.Metadata {
        var facts = self.metadataOfEnd(of: process, exit)
        facts[LogKeys.lived] = "\(process.age.roundedForLog)"
        facts[LogKeys.requestsServed] = "\(process.served)"
        facts[LogKeys.requestsRunning] = "\(running.count)"
        let now = self.now
        if let began = process.worksOutOfBandSince {
            facts[LogKeys.outOfBandWork] = "\(now.since(began).roundedForLog)"
        }
        if running.count > 0 { facts[LogKeys.requests] = .array(running.first.map { .string($0.line(at: now)) }) }
        return facts
    }

    /// With the reason why it was told to, if it was, and the request that is behind it.
    private func metadataOfEnd(of process: RunningProcess, _ exit: ProcessExit? = nil) -> Logger.Metadata {
        var facts = self.metadata(of: process, exit)
        guard let reason = process.reasonToEnd else { return facts }
        facts[LogKeys.reason] = "\(reason.text)"
        if let request = reason.request { facts[LogKeys.requests] = .array([.string(request.line(at: self.now))]) }
        return facts
    }

    /// What a process that has ended was working on, the oldest first; also what it broke off a moment ago.
    private func unfinished(_ sessions: [Session.ID], of process: RunningProcess) -> UnfinishedRequests {
        var unfinished = process.brokenOff(before: self.now)
        let held = sessions.compactMap { self.sessionHolders[SessionID($0)]?.latestRequest }
        for request in held.sorted(by: { $0.arrival < $1.arrival }) { unfinished.add(request) }
        return unfinished
    }

    private func rememberEarlyExit(_ exit: ProcessExit) {
        guard let spawn = self.spawns.first(where: { $0.value.processID == exit.id })?.key else { return }
        self.spawns[spawn]?.earlyExit = exit
    }

    private func processEnded(_ exit: ProcessExit, sessions: [Session.ID], _ orders: Orders) {
        for session in sessions { self.sessionHolders[SessionID(session)] = nil }
        self.observer?.processGone(exit.id, status: exit.status)
        self.carryOut(orders)
    }

}

extension Duration {
    /// Seconds to the millisecond, such as "3.207s".
    var roundedForLog: String {
        let milliseconds = (self.components.attoseconds / 1_000_000_000_000_000)
        let digits = String(milliseconds)
        return "\(self.components.seconds)." + String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
            + "s"
    }
}

extension RunningProcess {
    fileprivate var age: Duration { .microseconds(max(0, WallClock.microseconds - self.spawnedAt)) }
}
