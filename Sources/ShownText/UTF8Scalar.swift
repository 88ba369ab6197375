// SPDX-License-Identifier: MIT

/// Reads single characters out of bytes that may be no UTF-8.
enum UTF8Scalar {
    /// The character that begins at `index` and its length; nil if that is no UTF-8 (RFC 3629 §4): a stray or missing byte, an
    /// overlong form, a surrogate, or beyond Unicode.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (Unicode.Scalar, length: Int)? {
        let first = bytes[index]
        let (length, bits): (Int, UInt8) =
            switch first {
            case 0..<0x80: (1, first)
            case 0xC2..<0xE0: (2, first & 0x1F)
            case 0xE0..<0xF0: (3, first & 0x0F)
            case 0xF0..<0xF5: (4, first & 0x07)
            default: (0, 0)
            }
        guard length > 0, bytes.count - index >= length else { return nil }
        var value = UInt32(bits)
        for byte in bytes[(index + 1)..<(index + length)] {
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let least: UInt32 = length == 3 ? 0x800 : length == 4 ? 0x10000 : 0
        // Surrogates and what is beyond Unicode are no scalars.
        guard value >= least, let scalar = Unicode.Scalar(value) else { return nil }
        return (scalar, length)
    }
}
