// SPDX-License-Identifier: MIT

package import NIOCore

/// Finds the payload in a chunked body (RFC 9112 §7.1), however the bytes are cut.
///
///     size ─▶ extension ─▶ sizeLF ─▶ data ─▶ dataCR ─▶ dataLF ─▶ size …        (size 0: ─▶ trailer lines ─▶ finished)
///
/// Chunk extensions and trailers are checked, bounded and otherwise ignored.
package struct ChunkedDecoder: Equatable, Sendable {
    package enum Step: Equatable {
        /// The next `count` bytes are payload; the caller moves its offset behind them.
        case data(count: Int)
        case needMore
        /// The offset is behind the body.
        case finished
        case failed(FramingError)
    }

    /// Of one chunk's size line with its extensions.
    static let maxSizeLineBytes = 4096
    static let maxTrailerBytes = 16 * 1024

    private enum State: Equatable {
        /// Reads digits; left by CR, a semicolon or a space. `digits` of them were seen.
        case size(value: Int, digits: Int)
        /// Left by CR.
        case sizeExtension(value: Int, length: Int)
        /// Left by LF.
        case sizeLineFeed(value: Int)
        /// Left once no payload remains.
        case data(remaining: Int)
        case dataCarriageReturn
        case dataLineFeed
        /// At the start of a trailer line; left by CR to `lastLineFeed`, by anything else to `trailerLine`.
        case trailerStart(length: Int)
        /// Left by CR.
        case trailerLine(length: Int)
        case trailerLineFeed(length: Int)
        case lastLineFeed
        case finished
        case failed(FramingError)
    }

    private var state = State.size(value: 0, digits: 0)

    package init() {}

    package var isFinished: Bool { self.state == .finished }

    package mutating func step(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Step {
        while true {
            switch self.state {
            case .data(let remaining):
                let count = min(remaining, bytes.count - offset)
                guard count > 0 else { return .needMore }
                self.state = remaining == count ? .dataCarriageReturn : .data(remaining: remaining - count)
                return .data(count: count)
            case .finished: return .finished
            case .failed(let error): return .failed(error)
            default:
                guard offset < bytes.count else { return .needMore }
                self.state = Self.transition(self.state, bytes[offset])
                offset += 1
            }
        }
    }

    private static func transition(_ state: State, _ byte: UInt8) -> State {
        switch state {
        case .size(let value, let digits): Self.sizeByte(byte, value, digits)
        case .sizeExtension(let value, let length):
            if byte == ByteClass.carriageReturn {
                .sizeLineFeed(value: value)
            } else if Self.isText(byte), length < Self.maxSizeLineBytes {
                .sizeExtension(value: value, length: length + 1)
            } else {
                .failed(.malformedChunk)
            }
        case .sizeLineFeed(let value):
            if byte != ByteClass.lineFeed {
                .failed(.malformedChunk)
            } else {
                value == 0 ? .trailerStart(length: 0) : .data(remaining: value)
            }
        case .dataCarriageReturn: byte == ByteClass.carriageReturn ? .dataLineFeed : .failed(.malformedChunk)
        case .dataLineFeed: byte == ByteClass.lineFeed ? .size(value: 0, digits: 0) : .failed(.malformedChunk)
        case .trailerStart(let length):
            if byte == ByteClass.carriageReturn {
                .lastLineFeed
            } else {
                ByteClass.isToken(byte) ? Self.trailer(length) : .failed(.malformedChunk)
            }
        case .trailerLine(let length):
            if byte == ByteClass.carriageReturn {
                .trailerLineFeed(length: length)
            } else {
                Self.isText(byte) ? Self.trailer(length) : .failed(.malformedChunk)
            }
        case .trailerLineFeed(let length):
            byte == ByteClass.lineFeed ? .trailerStart(length: length) : .failed(.malformedChunk)
        case .lastLineFeed: byte == ByteClass.lineFeed ? .finished : .failed(.malformedChunk)
        case .data, .finished, .failed: state
        }
    }

    private static func sizeByte(_ byte: UInt8, _ value: Int, _ digits: Int) -> State {
        if let digit = ByteClass.hexValue(byte) {
            // 15 digits stay below 2^60.
            return digits < 15 ? .size(value: value << 4 | Int(digit), digits: digits + 1) : .failed(.malformedChunk)
        }
        guard digits > 0 else { return .failed(.malformedChunk) }
        switch byte {
        case ByteClass.carriageReturn: return .sizeLineFeed(value: value)
        case UInt8(ascii: ";"), ByteClass.space, ByteClass.tab: return .sizeExtension(value: value, length: digits)
        default: return .failed(.malformedChunk)
        }
    }

    private static func trailer(_ length: Int) -> State {
        length < Self.maxTrailerBytes ? .trailerLine(length: length + 1) : .failed(.trailersTooLarge)
    }

    private static func isText(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == ByteClass.tab
    }
}

extension ChunkedDecoder {
    package enum Outcome: Equatable {
        case needMore
        case finished
        case failed(FramingError)
    }

    /// Takes the framing off `input`: payload is appended to `output`, what belongs to the next message stays.
    package mutating func decode(_ input: inout ByteBuffer, into output: inout ByteBuffer) -> Outcome {
        var offset = 0
        let outcome = input.withUnsafeReadableBytes { bytes -> Outcome in
            while true {
                switch self.step(bytes, at: &offset) {
                case .data(let count):
                    output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
                    offset += count
                case .needMore: return .needMore
                case .finished: return .finished
                case .failed(let error): return .failed(error)
                }
            }
        }
        input.moveReaderIndex(forwardBy: offset)
        return outcome
    }

    /// Like `decode`, for bytes that are passed on with their framing: how many belong to this body, and its payload.
    package mutating func scan(_ input: ByteBuffer) -> (outcome: Outcome, length: Int, payload: Int) {
        var offset = 0
        var payload = 0
        let outcome = input.withUnsafeReadableBytes { bytes -> Outcome in
            while true {
                switch self.step(bytes, at: &offset) {
                case .data(let count):
                    payload += count
                    offset += count
                case .needMore: return .needMore
                case .finished: return .finished
                case .failed(let error): return .failed(error)
                }
            }
        }
        return (outcome, offset, payload)
    }
}
