// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import ProgramLog

extension LogFile {
    /// A log of the configuration: a file, or standard output or error by their names below `/dev`.
    ///
    /// Those are taken as they are, because a socket (the journal's) cannot be opened by its name.
    static func opening(_ path: String, mode: UInt32) throws(SystemError) -> LogFile {
        switch path {
        case "/dev/stdout": LogFile(try Descriptor.duplicating(1))
        case "/dev/stderr": try .standardError()
        default: try LogFile(path: path, mode: mode)
        }
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
