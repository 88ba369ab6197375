// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

extension Files {
    /// Names in a directory, without "." and "..", sorted; at most `limit` of them, whichever come first.
    package static func list(_ path: String, limit: Int = .max) throws(SystemError) -> [String] {
        try names(
            in: Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0) }),
            limit: limit
        )
    }

    /// Of an open directory, at most `limit` of them, whichever come first.
    static func names(in descriptor: consuming Descriptor, limit: Int = .max) throws(SystemError) -> [String] {
        let number = descriptor.release()
        guard let stream = fdopendir(number) else {
            let code = errno
            close(number)
            throw SystemError(call: "fdopendir", code: code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(stream) {
            // The field is an imported tuple of 256 characters; its length is bounded by the record itself.
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Creates what is missing of a path, each new directory with `mode`; what exists stays as it is.
    package static func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        var prefix = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
        for component in path.utf8.split(separator: UInt8(ascii: "/")) {
            prefix += Substring(component)
            do {
                try makeDirectory(prefix, mode: mode)
            } catch  where error.isAlreadyExists {
                // Checked by the next component, or by the caller's use of it.
            }
            prefix += "/"
        }
    }

    /// Removes a file, or a directory with everything below it, without following links.
    ///
    /// Missing is fine.
    package static func removeTree(_ path: String) throws(SystemError) {
        do {
            let parent = parentAndName(path)
            let directory = Descriptor(
                owning: try checked("open", path) {
                    fp_open(AT_FDCWD, parent.directory, O_RDONLY | O_DIRECTORY, 0)
                }
            )
            try removeEntry(parent.name, in: directory.rawValue)
        } catch  where error.isNotFound {
            return
        }
    }

    private static func parentAndName(_ path: String) -> (directory: String, name: String) {
        let bytes = path.utf8
        let trimmed = bytes.count > 1 && bytes.last == UInt8(ascii: "/") ? bytes.dropLast() : bytes[...]
        guard let slash = trimmed.lastIndex(of: UInt8(ascii: "/")) else { return (".", String(Substring(trimmed))) }
        let directory = slash == trimmed.startIndex ? "/" : String(Substring(trimmed[..<slash]))
        return (directory, String(Substring(trimmed[slash...].dropFirst())))
    }

    private static func removeEntry(_ name: String, in directory: Int32) throws(SystemError) {
        do {
            _ = try checked("unlink", name) { unlinkat(directory, name, 0) }
            return
        } catch  where error.isDirectory || error.code == EPERM {
            // A directory: below.
        }
        let child = Descriptor(
            owning: try checked("openat", name) { fp_open(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) }
        )
        for entry in try names(in: child.duplicated()) { try removeEntry(entry, in: child.rawValue) }
        _ = try checked("rmdir", name) { unlinkat(directory, name, AT_REMOVEDIR) }
    }
}
