// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import ShownText
import SpawnPlan
import WireProtocol

/// Makes of an incident what log, status, fronts and the details file say about it.
struct FailureFiling: Sendable {
    /// nil: there are no details files.
    let files: DetailsFiles?
    private static let lastLineBytes = 256

    /// Asks the account database and writes to the disk, so it may take any time.
    func file(_ incident: FailureIncident) -> FiledFailure {
        self.filed(incident, groupNames: Self.groupNames(of: incident.failure.identity), writesFile: true)
    }

    /// Asks and writes nothing.
    func fileAtOnce(_ incident: FailureIncident) -> FiledFailure {
        self.filed(incident, groupNames: [:], writesFile: false)
    }

    private func filed(
        _ incident: FailureIncident,
        groupNames: [UInt32: String],
        writesFile: Bool
    ) -> FiledFailure {
        let diagnosis = FailureDiagnosis(incident.failure, settings: incident.settings)
        let report = FailureReport(incident, diagnosis, groupNames: groupNames, machine: MachineFacts())
        var file: String?
        var problem: String?
        if let files, incident.isFiled {
            if writesFile {
                do throws(SystemError) {
                    file = try files.write(report.text(), errorID: report.errorID)
                } catch {
                    // Without the name of the file: the same trouble is the same words.
                    let general = SystemError(call: error.call, code: error.code, subject: files.directory)
                    problem = general.description
                }
            } else {
                problem = "the disk, or the account database, does not answer"
            }
        }
        return FiledFailure(
            brief: Self.brief(report, incident.failure, diagnosis),
            json: report.json().map { ByteBuffer(bytes: $0) },
            file: file,
            fileProblem: problem
        )
    }

    private static func brief(
        _ report: FailureReport,
        _ failure: SpawnFailure,
        _ diagnosis: FailureDiagnosis
    ) -> FiledFailure.Brief {
        // Behind an exception stands its backtrace, and the summary says more.
        let last = report.detail.isEmpty ? report.output.split(separator: "\n").last.map(String.init) ?? "" : ""
        return FiledFailure.Brief(
            errorID: report.errorID,
            category: failure.category,
            kind: diagnosis.kind,
            step: report.failedStep,
            summary: report.summary,
            firstRemedy: report.remedies.first,
            userName: failure.identity?.userName,
            userReason: failure.identity?.reason,
            lastLine: last.clamped(toUTF8: Self.lastLineBytes)
        )
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
