// SPDX-License-Identifier: MIT

/// One stream to an app process: who has it, and what its end means to them.
///
///     attaching ──attached──▶ busy ◀──began, answerTaken──▶ idle          any ──ended, closed, left──▶ closed
///
/// An owner hears of the end at most once: not if it was the one to end the stream.
package struct StreamMachine: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// The daemon was asked for it. Left by `attached`, `attachFailed`, `processGone`, `closed`, `left`.
        case attaching
        /// A request is on it. Left by `answerTaken`, `ended`, `closed`, `left`.
        case busy
        /// In the pool. Left by `began`, `bytesCame`, `ended`, `closed`, `left`.
        case idle
        case closed
    }

    /// How the bytes from the app ended.
    package enum End: Hashable, Sendable, CaseIterable {
        /// The app has shut its writing half, after it had read all that was sent.
        case endOfFile
        /// It ended with bytes in it that the app had not read, or did not take what was written (unix(7): ECONNRESET, EPIPE).
        case reset
        case broken
    }

    package private(set) var state = State.attaching
    /// It has carried a whole request and its answer before.
    package private(set) var isKept = false
    /// The app had not read all that was sent.
    package private(set) var wasReset = false
    /// Another request may follow an answer.
    private let isReusable: Bool

    package init(isReusable: Bool) { self.isReusable = isReusable }

    package enum AttachAction: Hashable, Sendable {
        case tellReady
        /// Nobody waits for it any more.
        case discard
    }

    /// The daemon has attached it.
    package mutating func attached() -> AttachAction {
        guard self.state == .attaching else { return .discard }
        self.state = .busy
        return .tellReady
    }

    package enum FailureAction: Hashable, Sendable {
        case tellFailed
        case none
    }

    /// There is no stream to be had; nothing was written.
    package mutating func attachFailed() -> FailureAction {
        guard self.state == .attaching else { return .none }
        self.state = .closed
        return .tellFailed
    }

    /// The process has ended: what it had still written is on its way, and the end of an open stream comes after it.
    package mutating func processGone() -> FailureAction { self.attachFailed() }

    /// Taken out of the pool for another request; false if it is not there any more.
    package mutating func began() -> Bool {
        guard self.state == .idle else { return false }
        self.state = .busy
        return true
    }

    package enum ReturnAction: Hashable, Sendable {
        case keep
        case close
        case none
    }

    /// The answer was read to its end; `isInStep`: another request may follow it.
    package mutating func answerTaken(isInStep: Bool) -> ReturnAction {
        guard self.state == .busy else { return .none }
        guard isInStep, self.isReusable else {
            self.state = .closed
            return .close
        }
        self.isKept = true
        self.state = .idle
        return .keep
    }

    package enum ReadAction: Hashable, Sendable {
        case deliver
        /// An app that speaks unasked is out of step.
        case close
        case drop
    }

    package mutating func bytesCame() -> ReadAction {
        switch self.state {
        case .busy: return .deliver
        case .idle:
            self.state = .closed
            return .close
        case .attaching, .closed: return .drop
        }
    }

    package enum EndAction: Hashable, Sendable {
        case tellClosed
        /// It was in the pool.
        case close
        case none
    }

    /// Nothing more comes from the app.
    package mutating func ended(_ end: End) -> EndAction {
        switch self.state {
        case .busy:
            self.wasReset = end == .reset
            self.state = .closed
            return .tellClosed
        case .idle:
            self.state = .closed
            return .close
        case .attaching, .closed: return .none
        }
    }

    package enum CloseAction: Hashable, Sendable {
        case close
        case none
    }

    /// Whoever has it ends it.
    package mutating func closed() -> CloseAction {
        guard self.state != .closed else { return .none }
        self.state = .closed
        return .close
    }
}
