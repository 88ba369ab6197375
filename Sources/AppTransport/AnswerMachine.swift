// SPDX-License-Identifier: MIT

/// The answer to one request on its way to the client, from whoever makes it.
///
///     state       began   body, writable   body, not writable   produced       spool emptied   broken, client gone
///     pending     open    ignored          ignored              –              –               ended
///     open        –       write            spooling             ended          –               ended
///     spooling    –       spool            spool                draining       open            ended
///     draining    –       ignored          ignored              –              ended           ended
///     tunnel      –       write            write                ended          –               ended
///
/// What a slow client does not take is spooled, so that the app is free as soon as it has produced its answer.
package struct AnswerMachine: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// No final head went out. Left by `began`, `upgraded`, `broken`.
        case pending
        /// The client takes what comes. Left by `bodyArrived`, `produced`, `broken`.
        case open
        /// Bytes wait for the client, and more will come. Left by `produced`, `spoolEmptied`, `broken`.
        case spooling
        /// Everything was produced, and bytes wait for the client. Left by `spoolEmptied`, `broken`.
        case draining
        /// Bytes both ways. Left by `produced`, `broken`.
        case tunnel
        case ended
    }

    package private(set) var state = State.pending

    package init() {}

    /// Bytes wait for the client, so that its time limit counts and not that of the app.
    package var isClientAwaited: Bool { state == .spooling || state == .draining }

    /// True if this is the one final head.
    package mutating func began() -> Bool {
        guard state == .pending else { return false }
        state = .open
        return true
    }

    package mutating func upgraded() -> Bool {
        guard state == .pending else { return false }
        state = .tunnel
        return true
    }

    package enum BodyAction: Equatable {
        case write
        /// Spool them; from now on the client is waited for.
        case beginSpooling
        case spool
        case ignored
    }

    package mutating func bodyArrived(isWritable: Bool) -> BodyAction {
        switch state {
        case .open where isWritable: return .write
        case .open:
            state = .spooling
            return .beginSpooling
        case .spooling: return .spool
        // Its source is slowed down instead.
        case .tunnel: return .write
        case .pending, .draining, .ended: return .ignored
        }
    }

    package enum ProducedAction: Equatable {
        case complete
        case awaitClient
        case ignored
    }

    /// The last byte of the answer is here.
    package mutating func produced() -> ProducedAction {
        switch state {
        case .open, .tunnel:
            state = .ended
            return .complete
        case .spooling:
            state = .draining
            return .awaitClient
        case .pending, .draining, .ended: return .ignored
        }
    }

    package enum EmptiedAction: Equatable {
        /// The client has caught up: the app's clock counts again.
        case goOn
        case complete
        case ignored
    }

    package mutating func spoolEmptied() -> EmptiedAction {
        switch state {
        case .spooling:
            state = .open
            return .goOn
        case .draining:
            state = .ended
            return .complete
        case .pending, .open, .tunnel, .ended: return .ignored
        }
    }

    /// The answer will never be complete, or nobody wants it; true the first time that it ends.
    package mutating func broken() -> Bool {
        guard state != .ended else { return false }
        state = .ended
        return true
    }
}
