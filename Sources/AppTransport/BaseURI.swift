// SPDX-License-Identifier: MIT

import HTTPFraming

/// Where the base URI of an app ends in a path as the client spelled it: `/my%20app/a%2Fb`, `/%61pp/x`, `//app/x`.
///
/// The path is walked segment by segment as `PathSegments` would after decoding: an encoded slash is a slash, empty
/// segments and `.` are nothing, `..` takes one back. What is left never climbs out of the base URI.
package enum BaseURI {
    /// The offset in `path` of what follows `base`: a slash, plain or encoded, or the end; nil if the path is not below it.
    ///
    /// `base` is decoded, normal and without slash at the end; empty: the root, whose offset is 0.
    package static func end(of base: UnsafeRawBufferPointer, in path: UnsafeRawBufferPointer) -> Int? {
        guard !base.isEmpty else { return 0 }
        guard path.first == Self.slash, base.first == Self.slash else { return nil }
        var walk = Walk(base: base)
        var index = 0
        while index < path.count {
            index = Self.behindSlash(path, at: index) ?? index
            let start = index
            while index < path.count, Self.behindSlash(path, at: index) == nil { index += 1 }
            walk.took(UnsafeRawBufferPointer(rebasing: path[start..<index]), endingAt: index)
        }
        return walk.end
    }

    private static let slash = UInt8(ascii: "/")

    /// Behind the slash at `index`; nil if there is none.
    private static func behindSlash(_ path: UnsafeRawBufferPointer, at index: Int) -> Int? {
        if path[index] == Self.slash { return index + 1 }
        guard path[index] == UInt8(ascii: "%"), index + 2 < path.count, path[index + 1] == UInt8(ascii: "2"),
            path[index + 2] | 0x20 == UInt8(ascii: "f")
        else { return nil }
        return index + 3
    }

    /// How deep the walk is, and how much of that is the base URI.
    private struct Walk {
        let base: UnsafeRawBufferPointer
        var depth = 0
        /// Leading segments that are those of the base URI, and their bytes in it.
        var matched = 0
        var matchedBytes = 0
        /// Where the base URI was complete; kept until the path climbs out of it.
        var end: Int?

        init(base: UnsafeRawBufferPointer) { self.base = base }

        mutating func took(_ segment: UnsafeRawBufferPointer, endingAt position: Int) {
            if segment.isEmpty || BaseURI.spells(segment, ".") { return }
            if BaseURI.spells(segment, "..") { return self.climb() }
            defer { self.depth += 1 }
            guard self.depth == self.matched, self.matchedBytes < self.base.count else { return }
            let next = self.nextSegment
            guard BaseURI.decodes(segment, to: UnsafeRawBufferPointer(rebasing: self.base[next])) else { return }
            self.matched += 1
            self.matchedBytes = next.upperBound
            if self.matchedBytes == self.base.count { self.end = position }
        }

        private mutating func climb() {
            guard self.depth > 0 else { return }
            self.depth -= 1
            guard self.depth < self.matched else { return }
            self.matched = self.depth
            while self.matchedBytes > 0 {
                self.matchedBytes -= 1
                if self.base[self.matchedBytes] == BaseURI.slash { break }
            }
            self.end = nil
        }

        /// Of the base URI, without the slash before it.
        private var nextSegment: Range<Int> {
            let start = self.matchedBytes + 1
            let end = ByteClass.firstIndex(of: BaseURI.slash, in: self.base, from: start) ?? self.base.count
            return start..<end
        }
    }

    private static func spells(_ segment: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        Self.decodes(segment, to: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Whether `segment` is `text` once its escapes are decoded.
    private static func decodes(_ segment: UnsafeRawBufferPointer, to text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        for expected in text {
            guard index < segment.count else { return false }
            var byte = segment[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < segment.count,
                let high = ByteClass.hexValue(segment[index]), let low = ByteClass.hexValue(segment[index + 1])
            {
                byte = high << 4 | low
                index += 2
            }
            guard byte == expected else { return false }
        }
        return index == segment.count
    }
}
