// SPDX-License-Identifier: MIT

import AppSettings

/// Paths as text; nothing is looked up.
enum Paths {
    /// Without the slashes at the end; the root stays `/`.
    static func trimmed(_ path: String) -> String {
        var path = path.utf8[...]
        while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
        return String(Substring(path))
    }

    static func parent(of path: String) -> String {
        let path = trimmed(path)
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : trimmed(String(Substring(path.utf8[..<slash])))
    }

    static func absolute(_ path: String, below directory: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : join(directory, path)
    }

    static func join(_ directory: String, _ path: String) -> String {
        directory.utf8.last == UInt8(ascii: "/") || path.utf8.first == UInt8(ascii: "/")
            ? directory + path : "\(directory)/\(path)"
    }

    /// A pattern that names this path only.
    static func escapedForMatching(_ path: String) -> String {
        var pattern: [UInt8] = []
        for byte in path.utf8 {
            if [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\")].contains(byte) {
                pattern.append(UInt8(ascii: "\\"))
            }
            pattern.append(byte)
        }
        return String(decoding: pattern, as: UTF8.self)
    }

    /// Whether a URL path is the prefix or lies below it.
    static func isPath(_ path: String, atOrBelow prefix: String) -> Bool {
        let directory = prefix.utf8.last == UInt8(ascii: "/") ? prefix : prefix + "/"
        return path.isExactly(prefix) || path.utf8.starts(with: directory.utf8)
    }
}
