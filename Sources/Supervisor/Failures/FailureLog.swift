// SPDX-License-Identifier: MIT

import Logging
import ShownText
import SpawnPlan

/// Writes down what failed: everything that leads on from there, in one line of bounded length.
///
/// What an app printed is in the log already, line by line.
enum FailureLog {
    static func write(_ filed: FiledFailure, of group: GroupKey, to logger: Logger, _ more: Logger.Metadata = [:]) {
        let brief = filed.brief
        var facts = more
        facts[LogKeys.group] = "\(group)"
        facts[LogKeys.errorID] = "\(brief.errorID)"
        facts[LogKeys.reason] = "\(brief.summary)"
        if let remedy = brief.firstRemedy {
            facts[LogKeys.remedy] = "\(remedy.text)"
            // Apart, so that no sentence passes for something to be typed.
            if let command = remedy.command { facts[LogKeys.command] = "\(command)" }
        }
        guard brief.category != .noApplication else {
            logger.warning("no application found", metadata: facts)
            return
        }
        facts[LogKeys.category] = "\(brief.category.rawValue)"
        facts[LogKeys.kind] = "\(brief.kind.rawValue)"
        if !brief.step.isEmpty { facts[LogKeys.journeyStep] = "\(brief.step)" }
        if let user = brief.userName { facts[LogKeys.user] = "\(user)" }
        if let reason = brief.userReason { facts[LogKeys.userReason] = "\(reason)" }
        if !brief.lastLine.isEmpty { facts[LogKeys.lastOutput] = "\(brief.lastLine)" }
        if let file = filed.file { facts[LogKeys.details] = "\(file)" }
        if brief.kind == .crash {
            logger.warning("process ended without having been asked to", metadata: facts)
        } else {
            logger.error("process could not be started", metadata: facts)
        }
    }
}

extension LogKeys {
    static let category = "category"
    /// Path of the details file.
    static let details = "details"
    static let kind = "kind"
    static let remedy = "remedy"
    static let userReason = "user-reason"
}
