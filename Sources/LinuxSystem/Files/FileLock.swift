// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A lock file held by at most one process (flock(2)); freed when it is closed, also by a crash.
package struct FileLock: ~Copyable, Sendable {
    package let path: String
    private let descriptor: Descriptor

    package var rawValue: Int32 { descriptor.rawValue }

    private init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Creates the file when it is missing.
    ///
    /// Held by somebody else: an error for which `isWouldBlock` holds.
    package static func acquire(_ path: String, mode: UInt32 = 0o600) throws(SystemError) -> FileLock {
        while true {
            let descriptor = Descriptor(
                owning: try checked("open", path) { fp_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, mode) }
            )
            _ = try checked("flock", path) { fp_lock_exclusively(descriptor.rawValue) }
            // Somebody may have removed the file between open and lock: then this is a lock on nothing.
            let held = try FileStatus(descriptor: descriptor.rawValue).identity
            if let named = try? FileStatus(path: path, followingLinks: false).identity, named == held {
                return FileLock(descriptor, path: path)
            }
        }
    }

    /// Replaces the content, usually by a PID and a newline.
    package func write(_ text: String) throws(SystemError) {
        _ = try checked("ftruncate", path) { ftruncate(descriptor.rawValue, 0) }
        _ = try checked("lseek", path) { lseek(descriptor.rawValue, 0, SEEK_SET) }
        try descriptor.writeAll(text)
    }

    /// What the holder has written, at most 4 KiB; `nil` when there is no such file.
    package static func content(of path: String) -> String? {
        // Only for messages about the holder: without it they are shorter.
        guard let bytes = try? Files.read(path, limit: 4_096) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Removes the file while the lock is held, then frees it.
    package consuming func removeAndRelease() {
        unlink(path)
    }
}
