// SPDX-License-Identifier: MIT

import AppTransport
import NIOCore
import WireProtocol

/// Requests whose stream ended before a byte of the answer came, until the daemon says why.
struct FateDesk {
    typealias Completion = (ExchangeMachine.Fate) -> Void

    private var waiting: [StreamNumber: Completion] = [:]

    mutating func add(_ stream: StreamNumber, _ completion: @escaping Completion) { waiting[stream] = completion }

    mutating func take(_ stream: StreamNumber) -> Completion? { waiting.removeValue(forKey: stream) }

    mutating func takeAll() -> [Completion] {
        defer { waiting = [:] }
        return Array(waiting.values)
    }
}

extension DaemonLink {
    func askFate(of stream: StreamNumber?, to process: ProcessID, completion: @escaping FateDesk.Completion) {
        guard let stream else { return completion(.ended) }
        switch askFate(of: stream, to: process) {
        case .unavailable: return completion(.ended)
        case .send(let message): send(message)
        }
        fates.add(stream, completion)
        eventLoop.assumeIsolated()
            .scheduleTask(in: .milliseconds(WireLimits.fateAnswerMilliseconds)) {
                self.fates.take(stream)?(.ended)
            }
    }

    func received(_ fate: StreamFate) {
        fates.take(fate.stream)?(ExchangeMachine.Fate(fate.verdict))
    }

    /// The connection has ended, and its answers with it.
    func fatesLost() {
        for completion in fates.takeAll() { completion(.daemonLost) }
    }
}

extension ExchangeMachine.Fate {
    init(_ verdict: StreamFate.Verdict) {
        switch verdict {
        case .ended: self = .ended
        case .alive: self = .alive
        case .unread: self = .unread
        }
    }
}
