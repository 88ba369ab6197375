// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import ProgramLog
import ShownText
import WireProtocol

/// The front as it is started: from the command line to the exit code.
enum MasterProgram {
    /// Serves until a signal ends it; to be called on the main thread, before other threads exist.
    static func run(_ options: MasterOptions) -> Int32 {
        // Its memory has the tokens of its workers, in the end their TLS keys. A kernel that refuses serves all the same.
        if !options.keepsCoreDumps { try? CurrentProcess.allowTracing(false) }
        CurrentProcess.setUmask(0o022)
        SignalMask.ignoreBrokenPipes()
        CurrentProcess.raiseDescriptorLimit()
        var daemonize: Daemonize?
        var isTold = false
        do {
            let inherited = try InheritedListeners.fromEnvironment()
            let configuration = try load(options, inherited)
            let logPath = options.logFile ?? configuration.model.errorLog
            guard !options.isDaemon || logPath != nil else {
                throw StartError("--daemonize needs --log-file or error_log: there is no terminal to write to")
            }
            if options.isDaemon { daemonize = try Daemonize.start() }
            let logFile = try openLog(logPath)
            if options.isDaemon { try logFile.takeStandardStreams() }
            let log = ProgramLog(output: .writing(to: logFile), scale: options.logScale(with: configuration.model))
            do {
                return try serve(options, configuration, log, logFile, inherited, &daemonize)
            } catch {
                log.announce("\(error)", severity: .fatal)
                isTold = logPath == nil
                throw error
            }
        } catch {
            if isTold { return 1 }
            if let daemonize = daemonize.take() {
                daemonize.failed(FrontProgram.describe(error))
            } else {
                StandardStreams.writeError(FrontProgram.describe(error))
            }
            return 1
        }
    }

    private static func openLog(_ path: String?) throws -> LogFile {
        guard let path else { return try .standardError() }
        do throws(SinkProblem) {
            return try LogFile(path: path)
        } catch {
            throw StartError("cannot open the log \(path)", because: error)
        }
    }

    /// Reads the configuration, or with `--app-root` makes one that listens on what a parent passed on.
    static func load(
        _ options: MasterOptions,
        _ inherited: [InheritedListener]
    ) throws -> LoadedConfiguration {
        guard case .commandLine(var app) = options.source, app.listens.isEmpty else {
            return try LoadedConfiguration(options.source)
        }
        app.listens = ListenerTable(inherited: inherited).inheritedAddresses.map(\.description)
        guard !app.listens.isEmpty else { throw StartError("nothing to listen on: give --listen=ADDR") }
        return try LoadedConfiguration(.commandLine(app))
    }

    private static func serve(
        _ options: MasterOptions,
        _ configuration: LoadedConfiguration,
        _ log: ProgramLog,
        _ logFile: LogFile,
        _ inherited: [InheritedListener],
        _ daemonize: inout Daemonize?
    ) throws -> Int32 {
        let logger = log.logger(label: "front-proxy")
        log.announce("Front proxy of \(Product.nameAndVersion) starting")
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let start = try MasterStart(options, configuration, log: log, logFile: logFile, inherited: inherited)
        if let warning = start.account.warning { logger.warning("\(warning)") }
        for unused in start.deployment.listeners.unusedDescriptions {
            logger.warning("a socket passed on to this process is not used", metadata: [LogKeys.address: "\(unused)"])
        }
        let pidLock = try pidFile(options.pidFile ?? configuration.model.pidFile)
        let ready = ReadySignal(daemonize.take())
        let code = try serve(start, ready)
        pidLock?.removeAndRelease()
        if code != 0 { ready.failed("front-proxy: the worker could not be started, see the log") }
        log.announce("Front proxy stopped")
        return code
    }

    private static func serve(_ start: MasterStart, _ ready: ReadySignal) throws -> Int32 {
        try LingerGuard.startIfNeeded()
        let log = start.log
        let loop = try SocketLoop(name: "master") { error in
            log.announce("cannot wait for workers and signals: \(error)", severity: .fatal)
            CurrentProcess.exit(1)
        }
        let (finished, bound) = try loop.submit {
            let master = try Master(start, eventLoop: loop)
            master.whenServing = {
                master.log.announce("Front proxy up, \(master.status)")
                ready.succeeded()
            }
            master.start()
            return (master.finished.futureResult, NIOLoopBound(master, eventLoop: loop))
        }
        .wait()
        let signals = try SignalStream(Master.signals) { signal in loop.execute { bound.value.received(signal) } }
        let code = try finished.wait()
        withExtendedLifetime(signals) {}
        return code
    }

    /// Written and locked; nil if none is wanted.
    private static func pidFile(_ path: String?) throws -> FileLock? {
        guard let path else { return nil }
        do {
            let lock = try FileLock.acquirePIDFile(path)
            try lock.write("\(CurrentProcess.pid)\n")
            return lock
        } catch let problem as SinkProblem {
            throw StartError(Self.sentence(problem, path))
        } catch {
            throw StartError("cannot use the PID file \(path): \(error)")
        }
    }

    private static func sentence(_ problem: SinkProblem, _ path: String) -> String {
        let reason =
            switch problem {
            case .system(let error) where error.isWouldBlock: "another front-proxy holds it"
            case .system(let error) where error.isAlreadyExists: "there is something that is not a file of this user's"
            case .system, .unsafe: problem.reason
            }
        return (["cannot use the PID file \(path): \(reason)"] + problem.remedies.map(\.description)).joined(
            separator: "\n  "
        )
    }
}
