// SPDX-License-Identifier: MIT

/// The last bytes that a process wrote.
package struct OutputTail: Sendable {
    package let limit: Int
    private var bytes: [UInt8] = []
    private var isCut = false

    package init(limit: Int) { self.limit = limit }

    package mutating func append(_ more: UnsafeRawBufferPointer) {
        guard more.count < limit else {
            isCut = isCut || !bytes.isEmpty || more.count > limit
            bytes = Array(more.suffix(limit))
            return
        }
        bytes += more
        // Twice the limit before it is cut: each byte is moved at most once on average.
        if bytes.count > 2 * limit {
            bytes.removeFirst(bytes.count - limit)
            isCut = true
        }
    }

    /// At most `limit` bytes from the start of a line on, without line ends at the end; invalid UTF-8 repaired.
    package var text: String { text(limit: limit) }

    package func text(limit: Int) -> String {
        var part = bytes.suffix(min(limit, self.limit))
        if isCut || part.count < bytes.count, let end = part.firstIndex(of: UInt8(ascii: "\n")), end + 1 < part.endIndex
        {
            part = part[(end + 1)...]
        }
        while let last = part.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { part.removeLast() }
        return String(decoding: part, as: UTF8.self)
    }
}
