// SPDX-License-Identifier: MIT

import FrontConfiguration
import HTTPFraming
import Logging
import NIOCore
import WireProtocol

extension AppExchange {
    /// What the log says about the exchange beside the error itself.
    var facts: Logger.Metadata {
        var facts: Logger.Metadata = [:]
        if let app = self.request?.app { facts[RequestLogKeys.group] = .string(app.groupName) }
        if let pid = self.pid { facts[RequestLogKeys.pid] = .stringConvertible(pid) }
        if let session = self.grant?.session { facts[RequestLogKeys.session] = .stringConvertible(session) }
        return facts
    }

    func note(_ message: Logger.Message, _ level: Logger.Level, _ metadata: Logger.Metadata) {
        self.loop.logger.log(level: level, message, metadata: self.facts.merging(metadata) { $1 })
    }

    /// Gives the session back as failed, and answers the client once the end of the process is known, or not soon.
    ///
    /// End of file on the stream comes a moment before the daemon's word on exit code or signal.
    func explain(
        _ error: RequestError,
        then finish: @escaping (ClientConnectionHandler, Logger.Metadata) -> Void
    ) {
        var facts = self.facts
        let process = self.grant?.process
        let serial = self.serial
        self.release(error.isOurs ? .unused : .upstreamFailed)
        guard let process, error.source == .upstream else {
            if let client = self.client { finish(client, facts) }
            return
        }
        self.loop.streams.whenKnown(process, within: Self.causeLimit) { fate in
            facts[RequestLogKeys.cause] = .string(Self.describe(fate))
            guard serial == self.serial, let client = self.client else { return }
            finish(client, facts)
        }
    }

    private static func describe(_ fate: StreamPool.Fate) -> String {
        switch fate {
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
    static let group = "group"
    static let pid = "pid"
    static let session = "session"
    static let cause = "cause"
    static let reason = "reason"
    static let client = "client"
    static let status = "status"
    static let errorID = "error-id"
}
