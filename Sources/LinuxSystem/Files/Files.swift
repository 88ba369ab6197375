// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Files and directories by path.
package enum Files {
    /// Whether this process may write to a file, or make files in a directory (access(2)).
    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    /// What a user without privileges may still write to the file system of a path (statvfs(3)).
    package static func freeBytes(at path: String) throws(SystemError) -> UInt64 {
        var (blocks, blockBytes): (UInt64, UInt64) = (0, 0)
        _ = try checked("statvfs", path) { fp_free_blocks(path, &blocks, &blockBytes) }
        return blocks.multipliedSaturated(by: blockBytes)
    }

    /// The paths that a pattern names, sorted by bytes; a folder that may not be read has none (glob(3)).
    package static func paths(matching pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The whole content; `EFBIG` when it is longer than `limit` bytes, `EISDIR` for a directory.
    package static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        let descriptor = try openForReading(path)
        do {
            return try descriptor.readAll(limit: limit)
        } catch {
            throw SystemError(call: error.call, code: error.code, subject: path)
        }
    }

    /// Opens a regular file or device for reading; never waits for the writer of a FIFO.
    package static func openForReading(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) })
    }

    /// Puts a file with this content at `path` by one rename; its mode is exact whatever the umask.
    package static func write(
        _ bytes: some Collection<UInt8>,
        to path: String,
        mode: UInt32 = 0o644
    ) throws(SystemError) {
        let temporary = "\(path).\(RandomBytes.hexadecimal(4)).tmp"
        let descriptor = try create(temporary, mode: mode)
        var placed = false
        defer { if !placed { unlink(temporary) } }
        try descriptor.writeAll(bytes)
        _ = try checked("rename", path) { Glibc.rename(temporary, path) }
        placed = true
    }

    /// A file to append to, by the rights of this process alone; made when there is none.
    ///
    /// Without waiting: a FIFO without a reader is an `ENXIO`. Root opens logs by `LogFile`, which looks at the way first.
    package static func openForAppending(_ path: String, mode: UInt32 = 0o640) throws(SystemError) -> Descriptor {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK
        return Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, flags, mode) })
    }

    /// A new file for reading and writing; `EEXIST` when there is one.
    package static func create(_ path: String, mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
        let descriptor = Descriptor(
            owning: try checked("open", path) { fp_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode) }
        )
        _ = try checked("fchmod", path) { fchmod(descriptor.rawValue, mode) }
        return descriptor
    }

    /// A file without a name in `directory`, gone with its last descriptor (`O_TMPFILE`, else unlinked at once).
    package static func createUnnamed(in directory: String) throws(SystemError) -> Descriptor {
        do {
            return Descriptor(
                owning: try checked("open", directory) {
                    fp_open(AT_FDCWD, directory, fp_open_flag_unnamed() | O_RDWR | O_EXCL, 0o600)
                }
            )
        } catch  where error.code == EOPNOTSUPP || error.code == EISDIR || error.code == EINVAL {
            let path = "\(directory)/.\(RandomBytes.hexadecimal(8))"
            let descriptor = try create(path)
            _ = try checked("unlink", path) { unlink(path) }
            return descriptor
        }
    }

    /// A new directory whose mode is exact whatever the umask; `EEXIST` when there is something.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        _ = try checked("mkdir", path) { mkdir(path, mode) }
        try setMode(path, mode)
    }

    /// A new directory with a random name below `parent`, mode 0700; returns its path.
    package static func makeTemporaryDirectory(in parent: String, prefix: String) throws(SystemError) -> String {
        while true {
            let path = "\(parent)/\(prefix)\(RandomBytes.hexadecimal(6))"
            do {
                try makeDirectory(path, mode: 0o700)
                return path
            } catch  where error.isAlreadyExists {
                continue
            }
        }
    }

    package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        _ = try checked("chmod", path) { chmod(path, mode) }
    }

    /// Never follows a link; `nil` leaves owner or group as they are.
    package static func setOwner(_ path: String, owner: UInt32?, group: UInt32?) throws(SystemError) {
        _ = try checked("lchown", path) { lchown(path, owner ?? UInt32.max, group ?? UInt32.max) }
    }

    package static func remove(_ path: String) throws(SystemError) {
        _ = try checked("unlink", path) { unlink(path) }
    }

    package static func rename(_ path: String, to target: String) throws(SystemError) {
        _ = try checked("rename", target) { Glibc.rename(path, target) }
    }

    package static func makeLink(at path: String, to text: String) throws(SystemError) {
        _ = try checked("symlink", path) { symlink(text, path) }
    }

    package static func readLink(_ path: String) throws(SystemError) -> String {
        try readLink(directory: AT_FDCWD, path)
    }

    static func readLink(directory: Int32, _ path: String) throws(SystemError) -> String {
        String(decoding: try readLinkBytes(directory: directory, Array(path.utf8)), as: UTF8.self)
    }

    /// An empty name: the link that `directory` itself stands for.
    static func readLinkBytes(directory: Int32, _ name: [UInt8]) throws(SystemError) -> [UInt8] {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try checked("readlink", String(decoding: name, as: UTF8.self)) {
            name.withCString { readlinkat(directory, $0, &text, text.count) }
        }
        return text.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// Opens a file for reading if no link is on the way to it (openat2(2)); never waits for the writer of a FIFO.
    ///
    /// A link is an error for which `isSymbolicLink` holds; without that system call one for which `isNotSupported` does.
    package static func openWithoutLinks(_ path: [UInt8]) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try checked("openat2", String(decoding: path, as: UTF8.self)) {
                path.withCString {
                    let rules = UInt64(FP_RESOLVE_NO_SYMLINKS)
                    return fp_open_resolved(AT_FDCWD, $0, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, rules)
                }
            }
        )
    }

    /// The path without links, "." and "..".
    package static func realPath(_ path: String) throws(SystemError) -> String {
        guard let resolved = realpath(path, nil) else {
            let code = errno
            throw SystemError(call: "realpath", code: code, subject: path)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
