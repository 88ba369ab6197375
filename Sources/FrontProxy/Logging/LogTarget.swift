// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import ProgramLog
import ShownText

extension StartError {
    /// With what to do about a log that cannot be opened.
    init(_ text: String, because problem: SinkProblem) {
        self.init((["\(text): \(problem.reason)"] + problem.remedies.map(\.description)).joined(separator: "\n  "))
    }
}

extension LogScale {
    /// What nginx writes at a level of `error_log`.
    init(_ level: ErrorLogLevel) {
        let number =
            switch level {
            case .debug: 6
            case .info: 4
            case .notice: 3
            case .warn: 2
            case .error: 1
            case .crit, .alert, .emerg: 0
            }
        self = LogScale(number) ?? .standard
    }
}
