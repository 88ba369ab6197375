// SPDX-License-Identifier: MIT

/// The client side of one connection: which bytes mean what, and what becomes of it after each answer.
///
///     state        bytes      head        body done   answer done                  input ended      drain
///     idle         → head     → answering                                          close            close after grace
///     head         parse      → answering                                          close            finish the request
///     answering    body/keep                          → idle · lingering · closed  answer, close    last answer
///     tunnel       tunnel                             → closed                     half-close
///     lingering    drop                                                            close            close
///
/// One request at a time: bytes of the next one stay buffered until the answer is complete. No bytes and no clock here.
package struct ConnectionMachine: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// No byte of a request is here. Left by `bytesArrived`, `inputEnded`, `drainingBegan`, `closed`.
        case idle
        /// Part of a head is here. Left by `headCompleted`, `headFailed`, `inputEnded`, `closed`.
        case head
        /// A request is being read or answered. Left by `answerCompleted`, `answerBroken`, `upgraded`, `closed`.
        case answering(Answering)
        /// Bytes both ways, no HTTP. Left by `closed`.
        case tunnel
        /// Answered, but the client still sends: dropped, so that it can read the answer. Left by `inputEnded`, `closed`.
        case lingering
        case closed
    }

    package struct Answering: Equatable, Sendable {
        /// The client and the request allow another request behind this one.
        package fileprivate(set) var keepsAlive: Bool
        package fileprivate(set) var body: Body
        /// The head of the answer went out; nothing else may be answered any more.
        package fileprivate(set) var answerBegun = false
    }

    package enum Body: Equatable, Sendable {
        case reading, complete
    }

    package private(set) var state = State.idle
    package private(set) var isDraining = false
    /// The client has shut its side: answer what is here, expect nothing more.
    package private(set) var hasInputEnded = false

    package init() {}

    package var isIdle: Bool { self.state == .idle }

    package var isReadingBody: Bool {
        if case .answering(let answering) = self.state { answering.body == .reading } else { false }
    }

    package var isAnswering: Bool {
        if case .answering = self.state { true } else { false }
    }

    package var hasAnswerBegun: Bool {
        if case .answering(let answering) = self.state { answering.answerBegun } else { false }
    }

    /// What the answer's head promises; asked once, when it is written.
    package var keepsAlive: Bool {
        guard case .answering(let answering) = self.state else { return false }
        return answering.keepsAlive && !self.isDraining
    }

    package enum InputAction: Equatable {
        /// Try to complete a head.
        case parseHead
        /// Bytes of the body of the request under way.
        case readBody
        /// Of the next request: leave them where they are.
        case keep
        case tunnel
        case drop
    }

    package mutating func bytesArrived() -> InputAction {
        switch self.state {
        case .idle:
            self.state = .head
            return .parseHead
        case .head: return .parseHead
        case .answering(let answering): return answering.body == .reading ? .readBody : .keep
        case .tunnel: return .tunnel
        case .lingering, .closed: return .drop
        }
    }

    package mutating func headCompleted(allowsKeepAlive: Bool, hasBody: Bool) {
        guard self.state == .head else { return }
        self.state = .answering(Answering(keepsAlive: allowsKeepAlive, body: hasBody ? .reading : .complete))
    }

    /// The head breaks a rule: nothing behind it can be trusted, it is answered and the connection ends.
    package mutating func headFailed() {
        guard self.state == .head else { return }
        self.state = .answering(Answering(keepsAlive: false, body: .reading))
    }

    package mutating func bodyCompleted() {
        guard case .answering(var answering) = self.state else { return }
        answering.body = .complete
        self.state = .answering(answering)
    }

    package mutating func answerBegun() {
        guard case .answering(var answering) = self.state else { return }
        // The promise of the head is kept, whatever happens until the answer is complete.
        answering.keepsAlive = self.keepsAlive
        // A body that nobody will read makes what follows it unusable.
        if answering.body == .reading { answering.keepsAlive = false }
        answering.answerBegun = true
        self.state = .answering(answering)
    }

    /// The answer ends by the end of the connection, or promised it in its own words.
    package mutating func answerEndsConnection() {
        guard case .answering(var answering) = self.state else { return }
        answering.keepsAlive = false
        self.state = .answering(answering)
    }

    package enum AnswerAction: Equatable {
        /// Look for the next request among the bytes that are here.
        case nextRequest
        case close
        /// Shut the output side, drop what comes, close when it ends or a time limit strikes (RFC 9112 §9.6).
        case linger
        case none
    }

    package mutating func answerCompleted() -> AnswerAction {
        switch self.state {
        case .answering(let answering):
            if answering.keepsAlive, answering.body == .complete {
                self.state = .idle
                return .nextRequest
            }
            if answering.body == .reading, !self.hasInputEnded {
                self.state = .lingering
                return .linger
            }
            self.state = .closed
            return .close
        case .tunnel:
            self.state = .closed
            return .close
        case .idle, .head, .lingering, .closed: return .none
        }
    }

    /// The answer cannot be completed: the end of the connection must show that (no final chunk).
    package mutating func answerBroken() {
        self.state = .closed
    }

    package mutating func upgraded() {
        guard case .answering = self.state else { return }
        self.state = .tunnel
    }

    package enum EndAction: Equatable {
        case close
        /// The request under way is whole: it gets its answer (spec §2.11, half-closed clients).
        case answerThenClose
        /// Its body will never be complete.
        case abandonThenClose
        case halfClose
        case none
    }

    /// `isHoldingBack`: bytes are here that could not be used yet; `inputExhausted` is asked when they have been.
    package mutating func inputEnded(isHoldingBack: Bool = false) -> EndAction {
        self.hasInputEnded = true
        switch self.state {
        case .idle where isHoldingBack: return .none
        case .answering(let answering) where answering.body == .reading && isHoldingBack: return .none
        case .idle, .head, .lingering:
            self.state = .closed
            return .close
        case .answering(let answering):
            guard answering.body == .reading else { return .answerThenClose }
            self.state = .closed
            return .abandonThenClose
        case .tunnel: return .halfClose
        case .closed: return .none
        }
    }

    /// All bytes that are here were used; true if what they leave open can never be completed: the connection ends.
    package mutating func inputExhausted() -> Bool {
        guard self.hasInputEnded else { return false }
        switch self.state {
        case .idle, .head: break
        case .answering(let answering): guard answering.body == .reading else { return false }
        case .tunnel, .lingering, .closed: return false
        }
        self.state = .closed
        return true
    }

    package enum CloseAction: Equatable {
        /// An answer was under way: the exchange with the app must be ended.
        case abandon
        case none
    }

    package mutating func closed() -> CloseAction {
        defer { self.state = .closed }
        switch self.state {
        case .answering, .tunnel: return .abandon
        case .idle, .head, .lingering, .closed: return .none
        }
    }

    package enum DrainAction: Equatable {
        /// A request may be on its way: close after a grace, unless one comes.
        case closeAfterGrace
        case none
    }

    package mutating func drainingBegan() -> DrainAction {
        self.isDraining = true
        return self.state == .idle || self.state == .lingering ? .closeAfterGrace : .none
    }
}
