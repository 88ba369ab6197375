// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Unguessable numbers straight from the kernel (getrandom(2)).
package enum RandomBytes {
    package static func uint64() -> UInt64 {
        var value: UInt64 = 0
        // Fails only before the machine's generator is seeded, and it waits for that: repeat what a signal interrupts.
        while fp_random(&value, MemoryLayout<UInt64>.size) < 0 {}
        return value
    }

    /// A number that is not zero, for ids where zero means none.
    package static func nonZeroUInt64() -> UInt64 {
        while true {
            let value = uint64()
            if value != 0 { return value }
        }
    }

    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            withUnsafeBytes(of: uint64()) { bytes.append(contentsOf: $0.prefix(count - bytes.count)) }
        }
        return bytes
    }

    /// Lower-case hexadecimal digits, two for each of `count` bytes; for names of temporary files and error ids.
    package static func hexadecimal(_ count: Int) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes(count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
