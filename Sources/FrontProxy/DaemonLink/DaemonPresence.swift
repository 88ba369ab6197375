// SPDX-License-Identifier: MIT

import Logging
import Synchronization

/// What all links of a process know of the daemon, so that its going and coming makes one log line each.
final class DaemonPresence: Sendable {
    private let news: Mutex<PresenceNews>
    private let logger: Logger
    private let socketPath: String

    init(socketPath: String, logger: Logger) {
        self.socketPath = socketPath
        self.logger = logger
        news = Mutex(PresenceNews())
    }

    func connected(product: String, atMilliseconds now: Int64) {
        guard case .log(let hidden) = news.withLock({ $0.connected(at: now) }) else { return }
        logger.notice(
            "connected to the daemon",
            metadata: metadata(hidden: hidden).merging(["product": "\(product)"]) { $1 }
        )
    }

    func lost(reason: String, atMilliseconds now: Int64) {
        guard case .log(let hidden) = news.withLock({ $0.lost(at: now) }) else { return }
        logger.warning(
            "no connection to the daemon, trying again until there is one",
            metadata: metadata(hidden: hidden).merging([LogKeys.reason: "\(reason)"]) { $1 }
        )
    }

    private func metadata(hidden: Int) -> Logger.Metadata {
        var metadata: Logger.Metadata = [LogKeys.socket: "\(socketPath)"]
        if hidden > 0 { metadata["changes-not-logged"] = "\(hidden)" }
        return metadata
    }
}

/// Decides which changes are worth a line: a loss, at most one per second, and the return after a loss that was logged.
struct PresenceNews {
    enum Action: Equatable {
        /// `hidden` changes before this one were not logged.
        case log(hidden: Int)
        case nothing
    }

    private enum State { case unknown, present, absent }

    /// A daemon that comes and goes faster than this is one story.
    private static let quietMilliseconds: Int64 = 1_000
    private var state = State.unknown
    private var logged = State.unknown
    private var lastLoss: Int64?
    private var hidden = 0

    mutating func connected(at now: Int64) -> Action {
        note(.present)
        guard logged != .present else { return .nothing }
        return log(.present)
    }

    mutating func lost(at now: Int64) -> Action {
        note(.absent)
        guard logged != .absent else { return .nothing }
        if let lastLoss, now - lastLoss < Self.quietMilliseconds { return .nothing }
        lastLoss = now
        return log(.absent)
    }

    private mutating func note(_ new: State) {
        guard state != new else { return }
        state = new
        hidden += 1
    }

    private mutating func log(_ new: State) -> Action {
        defer { hidden = 0 }
        logged = new
        return .log(hidden: hidden - 1)
    }
}
