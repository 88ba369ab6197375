// SPDX-License-Identifier: MIT

import ProgramLog

/// The keys of log metadata in the front, each spelled once.
enum LogKeys {
    static let address = "address"
    static let app = "app"
    static let count = "count"
    static let error = "error"
    static let file = "file"
    static let generation = "generation"
    static let path = "path"
    static let pid = "pid"
    static let reason = LogLine.reasonKey
    static let remedy = LogLine.remedyKey
    static let signal = "signal"
    static let socket = "socket"
    static let status = "status"
    static let user = "user"
}
