// SPDX-License-Identifier: MIT

/// A name from outside, compared as the kernel compares it: byte by byte.
///
/// To `String` the two Unicode forms of "café" are equal; they are two directories, two users, two variables. So what keys
/// a dictionary or a set and came from outside (groups, paths, users, variables) is one of these.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: some StringProtocol) { self.text = String(text) }

    package static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }

    package static func < (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // Ends it: no byte of UTF-8 is this one.
        hasher.combine(UInt8.max)
    }
}

extension ExactText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension ExactText: CustomStringConvertible {
    package var description: String { text }
}

extension String {
    /// Whether both have the same bytes.
    package func isExactly(_ other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// The names between the slashes of a path, without empty ones.
    ///
    /// Cut at bytes, as the kernel does it: for Swift a slash and a combining accent behind it are one character.
    package var pathComponents: [String] {
        utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }
}
