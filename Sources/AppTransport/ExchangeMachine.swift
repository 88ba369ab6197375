// SPDX-License-Identifier: MIT

/// One request's way to an app process and back: checkouts, streams, retries, and when the session may be released.
///
///     idle ─▶ waiting ─granted─▶ attaching ─ready─▶ sending ─head─▶ relaying ─end─▶ idle
///               ▲  │refused ─▶ idle  │failed          │closed without a byte of an answer
///               └──┴─── checkout again ◀── asking ◀───┘    asking: resend · checkout again · give up
///     client gone: waiting ─▶ idle (cancel) · attaching ─▶ idle (release) · sending, relaying ─▶ abandoned ─end─▶ idle
///
/// A session ends when the app has answered, not when the client left: an abandoned answer is drained first, as far as
/// that is bearable. A request that a process had when it ended is never given to a second one: it may be the cause.
/// One of which a process left bytes unread was not had by it, if it reads the whole request at once.
package struct ExchangeMachine: Equatable, Sendable {
    /// What about the request decides over retries and over leaving its answer.
    package struct Traits: Equatable, Sendable {
        package var isIdempotent: Bool
        /// The whole body is here and can be sent again.
        package var isReplayable: Bool
        /// Let the app finish undisturbed although the client has gone.
        package var ignoresClientAbort: Bool

        package init(isIdempotent: Bool, isReplayable: Bool, ignoresClientAbort: Bool = false) {
            self.isIdempotent = isIdempotent
            self.isReplayable = isReplayable
            self.ignoresClientAbort = ignoresClientAbort
        }
    }

    package enum State: Equatable, Sendable {
        /// Left by `began`.
        case idle
        /// A checkout is under way. Left by `granted`, `refused`, `clientGone`.
        case waiting
        /// A session is here, its stream is not. Left by `streamReady`, `streamFailed`, `clientGone`, `aborted`.
        case attaching
        /// The request is being written, no byte of the answer is here; `kept`: on a stream that was used before.
        /// Left by `headReceived`, `streamClosed`, `deadlineReached`, `answerMalformed`, `clientGone`, `aborted`.
        case sending(kept: Bool)
        /// The stream ended without a byte of an answer; the daemon is asked why. Left by `fateKnown`, `clientGone`, `aborted`.
        case asking(kept: Bool)
        /// The head is with the client. Left by `answerCompleted`, `streamClosed`, `deadlineReached`, `clientGone`, `aborted`.
        case relaying
        /// Nobody waits for the answer; it is read and dropped. Left by `answerCompleted`, `streamClosed`, `aborted`,
        /// `drained`, `drainEnded`. `left`: bytes that may still come; nil: any number.
        case abandoned(left: Int?)
        /// Bytes both ways. Left by `streamClosed`, `clientGone`, `aborted`.
        case tunnel
    }

    /// Of one request, as long as no byte of it was written.
    package static let maxCheckouts = 10

    /// Of an answer that nobody waits for.
    package static let maxDrainedBytes = 1024 * 1024

    package private(set) var state = State.idle
    private var traits = Traits(isIdempotent: false, isReplayable: false)
    private var checkouts = 0
    /// The request was lost with the daemon once; it is not asked of a third one.
    private var wasRepeated = false
    /// Descriptors were freed for the request.
    private var hasMadeRoom = false
    /// The request was written anew on a fresh stream of the same session.
    private var wasResent = false
    /// No process acts on the request before it has read all of it.
    private var isReadAtOnce = false

    package init() {}

    package mutating func began(_ traits: Traits) {
        state = .waiting
        self.traits = traits
        checkouts = 1
        wasRepeated = false
        wasResent = false
        hasMadeRoom = false
    }

    /// Whether idle connections may be closed for the request, which helps once or not at all.
    package mutating func mayMakeRoom() -> Bool {
        guard state == .attaching else { return false }
        defer { hasMadeRoom = true }
        return !hasMadeRoom
    }

    package enum GrantAction: Equatable {
        case attach
        /// Nobody waits for it any more.
        case release
    }

    package mutating func granted() -> GrantAction {
        guard state == .waiting else { return .release }
        state = .attaching
        return .attach
    }

    package enum RefusalAction: Equatable {
        case answerWithRefusal
        case none
    }

    package mutating func refused() -> RefusalAction {
        guard state == .waiting else { return .none }
        state = .idle
        return .answerWithRefusal
    }

    /// True if the request is to be written now.
    package mutating func streamReady(kept: Bool) -> Bool {
        guard state == .attaching else { return false }
        state = .sending(kept: kept)
        isReadAtOnce = false
        return true
    }

    /// The request was written whole; `isReadAtOnce`: it has no body, or the process takes head and body by one read.
    package mutating func written(isReadAtOnce: Bool) { self.isReadAtOnce = isReadAtOnce }

    package enum LossAction: Equatable {
        /// Ask the daemon for the fate of the process.
        case askFate
        /// Write the request again on a fresh stream of the same session.
        case resend
        /// Give the session back as failed, and ask for another.
        case checkoutAgain
        /// Give the session back as failed, and answer for the app.
        case fail
        /// Give the session back as failed; the client's connection must end in the middle of the answer.
        case truncate
        /// Give the session back; nobody is waiting.
        case release
        /// The tunnel's app side is closed.
        case closeTunnel
        case none
    }

    /// No stream to the process could be had: no byte of the request was written.
    ///
    /// `mayRepeat`: another process might do better.
    package mutating func streamFailed(mayRepeat: Bool = true) -> LossAction {
        guard state == .attaching else { return .none }
        // One that was written once goes to the same process or to none.
        guard mayRepeat, !wasResent else {
            state = .idle
            return .fail
        }
        return checkoutAgain(orElse: .fail)
    }

    /// The stream ended before the answer did; `hasAnswerBegun`: some bytes of a head are here.
    package mutating func streamClosed(hasAnswerBegun: Bool = false) -> LossAction {
        switch state {
        case .sending(let kept):
            // What cannot be written again is lost whatever the daemon says.
            guard !hasAnswerBegun, traits.isReplayable else {
                state = .idle
                return .fail
            }
            state = .asking(kept: kept)
            return .askFate
        case .relaying:
            state = .idle
            return .truncate
        case .abandoned:
            state = .idle
            return .release
        case .tunnel:
            state = .idle
            return .closeTunnel
        case .idle, .waiting, .attaching, .asking: return .none
        }
    }

    /// Why a stream ended without a byte of an answer.
    package enum Fate: Equatable, Sendable, CaseIterable {
        /// The app had not read all that was sent.
        case unread
        /// The process lives on: it closed a stream that it had kept open (the keep-alive race).
        case alive
        /// The process has ended, or nobody knows.
        case ended
        /// The daemon was lost, and its processes with it: the request is not the cause.
        case daemonLost
    }

    package mutating func fateKnown(_ fate: Fate) -> LossAction {
        guard case .asking(let kept) = state else { return .none }
        switch fate {
        case .unread where isReadAtOnce: return checkoutAgain(orElse: .fail)
        case .alive where kept && traits.isIdempotent && !wasResent:
            wasResent = true
            state = .attaching
            return .resend
        case .daemonLost where traits.isIdempotent && !wasRepeated:
            wasRepeated = true
            return checkoutAgain(orElse: .fail)
        case .unread, .alive, .ended, .daemonLost:
            state = .idle
            return .fail
        }
    }

    private mutating func checkoutAgain(orElse otherwise: LossAction) -> LossAction {
        guard checkouts < Self.maxCheckouts else {
            state = .idle
            return otherwise
        }
        checkouts += 1
        state = .waiting
        return .checkoutAgain
    }

    package enum HeadAction: Equatable {
        case relay
        case drop
        case none
    }

    package mutating func headReceived() -> HeadAction {
        switch state {
        case .sending:
            state = .relaying
            return .relay
        case .abandoned: return .drop
        case .idle, .waiting, .attaching, .asking, .relaying, .tunnel: return .none
        }
    }

    /// The app switched protocols: true if the client is still there.
    package mutating func upgraded() -> Bool {
        guard case .sending = state else { return false }
        state = .tunnel
        return true
    }

    package enum CompletionAction: Equatable {
        /// Give stream and session back, complete the client's answer.
        case completed
        /// Give stream and session back; the client has gone.
        case abandonedCompleted
        case none
    }

    package mutating func answerCompleted() -> CompletionAction {
        defer { state = .idle }
        switch state {
        case .relaying: return .completed
        case .abandoned: return .abandonedCompleted
        case .idle, .waiting, .attaching, .sending, .asking, .tunnel: return .none
        }
    }

    /// What the app sends is no HTTP: nothing on this stream can be trusted any more.
    package mutating func answerMalformed() -> LossAction {
        if case .asking = state { return .none }
        defer { state = .idle }
        switch state {
        case .sending: return .fail
        case .relaying: return .truncate
        case .abandoned: return .release
        case .tunnel: return .closeTunnel
        case .idle, .waiting, .attaching, .asking: return .none
        }
    }

    package enum LeaveAction: Equatable {
        case cancelCheckout
        /// Stop attaching and give the session back unused.
        case releaseUnused
        /// Give the session back, of which no stream is left.
        case releaseLost
        /// Read the answer to its end, as far as that is bearable, and drop it; release then.
        case drain
        /// Read the answer to its end, however long that takes, and drop it; release then.
        case readToEnd
        /// Close the stream and release: an HTTP app sees its client leave.
        case closeAndRelease
        case none
    }

    /// The client left; `mayClose`: the app understands the end of its stream as that (HTTP, not the session transport).
    package mutating func clientGone(mayClose: Bool) -> LeaveAction {
        switch state {
        case .idle, .abandoned: return .none
        case .waiting:
            state = .idle
            return .cancelCheckout
        case .attaching:
            state = .idle
            return .releaseUnused
        case .asking:
            state = .idle
            return .releaseLost
        case .sending, .relaying:
            if mayClose, !traits.ignoresClientAbort {
                state = .idle
                return .closeAndRelease
            }
            state = .abandoned(left: traits.ignoresClientAbort ? nil : Self.maxDrainedBytes)
            return traits.ignoresClientAbort ? .readToEnd : .drain
        case .tunnel:
            state = .idle
            return .closeAndRelease
        }
    }

    package enum DeadlineAction: Equatable {
        /// Answer 504; the answer that may still come is dropped.
        case failAndDrain
        /// Answer 504 and close the stream.
        case failAndClose
        /// The client's answer breaks off; the rest of the app's is dropped.
        case truncateAndDrain
        case truncateAndClose
        case none
    }

    /// The app let `read_timeout` pass without a byte.
    package mutating func deadlineReached(mayClose: Bool) -> DeadlineAction {
        switch state {
        case .sending:
            state = mayClose ? .idle : .abandoned(left: Self.maxDrainedBytes)
            return mayClose ? .failAndClose : .failAndDrain
        case .relaying:
            state = mayClose ? .idle : .abandoned(left: Self.maxDrainedBytes)
            return mayClose ? .truncateAndClose : .truncateAndDrain
        case .idle, .waiting, .attaching, .asking, .abandoned, .tunnel: return .none
        }
    }

    package enum DrainAction: Equatable {
        /// Shut the stream both ways; ending the session is up to the daemon.
        case abandon
        case none
    }

    /// Bytes came of an answer that perhaps nobody waits for.
    package mutating func drained(_ count: Int) -> DrainAction {
        guard case .abandoned(let left?) = state else { return .none }
        guard count <= left else { return drainEnded() }
        state = .abandoned(left: left - count)
        return .none
    }

    /// The time for the rest of an answer that nobody waits for is over.
    package mutating func drainEnded() -> DrainAction {
        guard case .abandoned(.some) = state else { return .none }
        state = .idle
        return .abandon
    }

    package enum AbortAction: Equatable {
        /// Ask for another session: nothing was written, or it may be written again.
        case checkoutAgain
        /// Answer for the app; stream and session are gone.
        case fail
        case truncate
        case close
        case none
    }

    package enum AbortCause: Equatable, Sendable, CaseIterable {
        /// The request itself is at fault: it took longer than it may.
        case timeLimit
        /// The process takes no more requests, and those that it has took too long.
        case detached
        /// The connection to the daemon has ended.
        case daemonLost
    }

    /// The session is over by the daemon's word, or with the connection to the daemon; it needs no release.
    package mutating func aborted(_ cause: AbortCause) -> AbortAction {
        switch state {
        case .attaching where cause != .timeLimit: return checkoutAgain(orElse: .fail) == .fail ? .fail : .checkoutAgain
        case .sending where cause == .daemonLost, .asking where cause == .daemonLost:
            guard traits.isIdempotent, traits.isReplayable, !wasRepeated else {
                state = .idle
                return .fail
            }
            wasRepeated = true
            return checkoutAgain(orElse: .fail) == .fail ? .fail : .checkoutAgain
        case .attaching, .sending, .asking:
            state = .idle
            return .fail
        case .relaying, .tunnel:
            state = .idle
            return .truncate
        case .abandoned:
            state = .idle
            return .close
        case .idle, .waiting: return .none
        }
    }
}
