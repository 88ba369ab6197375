// SPDX-License-Identifier: MIT

import AppSettings

/// Paths as text; nothing is looked up.
enum Paths {
    /// Without the slashes at the end; the root stays `/`.
    static func trimmed(_ path: String) -> String {
        var path = path[...]
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }

    static func parent(of path: String) -> String {
        let path = trimmed(path)
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : trimmed(String(path[..<slash]))
    }

    static func absolute(_ path: String, below directory: String) -> String {
        path.hasPrefix("/") ? path : join(directory, path)
    }

    static func join(_ directory: String, _ path: String) -> String {
        directory.hasSuffix("/") || path.hasPrefix("/") ? directory + path : "\(directory)/\(path)"
    }

    /// Whether a URL path is the prefix or lies below it.
    static func isPath(_ path: String, atOrBelow prefix: String) -> Bool {
        let directory = prefix.utf8.last == UInt8(ascii: "/") ? prefix : prefix + "/"
        return path.isExactly(prefix) || path.utf8.starts(with: directory.utf8)
    }
}
