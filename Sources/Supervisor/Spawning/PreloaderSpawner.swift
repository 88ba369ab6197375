// SPDX-License-Identifier: MIT

package import AppSettings
import LinuxSystem
package import Logging
package import NIOCore
package import ProgramLog
package import SpawnPlan
package import WireProtocol

/// Starts processes the way their apps want it: by a fork of a preloader, which is started first where there is none, or
/// directly.
///
/// Confined to the core loop. A preloader is no process of the pool: it serves nobody, and ends when nothing was forked for a
/// while, when its app restarts, or when there are as many as processes in a full pool. Its end ends none that it has forked.
package final class PreloaderSpawner: Spawning {
    private let eventLoop: any EventLoop
    private let starter: DirectSpawner
    /// One more, and the one that has been idle for longest has to go.
    private let maxPreloaders: Int
    private let logger: Logger
    /// Those that new processes are forked from.
    private var usable: [GroupKey: Preloader] = [:]
    /// These and those that are on their way out.
    private var running: [ProcessID: Preloader] = [:]
    /// Apps whose interpreters have said that they cannot fork, with the interpreter.
    private var cannotFork: [GroupKey: ExactText] = [:]

    /// Told once, on the core loop, about each process that had been ready.
    package var onExit: ((ProcessExit) -> Void)?
    /// Told, on the core loop, when a process says that it has done its out-of-band work.
    package var onOutOfBandWorkDone: ((ProcessID) -> Void)? {
        get { self.starter.onOutOfBandWorkDone }
        set { self.starter.onOutOfBandWorkDone = newValue }
    }

    package init(eventLoop: any EventLoop, starter: DirectSpawner, maxPreloaders: Int, logger: Logger) {
        self.eventLoop = eventLoop
        self.starter = starter
        self.maxPreloaders = max(1, maxPreloaders)
        self.logger = logger
        starter.onExit = { [weak self] exit in self?.exited(exit) }
    }

    /// With a starter of its own, whose threads ``stop()`` ends; `output` takes what apps print.
    package convenience init(
        eventLoop: any EventLoop,
        options: SpawnerOptions,
        maxPreloaders: Int,
        output: LogOutput,
        logger: Logger
    ) throws {
        let starter = try DirectSpawner(eventLoop: eventLoop, options: options, output: output, logger: logger)
        self.init(eventLoop: eventLoop, starter: starter, maxPreloaders: maxPreloaders, logger: logger)
    }

    /// Ends the threads once all processes have ended; nothing is told after that.
    package func stop() { self.starter.stop() }

    // MARK: Spawns

    package func spawn(
        _ request: SpawnRequest,
        completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle {
        let spawn = PreloaderSpawn(request, completion)
        if let preloader = self.usablePreloader(for: request) {
            self.fork(spawn, from: preloader)
        } else {
            self.start(spawn)
        }
        return spawn
    }

    private func usablePreloader(for request: SpawnRequest) -> Preloader? {
        guard let preloader = self.usable[request.key] else { return nil }
        if preloader.ends.facts.generation == request.generation { return preloader }
        self.perform(preloader.life.notWanted(), on: preloader)
        return nil
    }

    private func start(_ spawn: PreloaderSpawn) {
        let request = spawn.request
        let mayPreload = self.cannotFork[request.key] != Self.interpreters(of: request)
        if mayPreload { self.makeRoom(for: request.key) }
        let began = self.now
        spawn.step = self.starter.start(request, .fresh(mayPreload: mayPreload)) { [weak self] result in
            // It would hold the spawn, and the spawn it.
            spawn.step = nil
            guard let self else { return }
            switch result {
            case .success(.worker(let process)): spawn.completion(.success(process))
            case .success(.preloader(let ends)):
                self.fork(spawn, from: self.add(ends, settings: request.settings, after: self.now - began))
            case .failure(let failure) where mayPreload && failure.kind == .cannotFork:
                self.noteCannotFork(request)
                self.start(spawn)
            case .failure(let failure): spawn.completion(.failure(failure))
            }
        }
    }

    private func fork(_ spawn: PreloaderSpawn, from preloader: Preloader) {
        guard preloader.life.forkWanted() == .fork else { return self.start(spawn) }
        spawn.step = self.starter.start(spawn.request, .fork(preloader.ends)) { [weak self] result in
            spawn.step = nil
            guard let self else { return }
            switch result {
            case .success(.worker(let process)):
                self.forkEnded(of: preloader)
                spawn.completion(.success(process))
            case .failure(let failure) where failure.kind == .preloaderFailed:
                self.perform(preloader.life.giveUp(), on: preloader)
                self.retry(spawn, after: failure, of: preloader)
            case .failure(let failure) where failure.kind == .killed:
                // By somebody: those who wait for it need not know.
                self.forkEnded(of: preloader)
                self.retry(spawn, after: failure, of: preloader)
            case .failure(let failure):
                self.forkEnded(of: preloader)
                spawn.completion(.failure(failure))
            case .success(.preloader):
                self.forkEnded(of: preloader)
                spawn.completion(.failure(preloader.ends.start.failure(.forkedPreloader, at: .zero)))
            }
        }
    }

    /// Once: what made a preloader useless need not be in the app.
    private func retry(_ spawn: PreloaderSpawn, after failure: SpawnFailure, of preloader: Preloader) {
        guard !spawn.hasRetried else { return spawn.completion(.failure(failure)) }
        spawn.hasRetried = true
        self.logger.warning(
            "fork failed, trying once more",
            metadata: preloader.metadata.merging([LogKeys.reason: "\(failure.summary)"]) { own, _ in own }
        )
        // Another preloader, unless this one is good still.
        self.fork(spawn, from: preloader)
    }

    /// Which of them runs the app is known once its files have been looked at.
    private static func interpreters(of request: SpawnRequest) -> ExactText {
        ExactText("\(request.settings.ruby)\n\(request.settings.python)")
    }

    private func noteCannotFork(_ request: SpawnRequest) {
        self.cannotFork[request.key] = Self.interpreters(of: request)
        self.logger.notice(
            "the interpreter cannot fork: each process of the app loads it (passenger_spawn_method direct)",
            metadata: [LogKeys.group: "\(request.key)"]
        )
    }

    // MARK: Preloaders

    private var now: Duration { .nanoseconds(Int64(clamping: self.eventLoop.now.uptimeNanoseconds)) }

    private func add(_ ends: PreloaderEnds, settings: AppSettings, after taken: Duration) -> Preloader {
        let preloader = Preloader(ends, idleLimit: settings.maxPreloaderIdleTime, at: self.now)
        // Another one can only be there if it was not usable.
        if let old = self.usable.updateValue(preloader, forKey: ends.facts.group) {
            self.perform(old.life.notWanted(), on: old)
        }
        self.running[ends.id] = preloader
        var facts = preloader.metadata
        facts[LogKeys.user] = "\(ends.facts.userName)"
        facts[LogKeys.spawnTime] = "\(taken.roundedForLog)"
        self.logger.notice("preloader has loaded the app", metadata: facts)
        return preloader
    }

    private func forkEnded(of preloader: Preloader) {
        preloader.life.forkEnded(at: self.now)
        self.armIdleTimer(of: preloader)
    }

    private func armIdleTimer(of preloader: Preloader) {
        preloader.idleTimer?.cancel()
        preloader.idleTimer = nil
        guard let since = preloader.life.idleSince, preloader.idleLimit > .zero else { return }
        let left = max(.zero, since + preloader.idleLimit - self.now)
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { [weak self, weak preloader] in
            guard let self, let preloader else { return }
            preloader.idleTimer = nil
            self.perform(preloader.life.timeReached(self.now, limit: preloader.idleLimit), on: preloader)
        }
        preloader.idleTimer = timer
    }

    /// Before another one is started: they cost memory, and apps without processes may have them.
    private func makeRoom(for key: GroupKey) {
        guard self.usable[key] == nil, self.usable.count >= self.maxPreloaders else { return }
        let idle = self.usable.values.filter { $0.life.idleSince != nil }
        // One that nobody with authority asked for goes first.
        let oldest = idle.min { left, right in
            let (leftRank, rightRank) = (left.rank, right.rank)
            if leftRank != rightRank { return leftRank < rightRank }
            return (left.life.idleSince ?? .zero) < (right.life.idleSince ?? .zero)
        }
        if let oldest { self.perform(oldest.life.notWanted(), on: oldest) }
    }

    private func perform(_ action: PreloaderLife.EndAction, on preloader: Preloader) {
        if !preloader.life.isServing, self.usable[preloader.key] === preloader { self.usable[preloader.key] = nil }
        switch action {
        case .nothing: return
        case .kill: preloader.ends.process.kill()
        case .ask:
            preloader.idleTimer?.cancel()
            // Whoever else still holds the channel, the preloader sees its end.
            try? Transfers.shutdownBoth(preloader.ends.control.rawValue)
            preloader.ends.process.terminate()
            let patience = TimeAmount(PreloaderLife.patience)
            self.eventLoop.assumeIsolated().scheduleTask(in: patience) { [weak self, weak preloader] in
                guard let self, let preloader else { return }
                self.perform(preloader.life.patienceEnded(), on: preloader)
            }
        }
    }

    private func exited(_ exit: ProcessExit) {
        guard let preloader = self.running.removeValue(forKey: exit.id) else {
            self.onExit?(exit)
            return
        }
        preloader.idleTimer?.cancel()
        let action = preloader.life.ended()
        self.perform(.nothing, on: preloader)
        var facts = preloader.metadata
        if let status = exit.status { facts[LogKeys.status] = "\(status)" }
        switch action {
        case .tell(wasExpected: true): self.logger.notice("preloader ended", metadata: facts)
        case .tell(wasExpected: false):
            if let cause = exit.limit?.causeOfKill { facts[LogKeys.reason] = "\(cause)" }
            facts[LogKeys.lastOutput] = "\(exit.lastOutput.suffix(Self.shownOutput))"
            self.logger.warning("preloader ended by itself, the next process starts another one", metadata: facts)
        case .ignored(let reason):
            self.logger.error(
                "event ignored",
                metadata: [LogKeys.event: "preloader exit", LogKeys.reason: "\(reason)"]
            )
        }
    }

    /// Characters of what a preloader printed last, in the line about its end.
    private static let shownOutput = 300

    // MARK: Orders

    package func appRestarts(_ key: GroupKey) {
        guard let preloader = self.usable[key] else { return }
        self.perform(preloader.life.notWanted(), on: preloader)
    }

    package func appRetired(_ key: GroupKey) {
        self.cannotFork[key] = nil
        self.appRestarts(key)
    }

    package func settingsChanged(_ settings: AppSettings, of key: GroupKey) {
        guard let preloader = self.usable[key] else { return }
        preloader.idleLimit = settings.maxPreloaderIdleTime
        self.armIdleTimer(of: preloader)
    }

    package func end(atOnce: Bool) {
        for preloader in self.running.values {
            self.perform(atOnce ? preloader.life.giveUp() : preloader.life.notWanted(), on: preloader)
        }
    }

    package func preloader(of key: GroupKey) -> PreloaderInspection? {
        self.usable[key].map { preloader in
            PreloaderInspection(
                id: preloader.ends.id,
                pid: preloader.ends.facts.pid,
                uptime: self.now - preloader.began
            )
        }
    }
}

/// One spawn under way, which may take several starts; confined to the core loop.
private final class PreloaderSpawn: SpawnHandle {
    let request: SpawnRequest
    let completion: (Result<SpawnedProcess, SpawnFailure>) -> Void
    /// What is under way at the moment.
    var step: (any SpawnHandle)?
    var hasRetried = false

    init(_ request: SpawnRequest, _ completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void) {
        self.request = request
        self.completion = completion
    }

    func cancel() { self.step?.cancel() }
}

/// A preloader that has loaded its app; confined to the core loop.
private final class Preloader {
    let ends: PreloaderEnds
    let began: Duration
    var life: PreloaderLife
    /// Zero: none.
    var idleLimit: Duration
    var idleTimer: Scheduled<Void>?

    init(_ ends: PreloaderEnds, idleLimit: Duration, at now: Duration) {
        self.ends = ends
        self.began = now
        self.life = PreloaderLife(at: now)
        self.idleLimit = idleLimit
    }

    var key: GroupKey { self.ends.facts.group }
    var rank: Int { self.key.tenant == nil ? 1 : 0 }
    var metadata: Logger.Metadata { [LogKeys.group: "\(self.key)", LogKeys.pid: "\(self.ends.facts.pid)"] }
}

extension SpawnFailure.Cause {
    /// Cannot happen: what is forked serves.
    fileprivate static let forkedPreloader = Self(.internal, .internalError, "a preloader was forked")
}
