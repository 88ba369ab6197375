// SPDX-License-Identifier: MIT

import AppSettings

/// What the kernel lets the processes of one app have together.
package struct ProcessLimits: Hashable, Sendable {
    /// Bytes; nil: no limit.
    package let memory: Int?
    /// Processes and threads; nil: no limit.
    package let processes: Int?

    package init(memory: Int? = nil, processes: Int? = nil) {
        self.memory = memory
        self.processes = processes
    }

    /// Those of an app, else those that the daemon has for all; 0 lifts the latter.
    init(_ settings: AppSettings, standard: ProcessLimits) {
        self.init(
            memory: settings.memoryMax.map { $0 == 0 ? nil : $0 } ?? standard.memory,
            processes: settings.pidsMax.map { $0 == 0 ? nil : $0 } ?? standard.processes
        )
    }

    var isEmpty: Bool { self.memory == nil && self.processes == nil }

    /// Near the limit processes are slowed down and give back what they can before one is ended.
    var memoryHigh: Int? { self.memory.map { $0 - $0 / 16 } }
}
