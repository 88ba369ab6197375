// SPDX-License-Identifier: MIT

import ArgumentParser
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ProgramLog

/// The core, seen from its main thread: waits for signals and for the end of the watchdog, while the loop does the work.
final class Core {
    /// How long a process that an app left behind may be unknown to the next daemon.
    ///
    /// One that keeps the environment of its app is known by that at once.
    private static let orphanInterval = Duration.seconds(1)

    private enum Event: Sendable {
        case signal(Signal)
        /// Processes that apps left behind may have ended.
        case orphansEnded
        /// All apps have ended, as asked.
        case drained
    }

    private let options: DaemonOptions
    private let log: ProgramLog
    private let logger: Logger
    private let life: SharedDescriptor
    private let events: Mailbox<Event>
    private let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// Where reports are made, for root and for everybody else.
    private let threads = AdminService.Threads(
        root: NIOThreadPool(numberOfThreads: 1),
        others: NIOThreadPool(numberOfThreads: 1)
    )
    private let eventLoop: any EventLoop
    private let services: NIOLoopBound<CoreServices>
    private let orphans: Orphans
    /// nil: app processes have no control groups.
    private let instanceGroup: InstanceGroup?
    private let appGroups: AppGroups?
    private var nextRecord: UInt64 = 0
    private var steps = StopSteps()
    private var exitCode: Int32?

    /// `arguments` are those of the watchdog, which has checked them; returns the exit status.
    static func main(directory path: String, arguments: [String]) -> Int32 {
        guard let inheritance = CoreInheritance.take() else {
            StandardError.write("flying-passenger: \(Daemon.coreFlag) is for internal use.\n")
            return 1
        }
        do {
            try WorkBoard.adopt(inheritance.board.descriptor)
            let options = try DaemonCommand.parse(arguments).options
            options.process.applyCoreDumps()
            let core = try Core(options, directory: InstanceDirectory(path: path), inheritance: inheritance)
            return try core.run(inheritance.report)
        } catch {
            inheritance.report.write(.failed("Cannot start: \(error)"))
            return 1
        }
    }

    private init(_ options: DaemonOptions, directory: InstanceDirectory, inheritance: CoreInheritance) throws {
        CurrentProcess.setName("flying-passenge")
        try CurrentProcess.becomeSubreaper()
        let inheritedFilesLimit = Limits.current(.openFiles)
        CurrentProcess.raiseDescriptorLimit()
        let output = try LogOutput.open(
            path: options.process.logFile,
            takesStandardStreams: true,
            prefixesAppLines: !options.pool.disableLogPrefix
        )
        self.options = options
        self.log = ProgramLog(output: output, scale: options.process.logLevel)
        self.logger = self.log.logger(label: "core")
        self.life = inheritance.life
        let sessions = AppSessions()
        self.orphans = Orphans(
            records: ProcessRecords(directory: directory.processesPath),
            sessions: sessions,
            logger: self.log.logger(label: "spawner")
        )
        self.instanceGroup = InstanceGroup.find(for: directory)
        self.appGroups = self.instanceGroup.map(AppGroups.init)
        self.events = try Mailbox()
        self.threads.root.start()
        self.threads.others.start()
        self.eventLoop = self.loops.next()
        self.services = try CoreServices.start(
            CoreServices.Setting(
                options: options,
                users: try DaemonUsers(options),
                directory: directory,
                log: self.log,
                threads: self.threads,
                sessions: sessions,
                appGroups: self.appGroups,
                inheritedFilesLimit: inheritedFilesLimit
            ),
            listener: inheritance.listener,
            on: self.eventLoop
        )
    }

    private func run(_ report: CoreReporter) throws -> Int32 {
        let signals: [Signal] = [.terminate, .interrupt, .hangUp, .user1, .quit, .child]
        let stream = try SignalStream(signals) { [events] in events.post(.signal($0)) }
        defer { stream.stop() }
        try LingerGuard.startIfNeeded()
        report.write(.ready)
        while self.exitCode == nil {
            let wanted: [(descriptor: Int32, readiness: Poll.Readiness)] = [
                (self.events.descriptor, .readable), (self.life.rawValue, .readable),
            ]
            // poll fails for lack of memory only; the descriptors are asked again.
            guard let ready = try? Poll.wait(wanted, timeout: Self.orphanInterval) else { continue }
            self.recordOrphans()
            if !ready[1].isEmpty { self.endWithoutWatchdog() }
            for event in self.events.takeAll() { self.handle(event) }
        }
        let code = self.end()
        report.write(.done)
        return code
    }

    private func handle(_ event: Event) {
        switch event {
        case .drained: self.exitCode = self.exitCode ?? 0
        case .signal(.terminate), .signal(.interrupt): self.stopRequested()
        case .signal(.hangUp), .signal(.user1): self.reopenLog()
        case .signal(.quit): self.onLoop { $0.writeState() }
        case .signal(.child), .orphansEnded: self.collectOrphans()
        case .signal: return
        }
    }

    /// A bounded part of them: signals and the end of the watchdog are looked at in between.
    private func collectOrphans() {
        let again: @Sendable () -> Void = { [events] in events.post(.orphansEnded) }
        if self.orphans.collect(whenFree: again) == .more { again() }
    }

    /// However often this thread wakes up: the look costs more the more there are.
    private func recordOrphans() {
        let now = MonotonicClock.now
        guard now >= self.nextRecord else { return }
        self.nextRecord = now + UInt64(Self.orphanInterval.wholeNanoseconds)
        self.orphans.record()
        self.appGroups?.removeEnded()
    }

    private func stopRequested() {
        switch self.steps.stopRequested() {
        case .stopGracefully:
            let limit = self.options.process.shutdownTimeout
            let events = self.events
            self.onLoop { $0.stop(limit: limit) { events.post(.drained) } }
        case .hurry: self.onLoop { $0.hurry() }
        case .endAtOnce:
            self.onLoop { $0.killAll() }
            self.endApps()
            self.exitCode = 2
        case .ignored(let reason):
            self.logger.error("event ignored", metadata: [LogKeys.event: "stopRequested", LogKeys.reason: "\(reason)"])
        }
    }

    private func reopenLog() {
        do {
            try self.log.output.reopen()
        } catch {
            self.logger.error(
                "cannot open the log anew, going on in the old one",
                metadata: [LogKeys.error: "\(error)"]
            )
        }
    }

    private func onLoop(_ body: @escaping @Sendable (CoreServices) -> Void) {
        let services = self.services
        self.eventLoop.execute { body(services.value) }
    }

    /// Nobody restarts this core or hands its socket on: apps must not outlive it.
    private func endWithoutWatchdog() -> Never {
        self.log.announce("The watchdog has ended unexpectedly; ending all apps", severity: .fatal)
        self.onLoop { $0.killAll() }
        self.endApps()
        // A spawn may have been under way on another thread during the first round.
        Pause.wait(.milliseconds(50))
        self.endApps()
        self.log.output.flush()
        CurrentProcess.exitNow(9)
    }

    /// All at once where they have control groups, and then what is left one by one.
    private func endApps() {
        self.instanceGroup?.endAll()
        Leftovers.endAll()
    }

    private func end() -> Int32 {
        self.onLoop { $0.close() }
        // Grandchildren that were adopted when their parents ended.
        self.endApps()
        self.log.output.flush()
        return self.exitCode ?? 9
    }
}
