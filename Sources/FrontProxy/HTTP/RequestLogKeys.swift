// SPDX-License-Identifier: MIT

extension StreamPool.Fate: CustomStringConvertible {
    var description: String {
        switch self {
        case .notEnded: "the process has not ended"
        case .daemonLost: "the connection to the daemon was lost"
        case .ended(let end):
            switch (end.exitCode, end.signal) {
            case (let code?, _): "the process exited with code \(code)"
            case (nil, let signal?): "the process was ended by signal \(signal)"
            case (nil, nil): "the process has ended"
            }
        }
    }
}

/// Keys of log metadata about requests.
enum RequestLogKeys {
    static let app = "app"
    static let host = "host"
    static let method = "method"
    static let path = "path"
    static let sentBytes = "sent-bytes"
    static let pid = "pid"
    static let session = "session"
    static let cause = "cause"
    static let reason = LogKeys.reason
    static let client = "client"
    static let status = "status"
    static let errorID = "error-id"
}
