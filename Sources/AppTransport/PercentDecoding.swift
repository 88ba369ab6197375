// SPDX-License-Identifier: MIT

import HTTPFraming
package import NIOCore

/// Decoding of paths (RFC 3986 §2.1); what is no valid escape stays as it is.
package enum PercentDecoding {
    /// Appends the decoded bytes; false if there is an encoded NUL, which no path may hold.
    package static func decode(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        var isValid = true
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count) { memory in
            let result = Self.decode(bytes, memory)
            isValid = result.isValid
            return result.count
        }
        return isValid
    }

    /// Whether anything in `bytes` would change.
    package static func isNeeded(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ByteClass.firstIndex(of: UInt8(ascii: "%"), in: bytes, from: 0) != nil
    }

    private static func decode(
        _ bytes: UnsafeRawBufferPointer,
        _ memory: UnsafeMutableRawBufferPointer
    ) -> (count: Int, isValid: Bool) {
        var count = 0
        var index = 0
        var isValid = true
        while index < bytes.count {
            var byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = ByteClass.hexValue(bytes[index + 1]), let low = ByteClass.hexValue(bytes[index + 2])
            {
                byte = high << 4 | low
                if byte == 0 { isValid = false }
                index += 2
            }
            memory[count] = byte
            count += 1
            index += 1
        }
        return (count, isValid)
    }
}
