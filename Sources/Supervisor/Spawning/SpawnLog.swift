// SPDX-License-Identifier: MIT

import Logging
import SpawnPlan

/// Writes down why a process did not come up.
enum SpawnLog {
    static func write(_ failure: SpawnFailure, of request: SpawnRequest, to logger: Logger) {
        switch failure.category {
        case .cancelled: logger.info("spawn given up", metadata: [LogKeys.group: "\(request.key)"])
        case .noApplication:
            logger.warning(
                "no application found",
                metadata: [LogKeys.group: "\(request.key)", LogKeys.reason: "\(failure.summary)"]
            )
        case .internal, .fileSystem, .operatingSystem, .io, .timeout, .app, .configuration:
            logger.error("process could not be started", metadata: self.facts(failure, request))
        }
    }

    private static func facts(_ failure: SpawnFailure, _ request: SpawnRequest) -> Logger.Metadata {
        var facts: Logger.Metadata = [
            LogKeys.group: "\(request.key)",
            LogKeys.errorID: "\(failure.id)",
            LogKeys.category: "\(failure.category.rawValue)",
            LogKeys.journeyStep: "\(failure.step.rawValue)",
            LogKeys.reason: "\(failure.summary)",
        ]
        if let identity = failure.identity {
            facts[LogKeys.user] = "\(identity.userName)"
            facts[LogKeys.userReason] = "\(identity.reason)"
        }
        if !failure.remedies.isEmpty { facts[LogKeys.remedy] = "\(Self.joined(failure.remedies))" }
        if !failure.output.isEmpty { facts[LogKeys.output] = "\(failure.output)" }
        return facts
    }

    /// Commands end without a full stop, so that they can be copied.
    private static func joined(_ remedies: [String]) -> String {
        remedies.enumerated().map { index, remedy in
            if index == remedies.count - 1 { return remedy }
            return remedy.hasSuffix(".") ? remedy + " " : remedy + "; "
        }.joined()
    }
}

extension LogKeys {
    static let category = "category"
    static let output = "output"
    static let remedy = "remedy"
    static let userReason = "user-reason"
}
