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
    /// Processes that preloaders have forked, as far as they may fork a preloader.
    private var forked: [ProcessID: ForkedProcessOrigin] = [:]
    /// Reforks under way, one of each app.
    private var reforks: [GroupKey: ReforkUnderWay] = [:]
    /// Apps whose interpreters have said that they cannot fork, with the interpreter.
    private var cannotFork: [GroupKey: ExactText] = [:]
    /// To be called when no preloader runs any more.
    private var whenNoneRuns: [() -> Void] = []

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
            case .success(.worker(let process)):
                // By its name.
                if mayPreload, request.settings.spawnMethod(for: process.appType) == .smart {
                    self.noteCannotFork(request)
                }
                spawn.completion(.success(process))
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
            case .success(.worker(var process)):
                self.forkEnded(of: preloader)
                if process.appType.canRefork {
                    process.forkGeneration = preloader.generation
                    self.forked[process.id] = ForkedProcessOrigin(process: process, program: preloader.ends.program)
                }
                spawn.completion(.success(process))
            case .failure(let failure) where failure.kind == .preloaderFailed:
                self.perform(preloader.life.giveUp(), on: preloader)
                self.retry(spawn, after: failure, of: preloader)
            case .failure(let failure) where failure.kind == .killed:
                // By somebody: those who wait for it need not know.
                self.forkEnded(of: preloader)
                self.retry(spawn, after: failure, of: preloader)
            case .failure(let failure) where preloader.generation > 0 && failure.category != .cancelled:
                // What a process has become by serving may be what is wrong with it.
                self.perform(preloader.life.notWanted(), on: preloader)
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

    // MARK: Reforks

    package func refork(
        _ request: SpawnRequest,
        from worker: ProcessID,
        forked: @escaping () -> Void,
        completion: @escaping (SpawnFailure?) -> Void
    ) {
        let context = StartContext(id: request.errorID, journey: Journey(.reforked))
        guard let origin = self.forked[worker], self.reforks[request.key] == nil else {
            return completion(context.failure(.noFork, at: .zero))
        }
        let refork = ReforkUnderWay(request, generation: (origin.process.forkGeneration ?? 0) + 1, completion)
        self.reforks[request.key] = refork
        self.starter.lend(origin.process, origin.program) { [weak self] ends in
            guard let self, let ends, !refork.isCancelled else {
                self?.reforks[request.key] = nil
                return completion(context.failure(.noProcess, at: .zero))
            }
            self.fork(refork, from: ends, forked: forked)
        }
    }

    private func fork(_ refork: ReforkUnderWay, from worker: PreloaderEnds, forked: @escaping () -> Void) {
        let began = self.now
        let way = DirectSpawner.Way.fork(worker, as: .preloader)
        refork.step = self.starter.start(refork.request, way, launched: forked) { [weak self] result in
            refork.step = nil
            guard let self else { return }
            self.reforks[refork.request.key] = nil
            switch result {
            case .success(.preloader(let ends)):
                guard !refork.isCancelled else {
                    ends.process.kill()
                    return refork.completion(ends.start.failure(.noProcess, at: .zero))
                }
                self.makeRoom(for: refork.request.key)
                let settings = refork.request.settings
                let preloader = self.add(
                    ends,
                    generation: refork.generation,
                    settings: settings,
                    after: self.now - began
                )
                self.armIdleTimer(of: preloader)
                refork.completion(nil)
            case .success(.worker(let process)):
                process.process.kill()
                refork.completion(process.start.failure(.noFork, at: .zero))
            case .failure(let failure): refork.completion(failure)
            }
        }
    }

    // MARK: Preloaders

    private var now: Duration { .nanoseconds(Int64(clamping: self.eventLoop.now.uptimeNanoseconds)) }

    private func add(
        _ ends: PreloaderEnds,
        generation: UInt32 = 0,
        settings: AppSettings,
        after taken: Duration
    ) -> Preloader {
        let preloader = Preloader(
            ends,
            generation: generation,
            idleLimit: settings.maxPreloaderIdleTime,
            at: self.now
        )
        // Another one can only be there if it was not usable.
        if let old = self.usable.updateValue(preloader, forKey: ends.facts.group) {
            self.perform(old.life.notWanted(), on: old)
        }
        self.running[ends.id] = preloader
        var facts = preloader.metadata
        facts[LogKeys.user] = "\(ends.facts.userName)"
        facts[LogKeys.spawnTime] = "\(taken.roundedForLog)"
        if generation > 0 {
            facts[LogKeys.generation] = "\(generation)"
            self.logger.notice("a process was forked, which is the preloader now", metadata: facts)
        } else {
            self.logger.notice("preloader has loaded the app", metadata: facts)
        }
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
            self.forked[exit.id] = nil
            self.onExit?(exit)
            return
        }
        preloader.idleTimer?.cancel()
        let action = preloader.life.ended()
        self.perform(.nothing, on: preloader)
        defer { self.tellIfNoneRuns() }
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
        self.reforks[key]?.cancel()
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
        for refork in self.reforks.values { refork.cancel() }
        for preloader in self.running.values {
            self.perform(atOnce ? preloader.life.giveUp() : preloader.life.notWanted(), on: preloader)
        }
    }

    package func whenEnded(_ completion: @escaping () -> Void) {
        self.whenNoneRuns.append(completion)
        self.tellIfNoneRuns()
    }

    private func tellIfNoneRuns() {
        guard self.running.isEmpty else { return }
        let completions = self.whenNoneRuns
        self.whenNoneRuns = []
        for completion in completions { completion() }
    }

    package func preloader(of key: GroupKey) -> PreloaderInspection? {
        self.usable[key].map { preloader in
            PreloaderInspection(
                id: preloader.ends.id,
                pid: preloader.ends.facts.pid,
                uptime: self.now - preloader.began,
                generation: preloader.generation
            )
        }
    }
}

extension SpawnFailure.Cause {
    /// Nobody needs the preloader any more, or the process that was to fork it has ended.
    fileprivate static let noProcess = Self(.cancelled, .cancelled, "the refork was given up")
    /// Cannot happen: what is forked serves.
    fileprivate static let forkedPreloader = Self(.internal, .internalError, "a preloader was forked")
}
