// SPDX-License-Identifier: MIT

import ShownText

/// What the kernel refused to an app while a process of it started or served, as the counters of its control group tell.
package enum ReachedLimit: Hashable, Sendable {
    /// It ended a process for lack of memory; `most` is the limit in bytes, nil where it was the machine that had no more.
    case memory(most: Int?)
    /// It refused a process or thread.
    case processes(most: Int)

    /// "512m", as people write sizes.
    package static func text(ofBytes bytes: Int) -> String {
        if bytes % (1 << 20) == 0 { return "\(bytes >> 20)m" }
        return bytes % (1 << 10) == 0 ? "\(bytes >> 10)k" : "\(bytes)"
    }

    /// Why it has ended a process that nobody else has; nil: a refusal ends none.
    package var causeOfKill: String? {
        switch self {
        case .memory(let most?):
            "killed by the kernel: it is out of memory (passenger_memory_max \(Self.text(ofBytes: most)))"
        case .memory(nil): "killed by the kernel: it is out of memory"
        case .processes: nil
        }
    }

    fileprivate var summary: String {
        switch self {
        case .memory(let most?):
            "the application reached its limit of memory (passenger_memory_max \(Self.text(ofBytes: most))), and the kernel "
                + "ended a process of it"
        case .memory(nil): "the machine has no more memory, and the kernel ended a process of the application"
        case .processes(let most):
            "the application reached its limit of processes and threads (passenger_pids_max \(most))"
        }
    }

    fileprivate var kind: SpawnFailure.Kind {
        switch self {
        case .memory(_?), .processes: .limit
        case .memory(nil): .outOfMemory
        }
    }

    var remedies: [Remedy] {
        switch self {
        case .memory(let most?):
            [
                Remedy(
                    "If it needs more, raise the limit in the front's configuration, for example:",
                    configuration: "passenger_memory_max \(Self.text(ofBytes: Self.twice(most)));"
                )
            ]
        case .memory(nil): []
        case .processes(let most):
            [
                Remedy(
                    "Processes and threads of the whole application count. If it needs more, raise the limit in the front's "
                        + "configuration, for example:",
                    configuration: "passenger_pids_max \(Self.twice(most));"
                )
            ]
        }
    }

    private static func twice(_ number: Int) -> Int {
        let (product, overflow) = number.multipliedReportingOverflow(by: 2)
        return overflow ? number : product
    }
}

extension SpawnFailure.Cause {
    /// The same failure, of a start in which a limit was reached.
    ///
    /// Whoever knows of another cause is right: a process may be refused by the way.
    package func reaching(_ limit: ReachedLimit) -> SpawnFailure.Cause {
        var cause = self
        switch kind {
        case nil, .exception, .earlyExit, .outOfMemory, .resources, .timeout: cause.remedies = limit.remedies + remedies
        // What it might have been killed by is known now.
        case .killed: cause.remedies = limit.remedies
        default: return self
        }
        cause.kind = limit.kind
        cause.summary = "\(summary); \(limit.summary)"
        return cause
    }
}
