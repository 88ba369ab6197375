// SPDX-License-Identifier: MIT

/// The body of one request on its way out, over one stream after the other until an app has answered.
///
///     state       began       room     read done        last piece   cut
///     unsent      see below   –        –                –            –
///     file        restart     reading  –                –            –
///     reading     stale       –        file, sent       –            –
///     stale       stale       –        file             –            –
///     streaming   restart     ask      –                sent, ended  ended
///     sent        restart     –        –                –            –
///
/// A read of a file cannot be taken back: one of an earlier attempt is `stale` until it is done.
package struct SendingMachine: Equatable, Sendable {
    /// How the app learns where a streamed body ends.
    package enum Ending: Equatable, Sendable {
        /// It was told the length.
        case length
        case lastChunk
        /// Our side of the stream is shut, which can carry nothing else then.
        case streamEnd
    }

    package enum Content: Equatable, Sendable {
        /// Everything goes out with the head.
        case whole
        /// In a file of so many bytes.
        case file(length: Int)
        case streamed(Ending)
    }

    package enum State: Equatable, Sendable {
        /// Left by `began`.
        case unsent
        /// The rest of a file goes out when there is room. Left by `roomAppeared`, `began`.
        case file(sent: Int, length: Int)
        /// A piece of it is being read. Left by `pieceRead`, `began`.
        case reading(sent: Int, length: Int)
        /// A piece that nobody wants is being read; the file begins anew behind it. Left by `pieceRead`.
        case stale(length: Int)
        /// The client sends it. Left by `lastPieceSent`, `cut`, `began`.
        case streaming(Ending)
        /// Left by `began`.
        case sent
        /// Our side of the stream is shut. Left by `began`.
        case ended
    }

    package static let pieceBytes = 128 * 1024

    package private(set) var state = State.unsent

    package init() {}

    /// The app has all of the request, and another one may follow on the stream.
    package var isInStep: Bool { state == .sent }
    /// More of the client's body can be taken.
    package var isStreaming: Bool {
        if case .streaming = state { true } else { false }
    }

    /// The head goes out on a stream that nothing of this request was written to.
    package mutating func began(_ content: Content) {
        switch (content, state) {
        case (.whole, _): state = .sent
        case (.file(let length), .reading), (.file(let length), .stale): state = .stale(length: length)
        case (.file(let length), _): state = .file(sent: 0, length: length)
        case (.streamed(let ending), _): state = .streaming(ending)
        }
    }

    package enum RoomAction: Equatable {
        case read(offset: Int, count: Int)
        /// The client may send on.
        case askClient
        case none
    }

    /// The stream takes more.
    package mutating func roomAppeared() -> RoomAction {
        switch state {
        case .file(let sent, let length) where sent < length:
            state = .reading(sent: sent, length: length)
            return .read(offset: sent, count: min(Self.pieceBytes, length - sent))
        case .file:
            state = .sent
            return .none
        case .streaming: return .askClient
        case .unsent, .reading, .stale, .sent, .ended: return .none
        }
    }

    package enum PieceAction: Equatable {
        case write
        /// It belongs to an earlier attempt.
        case drop
    }

    /// A piece of the file is here, or could not be read (`count` 0).
    package mutating func pieceRead(_ count: Int) -> PieceAction {
        switch state {
        case .reading(let sent, let length):
            state = sent + count < length ? .file(sent: sent + count, length: length) : .sent
            return .write
        case .stale(let length):
            state = .file(sent: 0, length: length)
            return .drop
        case .unsent, .file, .streaming, .sent, .ended: return .drop
        }
    }

    package enum LastPieceAction: Equatable {
        case none
        case shutOutput
    }

    /// The client has sent all of a streamed body.
    package mutating func lastPieceSent() -> LastPieceAction {
        guard case .streaming(let ending) = state else { return .none }
        state = ending == .streamEnd ? .ended : .sent
        return ending == .streamEnd ? .shutOutput : .none
    }

    package enum CutAction: Equatable {
        case none
        case shutOutput
    }

    /// The rest of a streamed body never comes: the app must not wait for it.
    ///
    /// A file is sent to its end.
    package mutating func cut() -> CutAction {
        guard case .streaming = state else { return .none }
        state = .ended
        return .shutOutput
    }
}
