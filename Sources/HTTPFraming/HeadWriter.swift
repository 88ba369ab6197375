// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes many small pieces into memory reserved beforehand, without a capacity check of the buffer for each.
///
/// A piece that does not fit is left out and `overflowed` is set: a wrong estimate costs one request, not the process.
package struct HeadWriter {
    private let memory: UnsafeMutableRawBufferPointer
    package private(set) var count = 0
    package private(set) var overflowed = false

    package init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    @inline(__always)
    package mutating func write(_ byte: UInt8) {
        guard self.count < self.memory.count else {
            self.overflowed = true
            return
        }
        self.memory[self.count] = byte
        self.count &+= 1
    }

    @inline(__always)
    package mutating func write(_ text: StaticString) {
        self.write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    package mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let target = self.memory.baseAddress else { return }
        guard bytes.count <= self.memory.count &- self.count else {
            self.overflowed = true
            return
        }
        (target + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count &+= bytes.count
    }

    @inline(__always)
    package mutating func write(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    package mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { self.write(UnsafeRawBufferPointer($0)) }
    }

    package mutating func writeDecimal(_ value: Int) {
        if value < 10, value >= 0 { return self.write(UInt8(value) &+ 0x30) }
        var rest = value.magnitude
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var index = digits.count
            repeat {
                index -= 1
                digits[index] = UInt8(rest % 10) + 0x30
                rest /= 10
            } while rest > 0 && index > 1
            if value < 0 {
                index -= 1
                digits[index] = UInt8(ascii: "-")
            }
            self.write(UnsafeRawBufferPointer(rebasing: digits[index...]))
        }
    }

    /// Takes back everything written after there were `count` bytes.
    package mutating func truncate(to count: Int) { self.count = min(count, self.count) }

    /// Puts `value` in network byte order over the four bytes at `offset`, which were written before.
    package mutating func overwrite(_ value: UInt32, at offset: Int) {
        guard offset >= 0, offset + 4 <= self.count else { return }
        self.memory.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}

extension ByteBuffer {
    /// Lets `body` write at most `bound` bytes behind the written ones; false, and nothing written, if they did not fit.
    @inline(__always)
    package mutating func writeHead(bound: Int, _ body: (inout HeadWriter) -> Void) -> Bool {
        var complete = true
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { memory in
            var writer = HeadWriter(memory)
            body(&writer)
            complete = !writer.overflowed
            return complete ? writer.count : 0
        }
        return complete
    }
}
