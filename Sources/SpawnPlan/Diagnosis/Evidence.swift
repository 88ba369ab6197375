// SPDX-License-Identifier: MIT

import ShownText

/// Text of an app that is searched for what it gives away.
///
/// Bytes are compared, not characters: quick, and nothing that an app prints is quadratic.
struct Evidence {
    /// The end counts: that is where programs say why they give up.
    static let limit = 32 * 1024
    /// Bytes of a name that is taken out of it.
    private static let nameLimit = 512

    fileprivate let bytes: [UInt8]

    init(_ text: String) { self.bytes = Array(text.utf8.suffix(Self.limit)) }

    func contains(_ phrase: StaticString) -> Bool { self.index(of: phrase, from: 0) != nil }

    /// What follows `phrase` on its line, up to the first of `stops`; nil if it does not occur or nothing follows.
    func text(after phrase: StaticString, upTo stops: StaticString...) -> String? {
        guard let index = self.index(of: phrase, from: 0) else { return nil }
        let start = index + phrase.utf8CodeUnitCount
        var end = self.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? self.bytes.endIndex
        for stop in stops {
            if let found = self.index(of: stop, from: start), found < end { end = found }
        }
        return Self.name(self.bytes[start..<end])
    }

    /// What stands before `phrase` on its line, from behind the last of `starts` on.
    func text(before phrase: StaticString, from starts: StaticString...) -> String? {
        guard let end = self.index(of: phrase, from: 0) else { return nil }
        let line = self.bytes[..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        var start = line
        for mark in starts {
            var from = line
            while let found = self.index(of: mark, from: from), found + mark.utf8CodeUnitCount <= end {
                start = max(start, found + mark.utf8CodeUnitCount)
                from = found + 1
            }
        }
        return Self.name(self.bytes[start..<end])
    }

    fileprivate static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        let spaces: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        var part = bytes.drop { spaces.contains($0) }
        while let last = part.last, spaces.contains(last) { part.removeLast() }
        guard !part.isEmpty, part.count <= self.nameLimit else { return nil }
        let text = String(decoding: part, as: UTF8.self)
        return text.unicodeScalars.contains(where: SafeText.hides) ? nil : text
    }

    fileprivate func index(of phrase: StaticString, from start: Int) -> Int? {
        let count = phrase.utf8CodeUnitCount
        return phrase.withUTF8Buffer { phrase -> Int? in
            self.bytes.withUnsafeBufferPointer { bytes -> Int? in
                guard count > 0, bytes.count >= start + count else { return nil }
                let first = phrase[0]
                for index in start...(bytes.count - count) where bytes[index] == first {
                    var offset = 1
                    while offset < count, bytes[index + offset] == phrase[offset] { offset += 1 }
                    if offset == count { return index }
                }
                return nil
            }
        }
    }
}

extension Evidence {
    func isExactly(_ phrase: StaticString) -> Bool {
        phrase.withUTF8Buffer { buffer in self.bytes.elementsEqual(buffer) }
    }

    /// What follows the last occurrence of `phrase` on its line.
    func lastText(after phrase: StaticString) -> String? {
        var last: Int?
        var from = 0
        while let index = self.index(of: phrase, from: from) {
            last = index
            from = index + 1
        }
        guard let last else { return nil }
        let start = last + phrase.utf8CodeUnitCount
        let end = self.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? self.bytes.endIndex
        return Self.name(self.bytes[start..<end])
    }
}
