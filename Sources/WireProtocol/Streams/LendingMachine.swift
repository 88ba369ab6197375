// SPDX-License-Identifier: MIT

/// What becomes of an app's socket that was handed over to a front, and of which the daemon keeps a duplicate.
///
///     offered ──taken──▶ lent ──hungUp──▶ closed
///        │                 ├──abandoned──────────────────────▶ draining ──drainedToEnd, deadlineReached──▶ closed
///        │                 └──frontLost──▶ orphaned ──frontEnded──▶ draining
///        │                                     ├──hungUp──▶ closed
///        │                                     └──deadlineReached──▶ draining (the front has shut its writing half)
///        └──offerEnded──▶ closed                                     or closed (the front hangs: it is shut for it)
///
/// The daemon never reads while a front may: the two would take bytes from each other. So it does only after the front has said
/// that it does not any more, has ended, or has shut its writing half and kept silent for long.
package struct LendingMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// Sent; the front has not said that it has the socket. Left by all events but `deadlineReached`, which ends it, too.
        case offered
        /// The front writes and reads. Left by `hungUp`, `abandoned`, `frontLost`, `processGone`, `unused`.
        case lent
        /// The front lives, without its control connection. Left by `hungUp`, `frontEnded`, `deadlineReached`, `processGone`.
        case orphaned
        /// Nobody wants what the app still says. Left by `drainedToEnd`, `deadlineReached`, `processGone`.
        case draining
        case closed
    }

    package enum Action: Hashable, Sendable {
        case none
        /// The connection over which the socket was sent is of no more use.
        case closeOffer
        /// Shut the writing half, and read to the end, for as long as an app may take.
        case drain
        /// Wait for the end of the front's process, or for it to shut its streams.
        case waitForFront
        /// Shut both halves before closing the duplicate: nobody else does.
        case shutAndClose
        /// Close the duplicate: both halves are shut already.
        case close
    }

    package private(set) var state = State.offered

    package init() {}

    /// Nobody waits for the answer any more; its session ends with the stream.
    package var isLeft: Bool { self.state == .orphaned || self.state == .draining }

    /// The front has the socket.
    package mutating func taken() -> Action {
        switch self.state {
        case .offered:
            self.state = .lent
            return .closeOffer
        // It was lost, or gave up the session, in the meantime.
        case .orphaned, .draining: return .closeOffer
        case .lent, .closed: return .none
        }
    }

    /// The front has closed the connection without a word: the socket was lost on its way.
    package mutating func offerEnded() -> Action {
        switch self.state {
        case .offered: self.close(.shutAndClose)
        // The connection was all that could have told whether the front has the socket.
        case .orphaned, .draining: .closeOffer
        case .lent, .closed: .none
        }
    }

    /// Both halves are shut: the front has ended the stream, or the app has closed it.
    package mutating func hungUp() -> Action {
        switch self.state {
        case .offered, .lent, .orphaned: self.close(.close)
        // What the app said before it closed is read first; `drainedToEnd` follows.
        case .draining, .closed: .none
        }
    }

    /// The front has closed its descriptor, and leaves the rest of the answer to the daemon.
    package mutating func abandoned() -> Action {
        switch self.state {
        case .offered, .lent:
            self.state = .draining
            return .drain
        case .orphaned, .draining, .closed: return .none
        }
    }

    /// The control connection of the front has ended.
    package mutating func frontLost(hasEnded: Bool) -> Action {
        switch self.state {
        case .offered, .lent:
            self.state = hasEnded ? .draining : .orphaned
            return hasEnded ? .drain : .waitForFront
        case .orphaned, .draining, .closed: return .none
        }
    }

    /// The process of the front has ended.
    package mutating func frontEnded() -> Action {
        switch self.state {
        case .orphaned:
            self.state = .draining
            return .drain
        case .offered, .lent, .draining, .closed: return .none
        }
    }

    /// The time of the state is over; `isShutForWriting`: somebody has shut that half of the socket.
    package mutating func deadlineReached(isShutForWriting: Bool) -> Action {
        switch self.state {
        case .offered: self.close(.shutAndClose)
        case .orphaned where isShutForWriting: self.drain()
        case .orphaned, .draining: self.close(.shutAndClose)
        case .lent, .closed: .none
        }
    }

    /// The process has ended: what it had written can still be read, and somebody who inherited the socket adds nothing to it.
    package mutating func processGone() -> Action { self.state == .closed ? .none : self.close(.shutAndClose) }

    /// Nobody holds a session of the process over that connection, and it gets no new ones.
    package mutating func unused() -> Action {
        switch self.state {
        case .offered, .lent: self.close(.shutAndClose)
        // A session that its front has left goes on until the app is done.
        case .orphaned, .draining, .closed: .none
        }
    }

    /// The app has closed, or was read to its end.
    package mutating func drainedToEnd() -> Action { self.state == .draining ? self.close(.shutAndClose) : .none }

    private mutating func drain() -> Action {
        self.state = .draining
        return .drain
    }

    private mutating func close(_ action: Action) -> Action {
        self.state = .closed
        return action
    }
}
