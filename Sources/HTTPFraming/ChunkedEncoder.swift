// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes the framing of a chunked body (RFC 9112 §7.1).
package enum ChunkedEncoder {
    /// Size line of a chunk of `count` bytes; `count` is not 0, which would end the body.
    package static func writeSize(_ count: Int, into buffer: inout ByteBuffer) {
        var shift = (Int.bitWidth - max(count, 1).leadingZeroBitCount - 1) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: count >> shift & 0xF)
            buffer.writeInteger(digit < 10 ? digit + 0x30 : digit - 10 + 0x61)
            shift -= 4
        }
        buffer.writeStaticString("\r\n")
    }

    /// One whole chunk; nothing when `payload` is empty.
    package static func writeChunk(_ payload: ByteBuffer, into buffer: inout ByteBuffer) {
        guard payload.readableBytes > 0 else { return }
        buffer.reserveCapacity(minimumWritableBytes: payload.readableBytes + 20)
        Self.writeSize(payload.readableBytes, into: &buffer)
        buffer.writeImmutableBuffer(payload)
        buffer.writeStaticString("\r\n")
    }

    package static func writeEnd(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("0\r\n\r\n")
    }
}
