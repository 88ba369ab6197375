// SPDX-License-Identifier: MIT

/// Cuts a stream of bytes into lines; holds at most one unfinished line of `limit` bytes, beside the bytes just added.
package struct LineSplitter: Sendable {
    package let limit: Int
    private var bytes: [UInt8] = []
    private var start = 0

    package init(limit: Int) { self.limit = limit }

    /// Whether what has no end yet is longer than allowed; to be asked once `next()` gave nil.
    package var isOverlong: Bool { bytes.count - start > limit }

    package mutating func append(_ more: some Collection<UInt8>) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next whole line, without its line feed.
    package mutating func next() -> [UInt8]? {
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { start = end + 1 }
        return Array(bytes[start..<end])
    }

    /// Forgets an overlong or last line.
    package mutating func takeRest() -> [UInt8] {
        defer {
            bytes = []
            start = 0
        }
        return Array(bytes[start...])
    }
}
