// SPDX-License-Identifier: MIT

/// The client side of one connection: which bytes mean what, and what becomes of it after each answer.
///
///     state        bytes      head        body done   answer done                  input ended      drain
///     idle         → head     → answering                                          close            close after grace
///     head         parse      → answering                                          close            finish the request
///     partialHead  parse      → answering                                          close            finish the request
///     answering    body/keep                          → idle · lingering · closed  answer, close    last answer
///     tunnel       tunnel                             → closed                     half-close
///     lingering    drop                                                            close            close
///
/// One request at a time: bytes of the next one stay buffered until the answer is complete. No bytes and no clock here.
package struct ConnectionMachine: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// No byte of a request is here. Left by `bytesArrived`, `inputEnded`, `drainingBegan`, `closed`.
        case idle
        /// Bytes of a head are here, perhaps all. Left by `headCompleted`, `headFailed`, `headIncomplete`, `inputEnded`, `closed`.
        case head
        /// The rest of a head is awaited. Left by `headCompleted`, `headFailed`, `inputEnded`, `closed`.
        case partialHead
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

    package var isIdle: Bool { state == .idle }

    package var isReadingBody: Bool {
        if case .answering(let answering) = state { answering.body == .reading } else { false }
    }

    /// What comes next belongs to the request under way.
    package var isReadingHeadOrBody: Bool { isInHead || isReadingBody }

    package var isAnswering: Bool {
        if case .answering = state { true } else { false }
    }

    package var hasAnswerBegun: Bool {
        if case .answering(let answering) = state { answering.answerBegun } else { false }
    }

    /// What the answer's head promises; asked once, when it is written.
    package var keepsAlive: Bool {
        guard case .answering(let answering) = state else { return false }
        return answering.keepsAlive && !isDraining
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
        switch state {
        case .idle:
            state = .head
            return .parseHead
        case .head, .partialHead: return .parseHead
        case .answering(let answering): return answering.body == .reading ? .readBody : .keep
        case .tunnel: return .tunnel
        case .lingering, .closed: return .drop
        }
    }

    package enum PartialAction: Equatable {
        /// The time for a whole head begins.
        case startClock
        case wait
        /// The rest will never come.
        case close
        case none
    }

    package mutating func headIncomplete() -> PartialAction {
        switch state {
        case .head, .partialHead:
            guard !hasInputEnded else {
                state = .closed
                return .close
            }
            defer { state = .partialHead }
            return state == .head ? .startClock : .wait
        case .idle, .answering, .tunnel, .lingering, .closed: return .none
        }
    }

    private var isInHead: Bool { state == .head || state == .partialHead }

    package mutating func headCompleted(allowsKeepAlive: Bool, hasBody: Bool) {
        guard isInHead else { return }
        state = .answering(Answering(keepsAlive: allowsKeepAlive, body: hasBody ? .reading : .complete))
    }

    /// The head breaks a rule: nothing behind it can be trusted, it is answered and the connection ends.
    package mutating func headFailed() {
        guard isInHead else { return }
        state = .answering(Answering(keepsAlive: false, body: .reading))
    }

    package mutating func bodyCompleted() {
        guard case .answering(var answering) = state else { return }
        answering.body = .complete
        state = .answering(answering)
    }

    package mutating func answerBegun() {
        guard case .answering(var answering) = state else { return }
        // The promise of the head is kept, whatever happens until the answer is complete.
        answering.keepsAlive = keepsAlive
        // A body that nobody will read makes what follows it unusable.
        if answering.body == .reading { answering.keepsAlive = false }
        answering.answerBegun = true
        state = .answering(answering)
    }

    /// The answer ends by the end of the connection, or promised it in its own words.
    package mutating func answerEndsConnection() {
        guard case .answering(var answering) = state else { return }
        answering.keepsAlive = false
        state = .answering(answering)
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
        switch state {
        case .answering(let answering):
            if answering.keepsAlive, answering.body == .complete {
                state = .idle
                return .nextRequest
            }
            if answering.body == .reading, !hasInputEnded {
                state = .lingering
                return .linger
            }
            state = .closed
            return .close
        case .tunnel:
            state = .closed
            return .close
        case .idle, .head, .partialHead, .lingering, .closed: return .none
        }
    }

    /// The answer cannot be completed: the end of the connection must show that (no final chunk).
    package mutating func answerBroken() {
        state = .closed
    }

    package mutating func upgraded() {
        guard case .answering = state else { return }
        state = .tunnel
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
        hasInputEnded = true
        switch state {
        case .idle where isHoldingBack: return .none
        case .answering(let answering) where answering.body == .reading && isHoldingBack: return .none
        case .idle, .head, .partialHead, .lingering:
            state = .closed
            return .close
        case .answering(let answering):
            guard answering.body == .reading else { return .answerThenClose }
            state = .closed
            return .abandonThenClose
        case .tunnel: return .halfClose
        case .closed: return .none
        }
    }

    /// All bytes that are here were used; true if what they leave open can never be completed: the connection ends.
    package mutating func inputExhausted() -> Bool {
        guard hasInputEnded else { return false }
        switch state {
        case .idle, .head, .partialHead: break
        case .answering(let answering): guard answering.body == .reading else { return false }
        case .tunnel, .lingering, .closed: return false
        }
        state = .closed
        return true
    }

    package enum CloseAction: Equatable {
        /// A request was under way: its exchange must be ended.
        case abandon
        case none
    }

    package mutating func closed() -> CloseAction {
        defer { state = .closed }
        switch state {
        case .answering, .tunnel: return .abandon
        case .idle, .head, .partialHead, .lingering, .closed: return .none
        }
    }

    package enum DrainAction: Equatable {
        /// A request may be on its way: close after a grace, unless one comes.
        case closeAfterGrace
        case none
    }

    package mutating func drainingBegan() -> DrainAction {
        isDraining = true
        return state == .idle || state == .lingering ? .closeAfterGrace : .none
    }
}
