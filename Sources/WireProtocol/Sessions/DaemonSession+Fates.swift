// SPDX-License-Identifier: MIT

/// Why streams ended that were to bring an answer.
///
///     fateQuery ──streamLookedUp──▶ waiting ──fateTimePassed──▶ (answered); waits on while the process is ending
///         └─ too many are open ▶ (answered)   └─ unread, or no session of the process is left ▶ (answered)
extension DaemonSession {
    mutating func fateQuery(_ query: FateQuery) -> Action {
        guard self.features & WireFeature.streamFates != 0 else {
            return .violation(reason: "FateQuery was not negotiated")
        }
        guard self.fates[query.stream] == nil else { return .violation(reason: "the same fate asked for twice") }
        guard self.fates.count < WireLimits.openFateQueries else {
            return .send(.streamFate(StreamFate(stream: query.stream, verdict: .ended)))
        }
        self.fates[query.stream] = query.process
        return .fateQuery(query)
    }

    /// The process whose stream somebody asks about.
    package func fateAsked(of stream: StreamNumber) -> ProcessID? { self.fates[stream] }

    package enum FateAction: Hashable, Sendable {
        case send(DaemonMessage)
        /// Tell `fateTimePassed` after `WireLimits.fateMilliseconds`: the end of a process is known after that of its streams.
        case wait
        case ignored(reason: String)
    }

    /// The stream that a `FateQuery` named was looked at; `wasUnread`: the process left bytes of it unread.
    package mutating func streamLookedUp(_ stream: StreamNumber, wasUnread: Bool) -> FateAction {
        guard let process = self.fates[stream] else { return .ignored(reason: "nobody asks for the fate any more") }
        if !wasUnread, self.sessions(of: process) > 0 { return .wait }
        return .send(self.fate(of: stream, wasUnread ? .unread : .ended))
    }

    /// The process had its time to end; `isEnding`: it is past its last instruction, and only the word of its end is not here yet.
    package mutating func fateTimePassed(_ stream: StreamNumber, isEnding: Bool) -> FateAction {
        guard let process = self.fates[stream] else { return .ignored(reason: "nobody asks for the fate any more") }
        // Whoever asks holds a session, until the process has ended.
        if isEnding, self.sessions(of: process) > 0 { return .wait }
        return .send(self.fate(of: stream, self.sessions(of: process) > 0 ? .alive : .ended))
    }

    private mutating func fate(of stream: StreamNumber, _ verdict: StreamFate.Verdict) -> DaemonMessage {
        self.fates[stream] = nil
        return .streamFate(StreamFate(stream: stream, verdict: verdict))
    }
}
