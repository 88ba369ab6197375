// SPDX-License-Identifier: MIT

package import NIOCore

/// Cuts incoming bytes into frames, however they were split on the way.
///
/// It never holds more than one frame's limit beyond what one read brought. After an error it stays failed: the
/// connection has to be closed.
package struct FrameDecoder: Sendable {
    /// What may come next; set it when a phase ends, before asking for the next frame.
    package var phase: FramePhase
    private var bytes = ByteBuffer()
    private var failure: WireError?

    package init(phase: FramePhase) { self.phase = phase }

    /// Bytes that belong to no complete frame yet.
    package var bufferedBytes: Int { self.bytes.readableBytes }

    /// Takes over what was read.
    package mutating func append(_ incoming: ByteBuffer) {
        guard self.bytes.readableBytes > 0 else {
            self.bytes = incoming
            return
        }
        self.bytes.discardReadBytes()
        self.bytes.writeImmutableBuffer(incoming)
    }

    /// The next complete frame; nil if more bytes are needed.
    package mutating func nextFrame() throws(WireError) -> Frame? {
        if let failure { throw failure }
        do {
            return try self.cut()
        } catch {
            self.failure = error
            self.bytes = ByteBuffer()
            throw error
        }
    }

    /// What follows the last frame; used when the connection turns into something else.
    package mutating func takeRemainder() -> ByteBuffer {
        defer { self.bytes = ByteBuffer() }
        return self.bytes.slice()
    }

    private mutating func cut() throws(WireError) -> Frame? {
        let start = self.bytes.readerIndex
        guard let length = self.bytes.getInteger(at: start, as: UInt32.self) else { return nil }
        guard length > 0 else { throw .emptyFrame }
        guard let rawType = self.bytes.getInteger(at: start + 4, as: UInt8.self) else { return nil }
        guard let type = MessageType(rawValue: rawType), let limit = self.phase.limit(for: type) else {
            throw .unexpectedType(rawType)
        }
        guard length <= limit else { throw .frameTooLarge(type: rawType, length: length, limit: limit) }
        guard let payload = self.bytes.getSlice(at: start + 5, length: Int(length) - 1) else { return nil }
        self.bytes.moveReaderIndex(forwardBy: 4 + Int(length))
        return Frame(type: rawType, payload: payload)
    }
}
