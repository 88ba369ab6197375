// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
package import Logging
package import NIOCore
package import ProgramLog
package import SpawnPlan
import WireProtocol

/// Starts every process afresh: interpreter, loader, application.
///
/// Confined to the core loop. What blocks (file systems, account databases) runs on `threads`; from the moment on that
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
        let spawn = DirectSpawn(request, spawner: self, completion)
        self.spawns[request.processID] = spawn
        self.prepare(spawn)
        return spawn
    }

    private func prepare(_ spawn: DirectSpawn) {
        spawn.attempts += 1
        let (request, options) = (spawn.request, self.options)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        // A hanging file system may hold the thread for ever: the spawn ends without it.
        let limit = TimeAmount(request.settings.startTimeout)
        spawn.timer = self.eventLoop.assumeIsolated().scheduleTask(in: limit) { [weak self] in
            self?.preparationHangs(request.processID)
        }
        let look = PreparationLook()
        spawn.look = look
        let answer = self.threads.run(appRoot: request.settings.appRoot) {
            WorkBoard.run(request.work) {
                var preparation = SpawnPreparation(request, options: options, look: look)
                let outcome = preparation.run()
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
            self.watch(launched)
            if let spawn, !spawn.isCancelled {
                spawn.launched = launched.ends.facts
            } else {
                self.watcher.order(.kill(id))
            }
        }
    }

    private func watch(_ starting: StartingProcess) {
        let facts = starting.ends.facts
        self.options.sessions.began(facts.pid, app: facts.group.description, uid: facts.uid)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let (identity, work) = (starting.plan.identity, starting.ends.work)
        self.watcher.order(
            .watch(starting) { event in
                bound.eventLoop.execute { WorkBoard.run(work) { bound.value.happened(event, facts, identity) } }
            }
        )
    }

    private func preparationHangs(_ id: ProcessID) {
        guard let spawn = self.spawns[id], spawn.launched == nil else { return }
        let settings = spawn.request.settings
        self.notPrepared(id, spawn.look.timeout(settings.startTimeout, appRoot: settings.appRoot))
    }

    /// `facts` are those of the launch.
    private func happened(_ event: AppEvent, _ facts: AppProcessFacts, _ identity: RunningIdentity) {
        switch event {
        case .ready(let facts, let start):
            guard let spawn = self.spawns[facts.id], let service = facts.service else {
                return self.watcher.order(.kill(facts.id))
            }
            let process = SpawnedProcess(
                facts: facts,
                service: service,
                process: AppProcess(id: facts.id, watcher: self.watcher),
                identity: identity,
                start: start
            )
            self.finish(spawn, .success(process))
        case .failed(let failure):
            guard let spawn = self.spawns[facts.id] else { return }
            if failure.kind == .portTaken, !spawn.isCancelled, spawn.attempts < Self.maxAttempts {
                self.logger.notice("port taken by another user, trying another", metadata: Self.metadata(of: facts))
                spawn.launched = nil
                return self.prepare(spawn)
            }
            self.finish(spawn, .failure(failure))
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

    private static func metadata(of facts: AppProcessFacts) -> Logger.Metadata {
        [LogKeys.group: "\(facts.group)", LogKeys.pid: "\(facts.pid)"]
    }

    fileprivate func cancel(_ spawn: DirectSpawn) {
        guard self.spawns[spawn.request.processID] === spawn, !spawn.isCancelled else { return }
        spawn.isCancelled = true
        if let launched = spawn.launched { self.watcher.order(.kill(launched.id)) }
        let step: Journey.Step = spawn.launched == nil ? .prepare : .app
        let failure = spawn.failure(
            SpawnFailure.Cause(.cancelled, .cancelled, "the spawn was given up", step: step)
        )
        // Not from inside the caller's own call.
        let bound = NIOLoopBound((self, spawn), eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.0.finish(bound.value.1, .failure(failure)) }
    }

    private func finish(_ spawn: DirectSpawn, _ result: Result<SpawnedProcess, SpawnFailure>) {
        spawn.timer?.cancel()
        guard self.spawns[spawn.request.processID] === spawn else { return }
        self.spawns[spawn.request.processID] = nil
        spawn.completion(result)
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
    let completion: (Result<SpawnedProcess, SpawnFailure>) -> Void
    weak var spawner: DirectSpawner?
    var launched: AppProcessFacts?
    var timer: Scheduled<Void>?
    /// Of the preparation under way.
    var look = PreparationLook()
    var isCancelled = false
    var attempts = 0
    private let clock = JourneyClock()

    init(
        _ request: SpawnRequest,
        spawner: DirectSpawner,
        _ completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) {
        self.request = request
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

private final class AppProcess: ProcessOwner {
    let id: ProcessID
    let watcher: AppWatcher

    init(id: ProcessID, watcher: AppWatcher) {
        self.id = id
        self.watcher = watcher
    }

    func terminate() { self.watcher.order(.terminate(self.id)) }
    func kill() { self.watcher.order(.kill(self.id)) }
}

extension AppTransportKind {
    init(_ transport: LoaderProgram.Transport, readsFramedBodies: Bool) {
        self =
            switch transport {
            case .session: readsFramedBodies ? .framedSession : .session
            case .http: .http
            case .httpOneShot: .httpOneShot
            }
    }
}
