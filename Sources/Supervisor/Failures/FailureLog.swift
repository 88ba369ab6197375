// SPDX-License-Identifier: MIT

import Logging
import ProgramLog
import ShownText
import SpawnPlan
import WireProtocol

/// Writes down what failed: everything that leads on from there, in one line of bounded length.
///
/// What an app printed is in the log already, line by line.
enum FailureLog {
    private static let lastLineBytes = 256

    static func write(
        _ outcome: FailureFiling.Outcome,
        of group: GroupKey,
        to logger: Logger,
        _ more: Logger.Metadata = [:]
    ) {
        let (filed, report) = (outcome.filed, outcome.report)
        var facts = more
        facts[LogKeys.group] = "\(group)"
        facts[LogKeys.errorID] = "\(filed.id)"
        facts[LogKeys.reason] = "\(filed.summary)"
        if let remedy = report.remedies.first { facts[LogKeys.remedy] = "\(remedy.inLine)" }
        guard filed.category != .noApplication else {
            logger.warning("no application found", metadata: facts)
            return
        }
        facts[LogKeys.category] = "\(filed.category.rawValue)"
        facts[LogKeys.kind] = "\(filed.kind.rawValue)"
        if !report.failedStep.isEmpty { facts[LogKeys.journeyStep] = "\(report.failedStep)" }
        if let user = report.user {
            facts[LogKeys.user] = "\(user.name)"
            facts[LogKeys.userReason] = "\(user.reason)"
        }
        if let line = self.lastLine(of: report) { facts[LogKeys.lastOutput] = "\(line)" }
        if let file = filed.file { facts[LogKeys.details] = "\(file)" }
        if filed.kind == .crash {
            logger.warning("process ended without having been asked to", metadata: facts)
        } else {
            logger.error("process could not be started", metadata: facts)
        }
    }

    /// The last that the process said; after an exception stands its backtrace, and the summary says more.
    private static func lastLine(of report: FailureReport) -> String? {
        guard report.detail.isEmpty else { return nil }
        return LastWords.line(of: report.output)?.clamped(toUTF8: self.lastLineBytes)
    }
}

extension LogKeys {
    static let category = "category"
    /// Path of the details file.
    static let details = "details"
    static let kind = "kind"
    static let remedy = LogLine.remedyKey
    static let userReason = "user-reason"
}
