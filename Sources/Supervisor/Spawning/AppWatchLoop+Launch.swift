// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan

extension AppWatchLoop {
    /// Reads what `flying-passenger-exec` has said by now: at most `LaunchRecords.maxBytes` ever.
    func readLaunch(_ app: WatchedApp, _ serial: UInt64) {
        while let report = app.launchReport {
            switch try? Transfers.read(report.rawValue, into: self.chunk) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: self.chunk[..<count])
                do throws(LaunchFailure) {
                    for record in try app.launchRecords.received(bytes) { self.take(record, app, serial) }
                } catch {
                    self.launchFailed(error, app, serial)
                }
            case .wouldBlock: return
            case .endOfStream, nil:
                self.forget(&app.launchReport)
                self.programStarted(app)
            }
        }
    }

    private func take(_ record: LaunchRecord, _ app: WatchedApp, _ serial: UInt64) {
        switch record {
        case .step(let name, let moment):
            app.handshake.launchStepBegan(name, at: app.facts.clock.moment(moment))
            if name == LaunchRecord.executeStep { app.startsProbing() }
        case .variable(let name, let value): app.environment.append(EnvironmentVariable(name: name, value: value))
        case .limit(let name, let limit): app.limits.append(SpawnFailure.ReportedLimit(name, limit))
        case .failed(let failure): self.launchFailed(failure, app, serial)
        }
    }

    private func launchFailed(_ failure: LaunchFailure, _ app: WatchedApp, _ serial: UInt64) {
        self.forget(&app.launchReport)
        var diagnosis = app.facts.diagnosis
        diagnosis.searchPath = app.environment.last { $0.name == "PATH" }?.value
        let problem = diagnosis.problem(failure)
        let told = Handshake.Failure(
            category: problem.category,
            kind: problem.kind,
            step: problem.step ?? app.handshake.journey.current,
            summary: problem.summary,
            remedies: problem.remedies
        )
        self.perform(app.handshake.launchFailed(told, at: app.now), app, serial)
    }

    /// The report has ended: by the program, or with a helper that died, of which the pidfd tells.
    private func programStarted(_ app: WatchedApp) {
        app.startsProbing()
        let first: Journey.Step = app.facts.program.readiness == .listening ? .listen : .loader
        app.handshake.programStarted(first, at: app.now)
    }
}

extension SpawnFailure.ReportedLimit {
    fileprivate init(_ name: String, _ limit: Limits.Limit) {
        self.init(name: name, soft: Self.number(limit.soft), hard: Self.number(limit.hard))
    }

    private static func number(_ value: UInt64) -> UInt64? { value == Limits.unlimited ? nil : value }
}

extension ProcessEnd {
    init(_ status: ExitStatus?) {
        self =
            switch status {
            case .exited(let code): .exited(code)
            case .signaled(let number, let coreDumped):
                .signaled(Signal(rawValue: number).description, coreDumped: coreDumped)
            case nil: .unknown
            }
    }
}
