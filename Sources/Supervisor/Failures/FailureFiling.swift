// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import SpawnPlan
import WireProtocol

/// The app that a failure is of, as it is configured now.
struct FailedApp: Sendable {
    let key: GroupKey
    let settings: AppSettings
}

/// Makes of a failure what log, status, fronts and the details file say about it.
struct FailureFiling: Sendable {
    /// nil: there are no details files.
    let files: DetailsFiles?

    struct Outcome: Sendable {
        let filed: FiledFailure
        /// For the log.
        let report: FailureReport
        /// Why there is no details file although there should be one.
        let fileProblem: String?
    }

    /// Asks the account database and writes to the disk, so it may take any time.
    func file(_ failure: SpawnFailure, of app: FailedApp, at time: FailureTime) -> Outcome {
        let names = Self.groupNames(of: failure.context.identity)
        return self.filed(failure, of: app, at: time, groupNames: names, writesFile: true)
    }

    /// Asks and writes nothing.
    func fileAtOnce(_ failure: SpawnFailure, of app: FailedApp, at time: FailureTime) -> Outcome {
        self.filed(failure, of: app, at: time, groupNames: [:], writesFile: false)
    }

    private func filed(
        _ failure: SpawnFailure,
        of app: FailedApp,
        at time: FailureTime,
        groupNames: [UInt32: String],
        writesFile: Bool
    ) -> Outcome {
        let diagnosis = FailureDiagnosis(failure, settings: app.settings)
        let report = FailureReport(
            failure,
            of: app,
            diagnosis,
            time: time.microseconds,
            groupNames: groupNames,
            machine: MachineFacts()
        )
        var filed = FiledFailure(failure, diagnosis.kind, at: time)
        filed.details = report.json().map { ByteBuffer(bytes: $0) }
        var problem: String?
        // Asked for again with every request, empty app roots would drive the files of others out.
        if let files, failure.category != .noApplication {
            if writesFile {
                do throws(SystemError) {
                    filed.file = try files.write(report.text(), errorID: report.errorID)
                } catch {
                    // Without the name of the file: the same trouble is the same words.
                    let general = SystemError(call: error.call, code: error.code, subject: files.directory)
                    problem = general.description
                }
            } else {
                problem = "the disk, or the account database, does not answer"
            }
        }
        return Outcome(filed: filed, report: report, fileProblem: problem)
    }

    private static func groupNames(of identity: RunningIdentity?) -> [UInt32: String] {
        let accounts = SystemAccounts()
        var names: [UInt32: String] = [:]
        for gid in identity?.groups.prefix(128) ?? [] {
            // A number does where the database does not answer.
            if let name = (try? accounts.groupName(gid: gid)) ?? nil { names[gid] = name }
        }
        return names
    }
}
