// SPDX-License-Identifier: MIT

/// A file of `access_log` and how lines are collected for it.
package struct AccessLogModel: Sendable, Hashable {
    /// Absolute; `/dev/stdout` and `/dev/stderr` are descriptors 1 and 2.
    package let path: String
    /// Lines are written once they have this many bytes (`buffer=`); nil: a size of our own.
    package let bufferBytes: Int?
    /// Lines wait no longer than this (`flush=`); nil: a time of our own.
    package let flushTime: Duration?

    package init(path: String, bufferBytes: Int? = nil, flushTime: Duration? = nil) {
        self.path = path
        self.bufferBytes = bufferBytes
        self.flushTime = flushTime
    }
}

/// The levels of `error_log`, from the one that says most to the one that says least.
package enum ErrorLogLevel: String, Sendable, Hashable, CaseIterable {
    case debug
    case info
    case notice
    case warn
    case error
    case crit
    case alert
    case emerg
}
