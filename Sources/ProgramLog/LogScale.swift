// SPDX-License-Identifier: MIT

package import Logging

/// The 0–7 scale of `--log-level`: 0 critical, 1 error, 2 warning, 3 notice, 4 info, 5 and 6 debug, 7 trace.
package struct LogScale: Hashable, Sendable {
    package static let standard = LogScale(level: 3)

    /// In 0...7.
    package let number: Int

    /// Fails for numbers outside the scale.
    package init?(_ number: Int) {
        guard (0...7).contains(number) else { return nil }
        self.number = number
    }

    private init(level: Int) {
        self.number = level
    }

    /// The least severe swift-log level that is still written.
    package var threshold: Logger.Level {
        switch self.number {
        case 0: .critical
        case 1: .error
        case 2: .warning
        case 3: .notice
        case 4: .info
        case 5, 6: .debug
        default: .trace
        }
    }

    /// What `--help` says, including the comparison with Passenger 4.
    package static let explanation = """
        0 = critical errors only, 1 = errors, 2 = warnings, 3 = notices (default), 4 = informational, \
        5 and 6 = debugging, 7 = everything. Start and stop are logged at every level. Passenger 4 had another \
        scale, from 0 (its default) to 3, where a higher number meant more detail: its 0 is about 3 here, its 1 is 4, \
        its 2 is 5 and its 3 is 7.
        """
}

/// The severity words of Ruby's Logger.
package enum Severity: String, Sendable {
    case fatal = "FATAL"
    case error = "ERROR"
    case warning = "WARN"
    case info = "INFO"
    case debug = "DEBUG"

    package init(_ level: Logger.Level) {
        switch level {
        case .critical: self = .fatal
        case .error: self = .error
        case .warning: self = .warning
        case .notice, .info: self = .info
        case .debug, .trace: self = .debug
        }
    }
}

/// What the journal knows of a line's severity, written `<N>` in front of it (sd-daemon(3)).
package enum JournalPriority: Int, Sendable {
    case critical = 2
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    package init(_ level: Logger.Level) {
        switch level {
        case .critical: self = .critical
        case .error: self = .error
        case .warning: self = .warning
        case .notice: self = .notice
        case .info: self = .info
        case .debug, .trace: self = .debug
        }
    }

    /// Of a line that is written whatever the level is: start and stop are notices.
    init(_ severity: Severity) {
        switch severity {
        case .fatal: self = .critical
        case .error: self = .error
        case .warning: self = .warning
        case .info: self = .notice
        case .debug: self = .debug
        }
    }

    /// `<5>`.
    var prefix: [UInt8] { Array("<\(rawValue)>".utf8) }
}
