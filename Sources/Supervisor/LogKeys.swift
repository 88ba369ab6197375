// SPDX-License-Identifier: MIT

import ProgramLog

/// The keys of log metadata in the daemon, each spelled once.
package enum LogKeys {
    package static let appRoot = "app-root"
    package static let backoff = "backoff"
    package static let count = "count"
    package static let errno = "errno"
    package static let error = "error"
    package static let errorID = "error-id"
    package static let event = "event"
    package static let exitCode = "exit-code"
    package static let front = "front"
    package static let generation = "generation"
    /// The app, by the name of its group; the front's lines use the same key.
    package static let group = "app"
    package static let host = "host"
    package static let journeyStep = "journey-step"
    package static let limit = "limit"
    package static let method = "method"
    package static let path = "path"
    package static let pid = "pid"
    package static let processes = "processes"
    package static let reason = LogLine.reasonKey
    package static let requestID = "request-id"
    package static let session = "session"
    package static let setting = "setting"
    package static let settings = "settings"
    package static let signal = "signal"
    package static let status = "status"
    package static let uid = "uid"
    package static let user = "user"
}
