// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore

/// Where a process is in its answer.
enum AnswerReader {
    /// Its head is not complete; these bytes of it are here.
    case head(ByteBuffer)
    case body(BodyRelay)
    /// `isInStep`: nothing came behind it.
    case complete(isInStep: Bool)
    /// It has switched protocols.
    case tunnel

    /// Bytes of a head that is not complete.
    var headBytes: Int {
        if case .head(let bytes) = self { bytes.readableBytes } else { 0 }
    }

    var isInBody: Bool {
        if case .body = self { true } else { false }
    }

    var isInStep: Bool {
        if case .complete(let isInStep) = self { isInStep } else { false }
    }

    /// Takes the next bytes of the body; nil if it is not at a body.
    mutating func advance(_ bytes: ByteBuffer) -> BodyRelay.Piece? {
        guard case .body(var relay) = self else { return nil }
        // Without this the copy in `self` would make the decoder's state shared.
        self = .complete(isInStep: false)
        let piece = relay.advance(bytes)
        self = piece.progress == .complete ? .complete(isInStep: !piece.hasExcess) : .body(relay)
        return piece
    }

    /// What is still to be written when the stream has ended; nil if the answer is not complete then.
    mutating func inputEnded() -> ByteBuffer? {
        guard case .body(var relay) = self, let rest = relay.inputEnded() else { return nil }
        self = .complete(isInStep: false)
        return rest
    }
}
