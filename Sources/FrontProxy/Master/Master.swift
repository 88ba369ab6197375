// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import ProgramLog
import WireProtocol

/// The process that reads the configuration, binds, and starts workers; it never reads a byte from a client.
///
/// Confined to its event loop after `start`.
final class Master {
    /// A worker with what it was started with.
    struct Member {
        let process: WorkerProcess
        let deployment: Deployment
        let token: WorkerToken
        let account: WorkerAccount
        var pid: Int32?
    }

    let eventLoop: SocketLoop
    let options: MasterOptions
    private(set) var log: ProgramLog
    private(set) var logger: Logger
    let logFile: LogFile
    let launcher: Launcher
    let program: SharedDescriptor
    let nullDevice: SharedDescriptor
    var account: WorkerAccount
    /// That of the newest worker.
    var deployment: Deployment
    var roster = WorkerRoster()
    var members: [WorkerRoster.ID: Member] = [:]
    var manifests: ManifestLink?
    /// Called once, when the first worker accepts connections.
    var whenServing: (() -> Void)?
    /// Completed with the exit code.
    let finished: EventLoopPromise<Int32>
    let frontName: String
    private(set) var flyWith: String?

    init(_ start: MasterStart, eventLoop: SocketLoop) throws {
        self.eventLoop = eventLoop
        options = start.options
        log = start.log
        logFile = start.logFile
        logger = log.logger(label: "front-proxy")
        launcher = Launcher(helperPath: try Launcher.findHelper())
        program = SharedDescriptor(try Files.openForReading("/proc/self/exe"))
        nullDevice = SharedDescriptor(try Descriptor.null())
        account = start.account
        deployment = start.deployment
        flyWith = start.flyWith
        frontName = start.frontName
        finished = eventLoop.makePromise(of: Int32.self)
    }

    func start() {
        if let flyWith { connect(to: flyWith) }
        launch(roster.launchRequested())
    }

    /// Also when the first configuration with a daemon comes by a reload.
    func connect(to daemon: String) {
        flyWith = daemon
        let presence = DaemonPresence(socketPath: daemon, logger: silentLogger)
        let link = ManifestLink(
            eventLoop: eventLoop,
            socketPath: daemon,
            frontName: frontName,
            presence: presence,
            logger: logger
        )
        manifests = link
        link.start()
    }

    /// A new configuration may say more or less.
    func adjustLogScale() {
        let scale = options.logScale(with: deployment.model)
        guard scale != log.scale else { return }
        log = ProgramLog(output: log.output, scale: scale)
        logger = log.logger(label: "front-proxy")
    }

