// SPDX-License-Identifier: MIT

package import HTTPFraming
package import NIOCore

/// Follows the body of an app's answer and turns its bytes into what the client's framing wants, without copying them
/// where both framings are the same.
package struct BodyRelay {
    private enum State {
        case bytes(remaining: Int)
        case chunked(ChunkedDecoder)
        case untilClose
        case complete
    }

    package enum Progress: Equatable {
        case more
        case complete
        case failed(FramingError)
    }

    package struct Piece {
        /// For the client's connection; may be empty.
        package var output: ByteBuffer
        /// Bytes of the body in it, without framing.
        package var payload: Int
        package var progress: Progress
        /// The app sent more than belongs to this answer: its stream is out of step.
        package var hasExcess: Bool
    }

    private var state: State
    private let framing: ClientFraming

    package init(_ body: BodyLength, framing: ClientFraming) {
        self.framing = framing
        self.state =
            switch body {
            case .none: .complete
            case .bytes(let count): .bytes(remaining: count)
            case .chunked: .chunked(ChunkedDecoder())
            case .untilClose: .untilClose
            }
    }

    package var isComplete: Bool {
        if case .complete = self.state { true } else { false }
    }

    /// The end of the app's stream is the proper end of this body.
    package var endsWithStream: Bool {
        if case .untilClose = self.state { true } else { false }
    }

    package mutating func advance(_ input: ByteBuffer) -> Piece {
        switch self.state {
        case .complete:
            return Piece(output: ByteBuffer(), payload: 0, progress: .complete, hasExcess: input.readableBytes > 0)
        case .bytes(let remaining):
            let count = min(remaining, input.readableBytes)
            self.state = count == remaining ? .complete : .bytes(remaining: remaining - count)
            let output = input.getSlice(at: input.readerIndex, length: count) ?? ByteBuffer()
            return Piece(
                output: output,
                payload: count,
                progress: count == remaining ? .complete : .more,
                hasExcess: input.readableBytes > count
            )
        case .chunked(let decoder): return self.advanceChunked(input, decoder)
        case .untilClose:
            var output = input
            if self.framing == .chunksMade {
                output = ByteBuffer()
                ChunkedEncoder.writeChunk(input, into: &output)
            }
            return Piece(output: output, payload: input.readableBytes, progress: .more, hasExcess: false)
        }
    }

    private mutating func advanceChunked(_ input: ByteBuffer, _ decoder: ChunkedDecoder) -> Piece {
        var decoder = decoder
        var output = ByteBuffer()
        let outcome: ChunkedDecoder.Outcome
        let length: Int
        let payload: Int
        if self.framing == .chunksPassed {
            (outcome, length, payload) = decoder.scan(input)
            output = input.getSlice(at: input.readerIndex, length: length) ?? output
        } else {
            var rest = input
            outcome = decoder.decode(&rest, into: &output)
            length = input.readableBytes - rest.readableBytes
            payload = output.readableBytes
        }
        self.state = .chunked(decoder)
        let hasExcess = input.readableBytes > length
        switch outcome {
        case .needMore: return Piece(output: output, payload: payload, progress: .more, hasExcess: false)
        case .finished:
            self.state = .complete
            return Piece(output: output, payload: payload, progress: .complete, hasExcess: hasExcess)
        case .failed(let error):
            return Piece(output: output, payload: payload, progress: .failed(error), hasExcess: hasExcess)
        }
    }

    /// What is still to be written when the app's stream has ended; nil if the body is not complete then.
    package mutating func inputEnded() -> ByteBuffer? {
        switch self.state {
        case .complete: return ByteBuffer()
        case .untilClose:
            self.state = .complete
            var output = ByteBuffer()
            if self.framing == .chunksMade { ChunkedEncoder.writeEnd(into: &output) }
            return output
        case .bytes, .chunked: return nil
        }
    }
}
