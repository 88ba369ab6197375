// SPDX-License-Identifier: MIT

/// One request's way to an app process and back: checkouts, streams, retries, and when the session may be released.
///
///     idle ─▶ waiting ─granted─▶ attaching ─ready─▶ sending ─head─▶ relaying ─end─▶ idle
///               ▲  │refused ─▶ idle  │failed          │closed: resend, or give up
///               └──┴─── checkout again ◀──────────────┘
///     client gone: waiting ─▶ idle (cancel) · attaching ─▶ idle (release) · sending, relaying ─▶ abandoned ─end─▶ idle
///
/// A session ends when the app has answered, not when the client left: an abandoned answer is read to its end first.
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
        /// The head is with the client. Left by `answerCompleted`, `streamClosed`, `deadlineReached`, `clientGone`, `aborted`.
        case relaying
        /// Nobody waits for the answer; it is read and dropped. Left by `answerCompleted`, `streamClosed`, `aborted`.
        case abandoned
        /// Bytes both ways. Left by `streamClosed`, `clientGone`, `aborted`.
        case tunnel
    }

    /// Of one request, as long as no byte of it was written.
    package static let maxCheckouts = 10

    package private(set) var state = State.idle
    private var traits = Traits(isIdempotent: false, isReplayable: false)
    private var checkouts = 0
    /// The request was written once and lost; it is not written a third time to another process.
    private var wasRepeated = false
    /// Descriptors were freed for the request.
    private var hasMadeRoom = false
    /// The request was written anew on a fresh stream of the same session.
    private var wasResent = false

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
        return true
    }

    package enum LossAction: Equatable {
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
        guard mayRepeat else {
            state = .idle
            return .fail
        }
        return checkoutAgain(orElse: .fail)
    }

    /// The stream ended before the answer did.
    package mutating func streamClosed() -> LossAction {
        switch state {
        case .sending(let kept): return requestLost(kept: kept)
        case .relaying:
            state = .idle
            return .truncate
        case .abandoned:
            state = .idle
            return .release
        case .tunnel:
            state = .idle
            return .closeTunnel
        case .idle, .waiting, .attaching: return .none
        }
    }

    private mutating func requestLost(kept: Bool) -> LossAction {
        guard traits.isIdempotent, traits.isReplayable else {
            state = .idle
            return .fail
        }
        if kept, !wasResent {
            wasResent = true
            state = .attaching
            return .resend
        }
        if !wasRepeated {
            wasRepeated = true
            return checkoutAgain(orElse: .fail)
        }
        state = .idle
        return .fail
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
        case .idle, .waiting, .attaching, .relaying, .tunnel: return .none
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
        case .idle, .waiting, .attaching, .sending, .tunnel: return .none
        }
    }

    /// What the app sends is no HTTP: nothing on this stream can be trusted any more.
    package mutating func answerMalformed() -> LossAction {
        defer { state = .idle }
        switch state {
        case .sending: return .fail
        case .relaying: return .truncate
        case .abandoned: return .release
        case .tunnel: return .closeTunnel
        case .idle, .waiting, .attaching: return .none
        }
    }

    package enum LeaveAction: Equatable {
        case cancelCheckout
        /// Stop attaching and give the session back unused.
        case releaseUnused
        /// Read the answer to its end and drop it; release then.
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
        case .sending, .relaying:
            if mayClose, !traits.ignoresClientAbort {
                state = .idle
                return .closeAndRelease
            }
            state = .abandoned
            return .readToEnd
        case .tunnel:
            state = .idle
            return .closeAndRelease
        }
    }

    package enum DeadlineAction: Equatable {
        /// Answer 504; the answer that may still come is dropped.
        case failAndReadToEnd
        /// Answer 504 and close the stream.
        case failAndClose
        /// The client's answer breaks off; the rest of the app's is dropped.
        case truncateAndReadToEnd
        case truncateAndClose
        case none
    }

    /// The app let `read_timeout` pass without a byte.
    package mutating func deadlineReached(mayClose: Bool) -> DeadlineAction {
        switch state {
        case .sending:
            state = mayClose ? .idle : .abandoned
            return mayClose ? .failAndClose : .failAndReadToEnd
        case .relaying:
            state = mayClose ? .idle : .abandoned
            return mayClose ? .truncateAndClose : .truncateAndReadToEnd
        case .idle, .waiting, .attaching, .abandoned, .tunnel: return .none
        }
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

    /// The session is over by the daemon's word, or with the connection to the daemon; it needs no release.
    ///
    /// `mayRepeat`: the request itself is not at fault, as it is when it took longer than it may.
    package mutating func aborted(mayRepeat: Bool) -> AbortAction {
        switch state {
        case .attaching, .sending:
            guard mayRepeat else {
                state = .idle
                return .fail
            }
            return repeatAborted()
        case .relaying, .tunnel:
            state = .idle
            return .truncate
        case .abandoned:
            state = .idle
            return .close
        case .idle, .waiting: return .none
        }
    }

    private mutating func repeatAborted() -> AbortAction {
        if case .sending = state {
            guard traits.isIdempotent, traits.isReplayable, !wasRepeated else {
                state = .idle
                return .fail
            }
            wasRepeated = true
        }
        return checkoutAgain(orElse: .fail) == .fail ? .fail : .checkoutAgain
    }
}