    /// The workers speak of the daemon's coming and going; the master would only repeat them.
    private var silentLogger: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }

    // MARK: Workers

    func launch(_ request: (launch: WorkerRoster.ID, quit: WorkerRoster.ID?)?) {
        guard let request else { return }
        if let superseded = request.quit { members[superseded]?.process.send(ControlFrame(kind: .quit)) }
        let id = request.launch
        let token = WorkerToken(high: RandomBytes.uint64(), low: RandomBytes.uint64())
        let content = ManifestLink.Content(
            workerUID: account.uid,
            workerToken: token,
            apps: deployment.manifestApps
        )
        manifests?.announce(content)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        do throws(SystemError) {
            let logs = WorkerProcess.Logs(errors: log.output, access: deployment.accessLogFiles)
            let process = try WorkerProcess.launch(workerLaunch(token), launcher: launcher, logs: logs) { event in
                eventLoop.execute { bound.value.heard(event, from: id) }
            }
            members[id] = Member(process: process, deployment: deployment, token: token, account: account)
        } catch {
            logger.error("cannot start a worker", metadata: [LogKeys.error: "\(error)"])
            ended(id, "\(error)")
        }
    }

    private func workerLaunch(_ token: WorkerToken) -> WorkerLaunch {
        let bootstrap = WorkerBootstrap(
            source: deployment.configuration.source,
            snapshot: deployment.configuration.snapshot,
            flyWith: flyWith,
            frontName: frontName,
            token: token,
            threads: options.threads ?? deployment.model.threads ?? CurrentProcess.processorCount,
            logLevel: log.scale.number,
            takesAppSockets: options.takesAppSockets,
            listens: deployment.addresses
        )
        return WorkerLaunch(
            bootstrap: bootstrap,
            descriptors: deployment.descriptors,
            account: account,
            openFiles: deployment.model.workerOpenFiles,
            program: program,
            nullDevice: nullDevice,
            keepsCoreDumps: options.keepsCoreDumps
        )
    }

    private func heard(_ event: WorkerProcess.Event, from id: WorkerRoster.ID) {
        switch event {
        case .launched(let pid):
            members[id]?.pid = pid
            logger.notice("worker started", metadata: [LogKeys.pid: "\(pid)", LogKeys.user: "\(account.name)"])
        case .ready: ready(id)
        case .failed(let reason):
            logger.error("worker cannot serve", metadata: [LogKeys.pid: pid(id), LogKeys.reason: "\(reason)"])
        case .brokeRules(let reason):
            logger.error(
                "worker breaks the rules, ending it",
                metadata: [LogKeys.pid: pid(id), LogKeys.reason: "\(reason)"]
            )
        case .ended(let status): ended(id, status)
        }
    }

    private func pid(_ id: WorkerRoster.ID) -> Logger.MetadataValue {
        members[id]?.pid.map { "\($0)" } ?? "-"
    }

    private func ready(_ id: WorkerRoster.ID) {
        switch roster.ready(id, at: Self.now) {
        case .serves(let older, let isFirst):
            let isReload = older.contains { members[$0].map { $0.deployment !== deployment } ?? false }
            for other in older {
                drain(other, newer: deployment)
                members[other]?.deployment.removeSocketFiles(newer: deployment)
            }
            if isFirst {
                whenServing?()
                whenServing = nil
            } else {
                let text = isReload ? "the new configuration is in force" : "worker serves"
                logger.notice("\(text)", metadata: [LogKeys.pid: pid(id)])
            }
            Notify.ready(status: status)
        case .ignored(let reason): logger.debug("worker is ready", metadata: [LogKeys.reason: "\(reason)"])
        }
    }

    var status: String {
        let addresses = deployment.addresses.map(\.description)
        guard !addresses.isEmpty else { return "listening nowhere: the configuration has no server" }
        return "listening on \(addresses.joined(separator: ", "))"
    }

    func drain(_ id: WorkerRoster.ID, newer: Deployment?) {
        guard let member = members[id] else { return }
        let order = DrainOrder(closingListens: member.deployment.closingListens(newer: newer))
        member.process.send(ControlFrame(kind: .drain, payload: order.encoded()))
    }

    private func ended(_ id: WorkerRoster.ID, _ status: String) {
        let wasDraining = roster.workers[id] == .draining
        let member = members.removeValue(forKey: id)
        let metadata: Logger.Metadata = [
            LogKeys.pid: member?.pid.map { "\($0)" } ?? "-", LogKeys.status: "\(status)",
        ]
        logger.log(level: wasDraining ? .notice : .error, "worker ended", metadata: metadata)
        if let token = member?.token { manifests?.forget(token) }
        switch roster.ended(id, at: Self.now) {
        case .giveUp: finish(1)
        case .finished: finish(roster.stop == .forced ? 2 : 0)
        case .launch(let delay):
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.scheduleTask(in: .milliseconds(delay)) { bound.value.launch(bound.value.roster.launchDue()) }
        case .keepServing(let serving): keepServing(serving)
        case .nothing: break
        }
    }

    /// The worker of a new configuration failed: the daemon hears again what the one that serves may push.
    private func keepServing(_ id: WorkerRoster.ID) {
        guard let member = members[id] else { return }
        logger.error("the new configuration is not used: its worker did not start")
        deployment.removeSocketFiles(newer: member.deployment)
        deployment = member.deployment
        account = member.account
        manifests?
            .announce(
                ManifestLink.Content(
                    workerUID: account.uid,
                    workerToken: member.token,
                    apps: deployment.manifestApps
                )
            )
        Notify.ready(status: status)
    }

    static var now: Int64 { Int64(clamping: MonotonicClock.now / 1_000_000) }
}
