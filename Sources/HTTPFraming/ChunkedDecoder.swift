// SPDX-License-Identifier: MIT

package import NIOCore

/// Finds the payload in a chunked body (RFC 9112 §7.1), however the bytes are cut.
///
///     size ─▶ extension ─▶ sizeLF ─▶ data ─▶ dataCR ─▶ dataLF ─▶ size …
///                             └─ size 0 ─▶ trailer name ─▶ trailer value ─▶ … ─▶ empty line ─▶ finished
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

    /// Of one chunk's extensions, and of all extensions of a body (RFC 9112 §7.1.1 asks for a limit).
    static let maxExtensionBytes = 4096
    static let maxExtensionBytesInAll = 16 * 1024
    static let maxTrailerBytes = 16 * 1024

    private enum State: Equatable {
        /// Reads digits; left by CR, a semicolon or a space. `digits` of them were seen.
        case size(value: Int, digits: Int)
        /// Left by CR; `length` bytes of it were seen.
        case sizeExtension(value: Int, length: Int, part: ChunkExtension)
        /// Left by LF.
        case sizeLineFeed(value: Int)
        /// Left once no payload remains.
        case data(remaining: Int)
        case dataCarriageReturn
        case dataLineFeed
        /// At the start of a trailer line; left by CR to `lastLineFeed`, by anything else to `trailerName`.
        case trailerStart(length: Int)
        /// Left by the colon.
        case trailerName(length: Int)
        /// Left by CR.
        case trailerValue(length: Int)
        case trailerLineFeed(length: Int)
        case lastLineFeed
        case finished
        case failed(FramingError)
    }

    private var state = State.size(value: 0, digits: 0)
    private var extensionBytes = 0

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
                if case .sizeExtension = self.state { self.countExtensionByte() }
            }
        }
    }

    private static func transition(_ state: State, _ byte: UInt8) -> State {
        switch state {
        case .size(let value, let digits): Self.sizeByte(byte, value, digits)
        case .sizeExtension(let value, let length, let part):
            if byte == ByteClass.carriageReturn {
                part.mayEnd ? .sizeLineFeed(value: value) : .failed(.malformedChunk)
            } else if let next = part.next(byte), length < Self.maxExtensionBytes {
                .sizeExtension(value: value, length: length + 1, part: next)
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
                ByteClass.isToken(byte) ? Self.trailer(length, State.trailerName(length:)) : .failed(.malformedChunk)
            }
        case .trailerName(let length):
            if byte == ByteClass.colon {
                Self.trailer(length, State.trailerValue(length:))
            } else {
                ByteClass.isToken(byte) ? Self.trailer(length, State.trailerName(length:)) : .failed(.malformedChunk)
            }
        case .trailerValue(let length):
            if byte == ByteClass.carriageReturn {
                .trailerLineFeed(length: length)
            } else {
                ByteClass.isText(byte) ? Self.trailer(length, State.trailerValue(length:)) : .failed(.malformedChunk)
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
        if byte == ByteClass.carriageReturn { return .sizeLineFeed(value: value) }
        guard let part = ChunkExtension(first: byte) else { return .failed(.malformedChunk) }
        return .sizeExtension(value: value, length: 1, part: part)
    }

    /// A body of tiny chunks with long extensions would cost far more than it is worth.
    private mutating func countExtensionByte() {
        self.extensionBytes += 1
        if self.extensionBytes > Self.maxExtensionBytesInAll { self.state = .failed(.malformedChunk) }
    }

    private static func trailer(_ length: Int, _ next: (Int) -> State) -> State {
        length < Self.maxTrailerBytes ? next(length + 1) : .failed(.trailersTooLarge)
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
