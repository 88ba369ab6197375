// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import ProgramLog

extension Watchdog {
    func handle(_ signal: Signal) {
        switch signal {
        case .terminate, .interrupt: self.stopRequested(by: signal)
        case .hangUp, .user1: self.reopenLog()
        case .quit: self.writeState()
        default: return
        }
    }

    private func stopRequested(by signal: Signal) {
        switch self.steps.stopRequested() {
        case .stopGracefully:
            self.log.announce("Stopping Flying Passenger (\(signal)); running requests are finished first")
            Notify.stopping()
            self.stopCore()
        case .hurry:
            self.log.announce("Hurrying to stop (\(signal))")
            self.signalCore(.terminate)
        case .endAtOnce:
            self.log.announce("Ending at once (\(signal))", severity: .warning)
            self.endAtOnce()
        case .ignored(let reason): self.ignored("stopRequested", reason)
        }
    }

    private func stopCore() {
        switch self.life.stopBegan() {
        case .tellCore:
            self.signalCore(.terminate)
            self.setAlarm(.coreHangs, after: self.options.process.shutdownTimeout + Self.stopAllowance)
        case .end(let code): self.exitCode = code
        case .ignored(let reason): self.ignored("stopBegan", reason)
        }
    }

    private func endAtOnce() {
        self.signalCore(.kill)
        // Blocks for as long as the kernel takes to end it; how it ended is of no interest.
        _ = try? self.core?.handle.waitForExit()
        self.core = nil
        Leftovers.endAll(sparing: self.abandonedCores)
        self.exitCode = 2
    }

    private func reopenLog() {
        do {
            try self.log.output.reopen()
            self.logger.notice("log opened anew")
        } catch {
            self.logger.error(
                "cannot open the log anew, going on in the old one",
                metadata: [LogKeys.error: "\(error)"]
            )
        }
        self.signalCore(.user1)
    }

    private func writeState() {
        self.log.announce(
            "state of the watchdog",
            metadata: self.coreMetadata.merging([
                "life": "\(self.life.state)", "stop": "\(self.steps.state)",
                "crashes": "\(self.life.backoff.crashesInARow)",
            ]) { $1 }
        )
        self.signalCore(.quit)
    }
}
