// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import ProgramLog
import WireProtocol

/// The main process of the daemon: holds the listening socket, keeps a core running, and ends what a dead core leaves.
///
/// One thread, which waits in poll; what to do about the core is decided by `CoreLife`, about signals by `StopSteps`.
final class Watchdog {
    /// A core that has not reported by then hangs.
    private static let startLimit = Duration.seconds(60)
    /// From its last word, or from SIGKILL, to the end of a core.
    private static let endLimit = Duration.seconds(5)
    /// Time beyond `--shutdown-timeout` in which app processes may end after their last request.
    static let stopAllowance = Duration.seconds(75)

    let options: DaemonOptions
    private let arguments: [String]
    let log: ProgramLog
    let logger: Logger
    private let launcher: Launcher
    private let signals: Mailbox<Signal>
    private var background: Daemonize?
    private var holdings: WatchdogHoldings?
    var life = CoreLife()
    var steps = StopSteps()
    var core: CoreProcess?
    /// What the core said about why it cannot serve.
    private var coreFailure: String?
    /// When something is due although nothing happens: end of a backoff, of patience with a core.
    private var alarm: (kind: Alarm, at: UInt64)?
    var exitCode: Int32?
    /// Groups whose look or start ended cores.
    var quarantine = Quarantine()

    /// The core has said that it has nothing left to do.
    private var isCoreDone = false
    /// Cores that could not be killed, still children of this process.
    var abandonedCores: Set<Int32> = []

    enum Alarm {
        case backoffElapsed
        case coreHangs
        /// Not even SIGKILL has ended it: one of its threads waits in the kernel.
        case coreCannotEnd
    }

    init(
        options: DaemonOptions,
        arguments: [String],
        log: ProgramLog,
        background: consuming Daemonize?
    ) throws {
        self.options = options
        self.arguments = arguments
        self.log = log
        self.logger = log.logger(label: "watchdog")
        self.launcher = Launcher(helperPath: try Launcher.findHelper())
        self.signals = try Mailbox()
        self.background = background
    }

    /// Returns the exit status of the program.
    func run() -> Int32 {
        self.log.announce("Welcome to \(Product.nameAndVersion)")
        do {
            try CurrentProcess.becomeSubreaper()
            let stream = try SignalStream([.terminate, .interrupt, .hangUp, .user1, .quit]) { [signals] in
                signals.post($0)
            }
            defer { stream.stop() }
            try self.options.checkPaths()
            let users = try DaemonUsers(self.options)
            self.holdings = try WatchdogHoldings.take(
                self.options.process,
                users: users,
                logger: self.logger,
                sweep: { Leftovers.sweep($0, logger: self.logger) }
            )
            self.makeControlGroup()
            self.log.announce("Starting PassengerWatchdog...")
            try self.startCore()
            while self.exitCode == nil { self.waitAndHandle() }
        } catch let problem as StartProblem {
            self.fail(problem.description)
        } catch {
            self.fail("Cannot start: \(error).")
        }
        return self.end()
    }

    /// Without one, app processes are ended by their process groups, and none of them has limits.
    private func makeControlGroup() {
        guard let directory = self.holdings?.directory else { return }
        do throws(InstanceGroup.Absence) {
            let instance = try InstanceGroup.make(for: directory, launcher: self.launcher)
            self.logger.info("apps have control groups", metadata: [LogKeys.path: "\(instance.group.path)"])
        } catch {
            self.logger.info("apps have no control groups", metadata: [LogKeys.reason: "\(error.reason)"])
        }
    }

    // MARK: Waiting

    private func waitAndHandle() {
        var wanted: [(descriptor: Int32, readiness: Poll.Readiness)] = [(self.signals.descriptor, .readable)]
        if let core = self.core {
            wanted.append((core.endDescriptor, .readable))
            if !core.isReportClosed { wanted.append((core.reportDescriptor, .readable)) }
        }
        // poll fails for lack of memory only; the descriptors are asked again.
        guard let ready = try? Poll.wait(wanted, timeout: self.timeToAlarm) else { return }
        for signal in self.signals.takeAll() { self.handle(signal) }
        if ready.count > 2, !ready[2].isEmpty { self.readReport() }
        if ready.count > 1, !ready[1].isEmpty { self.collectCore() }
        self.ringIfDue()
    }

    private var timeToAlarm: Duration? {
        self.alarm.map { .nanoseconds(Int64(clamping: $0.at - min($0.at, MonotonicClock.now))) }
    }

    func setAlarm(_ kind: Alarm, after delay: Duration) {
        self.alarm = (kind, MonotonicClock.now + UInt64(max(0, delay.wholeNanoseconds)))
    }

    private func ringIfDue() {
        guard let alarm = self.alarm, alarm.at <= MonotonicClock.now else { return }
        self.alarm = nil
        switch alarm.kind {
        case .backoffElapsed:
            switch self.life.backoffElapsed() {
            case .startCore: self.restartCore()
            case .ignored(let reason): self.ignored("backoffElapsed", reason)
            }
        case .coreHangs:
            self.logger.error("core does not come to an end, killing it", metadata: self.coreMetadata)
            self.signalCore(.kill)
            self.setAlarm(.coreCannotEnd, after: Self.endLimit)
        case .coreCannotEnd: self.leaveCore()
        }
    }

    // MARK: The core

