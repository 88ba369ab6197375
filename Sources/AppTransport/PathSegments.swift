// SPDX-License-Identifier: MIT

package import NIOCore

/// Dot segments and empty ones of a decoded path (RFC 3986 §5.2.4).
package enum PathSegments {
    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    /// Whether `normalize` would change nothing; true for what is no path (`*`).
    package static func areNormal(_ path: UnsafeRawBufferPointer) -> Bool {
        guard path.first == Self.slash else { return true }
        for index in 1..<path.count where path[index - 1] == Self.slash {
            if path[index] == Self.slash { return false }
            if path[index] == Self.dot, Self.isDotSegment(path, index) { return false }
        }
        return true
    }

    /// Appends `path` with one slash for several, and without dot segments; `..` at the root stays there.
    package static func normalize(_ path: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.writeInteger(Self.slash)
        let segments = path.split(separator: Self.slash)
        for (number, segment) in segments.enumerated() {
            let isLast = number == segments.count - 1
            if segment.elementsEqual(".".utf8) { continue }
            if segment.elementsEqual("..".utf8) {
                Self.removeSegment(from: &buffer, after: start)
                continue
            }
            buffer.writeBytes(segment)
            if !isLast || path.last == Self.slash { buffer.writeInteger(Self.slash) }
        }
    }

    /// Takes the last segment back; what is left ends with a slash.
    private static func removeSegment(from buffer: inout ByteBuffer, after start: Int) {
        var end = buffer.writerIndex - 1
        while end > start, buffer.getInteger(at: end - 1, as: UInt8.self) != Self.slash { end -= 1 }
        buffer.moveWriterIndex(to: max(end, start + 1))
    }

    private static func isDotSegment(_ path: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        var end = index
        while end < path.count, path[end] == Self.dot { end += 1 }
        return end - index <= 2 && (end == path.count || path[end] == Self.slash)
    }
}
