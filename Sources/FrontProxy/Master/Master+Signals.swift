// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import ProgramLog

/// What signals ask of a master; on its event loop.
extension Master {
    static let signals: [Signal] = [.hangUp, .terminate, .interrupt, .quit, .user1, .user2]

    func received(_ signal: Signal) {
        switch signal {
        case .hangUp: reload()
        case .user1:
            reopenLogs()
            logger.notice("logs opened anew")
        case .terminate, .interrupt, .quit: stop(because: signal)
        default:
            // An upgrade in place comes later; until then a stop and start with kept sockets does the same.
            logger.warning(
                "nothing is done on this signal: restart the front for another version; the applications stay",
                metadata: [LogKeys.signal: "\(signal)"]
            )
        }
    }

    // MARK: Reload

    /// Reads the configuration again; whatever is wrong with it, the old one stays.
    private func reload() {
        guard !roster.isStopping else { return }
        logger.notice("reading the configuration again")
        Notify.reloading()
        do {
            let configuration = try LoadedConfiguration(deployment.configuration.source)
            for warning in configuration.warnings { logger.warning("\(warning)") }
            let daemon = options.flyWith ?? configuration.model.flyWith
            try MasterStart.checkDaemon(flyWith ?? daemon, for: configuration.model)
            let account = try MasterStart.account(options, configuration.model)
            warnOfFixedValues(configuration.model)
            deployment = try Deployment(configuration, replacing: deployment.listeners, logger: logger)
            self.account = account
            takeUp(daemon: daemon)
            adjustLogScale()
            // Workers that drain may do so for long: what was moved away is theirs no more either.
            reopenLogs()
            launch(roster.launchRequested())
        } catch let error as ConfigurationError {
            for diagnostic in error.diagnostics { logger.error("\(diagnostic)") }
            refuseReload("the new configuration has errors")
        } catch {
            logger.error("\(error)")
            refuseReload("the new configuration cannot be used")
        }
    }

    private func refuseReload(_ reason: String) {
        logger.error("\(reason): the old one stays in force")
        Notify.ready()
    }

    /// What a reload cannot change.
    private func warnOfFixedValues(_ model: FrontModel) {
        if options.logFile == nil, model.errorLog != deployment.model.errorLog {
            logger.warning("a changed error_log needs a restart of the front")
        }
        let pidFiles = [model, deployment.model].map { $0.pidFile.map { ExactText($0) } }
        if options.pidFile == nil, pidFiles[0] != pidFiles[1] {
            logger.warning("a changed pid needs a restart of the front")
        }
    }

    /// Another daemon is taken up only by a new start.
    private func takeUp(daemon: String?) {
        guard daemon != flyWith else { return }
        if flyWith == nil, let daemon {
            connect(to: daemon)
        } else {
            logger.warning("a changed passenger_fly_with needs a restart of the front")
        }
    }

    // MARK: Logs

    private func reopenLogs() {
        do {
            try log.output.reopen()
            if options.isDaemon { try logFile.takeStandardStreams() }
        } catch {
            logger.error("cannot open the log anew, going on with the old file", metadata: [LogKeys.error: "\(error)"])
        }
        var done: [ObjectIdentifier] = []
        for member in members.values {
            let deployment = member.deployment
            if !done.contains(ObjectIdentifier(deployment)) {
                done.append(ObjectIdentifier(deployment))
                reopen(deployment.accessLogs)
            }
        }
    }

    private func reopen(_ files: [LogFile]) {
        for file in files {
            do throws(SinkProblem) {
                try file.reopen()
            } catch {
                logger.error(
                    "cannot open an access log anew, going on with the old file",
                    metadata: [LogKeys.file: "\(file.path ?? "-")", LogKeys.error: "\(error)"]
                )
            }
        }
    }

    // MARK: Stop

    private func stop(because signal: Signal) {
        let action = roster.stopRequested()
        switch action {
        case .drain(let workers):
            log.announce("Stopping on \(signal): finishing running requests")
            Notify.stopping()
            for id in workers { drain(id, newer: nil) }
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            let limit = TimeAmount.milliseconds(options.shutdownTimeout.wholeMilliseconds)
            eventLoop.scheduleTask(in: limit) { bound.value.stopTimeReached() }
        case .quit(let workers): quit(workers, "Stopping at once on a second signal")
        case .force(let workers):
            log.announce("Ending by force")
            for id in workers { members[id]?.process.kill() }
            finish(2)
        case .finished: finish(0)
        case .ignored(let reason): logger.debug("signal without effect", metadata: [LogKeys.reason: "\(reason)"])
        }
    }

    private func stopTimeReached() {
        guard roster.stop == .graceful, case .quit(let workers) = roster.stopRequested() else { return }
        quit(workers, "Requests still run after the shutdown timeout: closing their connections")
    }

    private func quit(_ workers: [WorkerRoster.ID], _ text: String) {
        log.announce(text)
        for id in workers { members[id]?.process.send(ControlFrame(kind: .quit)) }
    }

    func finish(_ code: Int32) {
        manifests?.stop()
        deployment.removeSocketFiles(newer: nil)
        finished.succeed(code)
    }
}