    private func startCore() throws {
        guard let directory = self.holdings?.directory, let listener = self.holdings?.listener else { return }
        self.coreFailure = nil
        self.isCoreDone = false
        let board = try self.makeBoard()
        let core = try CoreProcess.start(
            arguments: self.arguments,
            directory: directory,
            listener: listener,
            board: board,
            launcher: self.launcher
        )
        self.core = core
        self.setAlarm(.coreHangs, after: Self.startLimit)
        switch self.life.state {
        case .starting(isFirst: true): self.log.announce("PassengerWatchdog started on PID \(core.pid)")
        default: self.logger.notice("core started", metadata: self.coreMetadata)
        }
    }

    private func restartCore() {
        do {
            try self.startCore()
        } catch {
            self.logger.error("cannot start a core", metadata: [LogKeys.error: "\(error)"])
            self.coreEnded(status: 1)
        }
    }

    private func readReport() {
        while let report = self.core?.readReport() {
            switch report {
            case .failed(let reason): self.coreFailure = reason
            case .ready: if self.life.isStarting { self.coreIsReady() }
            case .done:
                self.isCoreDone = true
                self.setAlarm(.coreHangs, after: Self.endLimit)
            }
        }
    }

    /// Goes on without a core that the kernel does not let go of; its last thread ends when its file system answers.
    private func leaveCore() {
        guard let core = self.core else { return }
        self.logger.error(
            "core cannot be ended: it waits in the kernel, perhaps for a file system that does not answer; leaving it",
            metadata: self.coreMetadata
        )
        self.core = nil
        self.abandonedCores.insert(core.pid)
        self.endWhatCoreLeft()
        if let directory = self.holdings?.directory {
            Leftovers.sweep(directory, logger: self.logger)
            directory.removeSockets()
        }
        self.coreEnded(status: self.isCoreDone ? 0 : nil)
    }

    /// All at once where there are control groups, and then what is left; returns how many processes were ended.
    @discardableResult
    private func endWhatCoreLeft() -> Int {
        if let directory = self.holdings?.directory { InstanceGroup.find(for: directory)?.endAll() }
        return Leftovers.endAll(sparing: self.abandonedCores)
    }

    private func coreIsReady() {
        switch self.life.coreReady(at: MonotonicClock.now) {
        case .announceStart:
            self.alarm = nil
            let path = self.options.process.socketFile
            self.log.announce("PassengerWatchdog initialized properly")
            self.log.announce("Flying Passenger up and listening on \(path)!")
            Notify.ready(status: "Listening on \(path)")
            self.background.take()?.ready()
        case .announceRecovery:
            self.alarm = nil
            self.logger.notice("core serves again", metadata: self.coreMetadata)
        case .ignored(let reason): self.ignored("coreReady", reason)
        }
    }

    /// The core has ended: collects it and ends what it leaves before anything else happens.
    private func collectCore() {
        guard let core = self.core else { return }
        self.readReport()
        let status: ExitStatus
        do {
            guard let collected = try core.handle.collect() else { return }
            status = collected
        } catch {
            self.logger.error("cannot learn how the core ended", metadata: [LogKeys.error: "\(error)"])
            status = .exited(9)
        }
        let pid = core.pid
        self.core = nil
        self.alarm = nil
        let ended = self.endWhatCoreLeft()
        if let directory = self.holdings?.directory {
            Leftovers.sweep(directory, logger: self.logger)
            directory.removeSockets()
        }
        if !status.isSuccess || ended > 0 {
            self.logger.error(
                self.steps.isStopping
                    ? "the core has ended before all was in order"
                    : "the core has ended unexpectedly, and what it left with it",
                metadata: [
                    LogKeys.pid: "\(pid)", LogKeys.status: "\(status)", LogKeys.processes: "\(ended)",
                ]
            )
        }
        self.judge(status)
        self.coreEnded(status: self.steps.isStopping ? status.codeWhileStopping : status.code)
    }

    private func coreEnded(status: Int32?) {
        let wasFirstStart = self.life.state == .starting(isFirst: true)
        switch self.life.coreExited(status: status, at: MonotonicClock.now) {
        case .end where wasFirstStart:
            self.fail(self.coreFailure ?? "The core ended before it was ready.")
        case .end(let code):
            self.exitCode = self.steps.state == .forced ? 2 : code
        case .restart(let delay):
            self.logger.notice("core is to be started again", metadata: [LogKeys.backoff: "\(delay)"])
            self.setAlarm(.backoffElapsed, after: delay)
        case .ignored(let reason): self.ignored("coreExited", reason)
        }
    }

    func signalCore(_ signal: Signal) {
        do {
            try self.core?.handle.signal(signal)
        } catch {
            self.logger.error("cannot signal the core", metadata: [LogKeys.error: "\(error)"])
        }
    }

    // MARK: The end

    private func fail(_ reason: String) {
        self.log.announce(reason, severity: .fatal)
        self.exitCode = 1
        if let background = self.background.take() {
            background.failed("flying-passenger: " + reason)
        } else if self.options.process.logFile != nil {
            StandardError.write("flying-passenger: \(reason)\n")
        }
    }

    private func end() -> Int32 {
        let code = self.exitCode ?? 9
        let wasServing = self.life.state != .starting(isFirst: true)
        if let holdings = self.holdings.take() { holdings.remove(logger: self.logger) }
        if code != 1 || wasServing { self.log.announce("Flying Passenger stopped") }
        self.log.output.flush()
        return code
    }

    var coreMetadata: LogMetadata {
        self.core.map { [LogKeys.pid: "\($0.pid)"] } ?? [:]
    }

    /// An event that cannot happen points to a defect here.
    func ignored(_ event: String, _ reason: String) {
        self.logger.error("event ignored", metadata: [LogKeys.event: "\(event)", LogKeys.reason: "\(reason)"])
    }
}
