// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
package import Logging
package import NIOCore
package import ProgramLog
package import SpawnPlan
package import WireProtocol

/// Starts single processes: afresh, with interpreter, loader and application, or by a fork of a preloader.
///
/// As a `Spawning` it starts all of them afresh. Confined to the core loop. What blocks (file systems, account databases) runs on `threads`; from the moment on that
/// there is a process, the `AppWatcher` has it.
package final class DirectSpawner: Spawning {
    /// A start may be tried again when somebody else took the app's port.
    private static let maxAttempts = 3

    private let eventLoop: any EventLoop
    private let threads: PreparationThreads
    private let watcher: AppWatcher
    private let options: SpawnerOptions
    private let logger: Logger
    private var spawns: [ProcessID: DirectSpawn] = [:]
    private var warnings = SpawnWarnings()

    /// Told once, on the core loop, about each process that had been ready.
    package var onExit: ((ProcessExit) -> Void)?
    /// Told, on the core loop, when a process says that it has done its out-of-band work.
    package var onOutOfBandWorkDone: ((ProcessID) -> Void)?

    package init(
        eventLoop: any EventLoop,
        threads: PreparationThreads = PreparationThreads(),
        watcher: AppWatcher,
        options: SpawnerOptions,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.threads = threads
        self.watcher = watcher
        self.options = options
        self.logger = logger
    }

    /// With a watcher of its own, which ``stop()`` ends; `output` takes what apps print.
    package convenience init(
        eventLoop: any EventLoop,
        options: SpawnerOptions,
        output: LogOutput,
        logger: Logger
    ) throws {
        let watcher = try AppWatcher.start { app, pid, line in
            output.writeAppLine(app: app, pid: pid, line: line)
        }
        self.init(eventLoop: eventLoop, watcher: watcher, options: options, logger: logger)
    }

    /// Ends the threads once all processes have ended; nothing is told after that.
    package func stop() { self.watcher.stop() }

    package func spawn(
        _ request: SpawnRequest,
        completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle {
        self.start(request, .fresh(mayPreload: false)) { result in
            switch result {
            case .success(.worker(let process)): completion(.success(process))
            case .success(.preloader(let preloader)):
                preloader.process.kill()
                completion(.failure(preloader.start.failure(.unaskedPreloader, at: .zero)))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// How a process is to come to be.
    enum Way {
        /// `mayPreload`: as a preloader where the settings of the app want one.
        case fresh(mayPreload: Bool)
        /// As a process that serves, or as the next preloader.
        case fork(PreloaderEnds, as: LoaderProgram.Role = .worker)

        /// Beyond the time for a start.
        fileprivate var patience: Duration {
            switch self {
            case .fresh: .zero
            case .fork: .seconds(5)
            }
        }
    }

    /// `launched` is called when there is a process, before it is ready.
    func start(
        _ request: SpawnRequest,
        _ way: Way,
        launched: (() -> Void)? = nil,
        completion: @escaping (Result<StartedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle {
        let spawn = DirectSpawn(request, way, spawner: self, completion)
        spawn.onLaunch = launched
        self.spawns[request.processID] = spawn
        self.prepare(spawn)
        return spawn
    }

    private func prepare(_ spawn: DirectSpawn) {
        spawn.attempts += 1
        let (request, options) = (spawn.request, self.options)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        // A hanging file system may hold the thread for ever: the spawn ends without it. A fork has a limit of its own, whose end
        // says more.
        let limit = TimeAmount(request.settings.startTimeout + spawn.way.patience)
        spawn.timer = self.eventLoop.assumeIsolated().scheduleTask(in: limit) { [weak self] in
            self?.preparationHangs(request.processID)
        }
        let look = PreparationLook()
        spawn.look = look
        let way = spawn.way
        let answer = self.threads.run(appRoot: request.settings.appRoot) {
            WorkBoard.run(request.work) {
                let outcome = Self.prepare(request, way, options, look)
                bound.eventLoop.execute {
                    WorkBoard.run(request.work) { bound.value.prepared(request.processID, outcome) }
                }
            }
        }
        if case .refused(let cause) = answer {
            // Not from inside the caller's own call.
            self.eventLoop.execute { bound.value.notPrepared(request.processID, cause) }
        }
    }

    /// Blocks as long as file systems and preloaders do.
    private static func prepare(
        _ request: SpawnRequest,
        _ way: Way,
        _ options: SpawnerOptions,
        _ look: PreparationLook
    ) -> SpawnPreparation.Outcome {
        switch way {
        case .fresh(let mayPreload):
            var preparation = SpawnPreparation(request, options: options, mayPreload: mayPreload, look: look)
            return preparation.run()
        case .fork(let parent, let role):
            var preparation = ForkPreparation(request, of: parent, as: role, options: options)
            return preparation.run()
        }
    }

    /// What the preparation itself knows of the start is lost, if there is one.
    private func notPrepared(_ id: ProcessID, _ cause: SpawnFailure.Cause) {
        guard let spawn = self.spawns[id] else { return }
        self.finish(spawn, .failure(spawn.failure(cause)))
    }

    private func prepared(_ id: ProcessID, _ outcome: SpawnPreparation.Outcome) {
        let spawn = self.spawns[id]
        spawn?.timer?.cancel()
        for warning in outcome.warnings { self.warnOnce(warning, group: spawn?.request.key.description ?? "") }
        switch outcome.result {
        case .failure(let failure):
            if let spawn { self.finish(spawn, .failure(failure)) }
        case .success(let launched):
            self.watch(launched, for: id)
            if let spawn, !spawn.isCancelled {
                spawn.launched = launched.ends
                spawn.onLaunch?()
            } else {
                self.watcher.order(.kill(launched.ends.facts.id))
            }
        }
    }

    private func watch(_ starting: StartingProcess, for spawn: ProcessID) {
        let facts = starting.ends.facts
        self.options.sessions.began(facts.pid, app: facts.group.description, uid: facts.uid)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        // Not the whole plan: it may hold descriptors.
        let (program, identity) = (starting.plan.program, starting.plan.identity)
        let work = starting.ends.work
        self.watcher.order(
            .watch(starting) { event in
                bound.eventLoop.execute {
                    WorkBoard.run(work) { bound.value.happened(event, facts, program, identity, spawn) }
                }
            }
        )
    }

    private func preparationHangs(_ id: ProcessID) {
        guard let spawn = self.spawns[id], spawn.launched == nil else { return }
        let settings = spawn.request.settings
        switch spawn.way {
        case .fresh:
            self.notPrepared(id, spawn.look.timeout(settings.startTimeout, appRoot: settings.appRoot))
        case .fork:
            let timeout = StartTimeout(limit: settings.startTimeout, appRoot: settings.appRoot)
            self.notPrepared(id, timeout.cause(at: .fork))
        }
    }

    /// `facts` are those of the launch; `id` is the process that was asked for.
    private func happened(
        _ event: AppEvent,
        _ facts: AppProcessFacts,
        _ program: LoaderProgram,
        _ identity: RunningIdentity,
        _ id: ProcessID
    ) {
        switch event {
        case .ready(let facts, let start):
            guard let spawn = self.spawns[id],
                let started = self.started(facts, program, identity, start, by: spawn)
            else { return self.watcher.order(.kill(facts.id)) }
            self.finish(spawn, .success(started))
        case .failed(let failure):
            guard let spawn = self.spawns[id] else { return }
            if failure.kind == .portTaken, !spawn.isCancelled, spawn.attempts < Self.maxAttempts {
                self.logger.notice("port taken by another user, trying another", metadata: Self.metadata(of: facts))
                spawn.launched = nil
                return self.prepare(spawn)
            }
            self.finish(spawn, .failure(failure))
        case .said(let message) where message.word == ServiceMessages.outOfBandWorkDone:
            self.onOutOfBandWorkDone?(facts.id)
        case .said(let message):
            if let exception = AppException(message) { return self.log(exception, facts) }
            self.logger.debug(
                "process says something that this version does not know",
                metadata: Self.metadata(of: facts).merging([LogKeys.event: "\(message.word)"]) { own, _ in own }
            )
        case .ended(let status, let limit, let wasExpected, let lastOutput):
            self.onExit?(
                ProcessExit(
                    id: facts.id,
                    pid: facts.pid,
                    status: status,
                    limit: limit,
                    wasExpected: wasExpected,
                    lastOutput: lastOutput
                )
            )
        }
    }

    /// Its stack is among what the process prints.
    private func log(_ exception: AppException, _ facts: AppProcessFacts) {
        let more: Logger.Metadata = [LogKeys.errorID: "\(exception.id)", LogKeys.reason: "\(exception.text)"]
        self.logger.warning(
            "the application raised an exception in a request",
            metadata: Self.metadata(of: facts).merging(more) { own, _ in own }
        )
    }

    private func started(
        _ facts: AppProcessFacts,
        _ program: LoaderProgram,
        _ identity: RunningIdentity,
        _ start: StartContext,
        by spawn: DirectSpawn
    ) -> StartedProcess? {
        let owner = AppProcess(id: facts.id, watcher: self.watcher)
        switch program.role {
        case .worker:
            return facts.service.map { service in
                .worker(
                    SpawnedProcess(
                        facts: facts,
                        service: service,
                        process: owner,
                        identity: identity,
                        start: start
                    )
                )
            }
        case .preloader:
            guard let ends = spawn.launched, ends.facts.id == facts.id, let control = ends.control else { return nil }
            return .preloader(
                PreloaderEnds(
                    facts: facts,
                    handle: ends.handle,
                    control: control,
                    program: program,
                    identity: identity,
                    start: start,
                    process: owner
                )
            )
        }
    }

    private static func metadata(of facts: AppProcessFacts) -> Logger.Metadata {
        [LogKeys.group: "\(facts.group)", LogKeys.pid: "\(facts.pid)"]
    }

    fileprivate func cancel(_ spawn: DirectSpawn) {
        guard self.spawns[spawn.request.processID] === spawn, !spawn.isCancelled else { return }
        spawn.isCancelled = true
        if let launched = spawn.launched { self.watcher.order(.kill(launched.facts.id)) }
        let step: Journey.Step = spawn.launched == nil ? .prepare : .app
        let failure = spawn.failure(
            SpawnFailure.Cause(.cancelled, .cancelled, "the spawn was given up", step: step)
        )
        // Not from inside the caller's own call.
        let bound = NIOLoopBound((self, spawn), eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.0.finish(bound.value.1, .failure(failure)) }
    }

    private func finish(_ spawn: DirectSpawn, _ result: Result<StartedProcess, SpawnFailure>) {
        spawn.timer?.cancel()
        guard self.spawns[spawn.request.processID] === spawn else { return }
        self.spawns[spawn.request.processID] = nil
        // Its descriptors are the watcher's alone from now on: to close them is how a process is told to end.
        spawn.launched = nil
        spawn.onLaunch = nil
        spawn.completion(result)
    }

    /// Calls `body` on the core loop with what is needed to have a process fork that serves; nil: it serves no more.
    func lend(_ process: SpawnedProcess, _ program: LoaderProgram, _ body: @escaping (PreloaderEnds?) -> Void) {
        let bound = NIOLoopBound(body, eventLoop: self.eventLoop)
        self.watcher.order(
            .lend(process.id) { channel in
                let ends = channel.map { channel in
                    PreloaderEnds(
                        facts: process.facts,
                        handle: channel.handle,
                        control: channel.control,
                        program: program,
                        identity: process.identity,
                        start: process.start,
                        process: process.process
                    )
                }
                bound.eventLoop.execute { bound.value(ends) }
            }
        )
    }

    /// The same warning at every spawn would bury the log.
    private func warnOnce(_ warning: String, group: String) {
        guard self.warnings.admit(warning, group: group, at: .now()) else { return }
        self.logger.warning("\(warning)", metadata: [LogKeys.group: "\(group)"])
    }
}

/// One spawn under way; confined to the core loop.
private final class DirectSpawn: SpawnHandle {
    let request: SpawnRequest
    let way: DirectSpawner.Way
    let completion: (Result<StartedProcess, SpawnFailure>) -> Void
    weak var spawner: DirectSpawner?
    var launched: ProcessEnds?
    var onLaunch: (() -> Void)?
    var timer: Scheduled<Void>?
    /// Of the preparation under way.
    var look = PreparationLook()
    var isCancelled = false
    var attempts = 0
    private let clock = JourneyClock()

    init(
        _ request: SpawnRequest,
        _ way: DirectSpawner.Way,
        spawner: DirectSpawner,
        _ completion: @escaping (Result<StartedProcess, SpawnFailure>) -> Void
    ) {
        self.request = request
        self.way = way
        self.spawner = spawner
        self.completion = completion
    }

    func cancel() { self.spawner?.cancel(self) }

    /// One that is met here, while the preparation or the watcher has the start.
    func failure(_ cause: SpawnFailure.Cause) -> SpawnFailure {
        var context = StartContext(id: self.request.errorID)
        context.journey.begin(.prepare, at: .zero)
        return context.failure(cause, at: self.clock.now)
    }
}

extension SpawnFailure.Cause {
    /// Cannot happen: nobody asked for one.
    fileprivate static let unaskedPreloader = Self(
        .internal,
        .internalError,
        "a preloader came up where none was asked for"
    )
}
