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
    /// Held by somebody else: an error for which `isWouldBlock` holds. What is there and is not a file of this process's
    /// own (for root: root's, under this one name) is an `EEXIST`: its content would be lost.
    package static func acquire(_ path: String, mode: UInt32 = 0o600) throws(SystemError) -> FileLock {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        while true {
            let descriptor = Descriptor(
                owning: try checked("open", path) { fp_open(AT_FDCWD, path, flags, mode) }
            )
            _ = try checked("flock", path) { fp_lock_exclusively(descriptor.rawValue) }
            // Somebody may have removed the file between open and lock: then this is a lock on nothing.
            let held = try FileStatus(descriptor: descriptor.rawValue)
            guard held.kind == .regular, !CurrentProcess.isRoot || held.owner == 0 && held.linkCount <= 1 else {
                throw SystemError(call: "open", code: EEXIST, subject: path)
            }
            if let named = try? FileStatus(path: path, followingLinks: false).identity, named == held.identity {
                return FileLock(descriptor, path: path)
            }
        }
    }

    /// The same for a file with a PID at a path that somebody has chosen.
    ///
    /// - Throws: for root also when others could lead the path elsewhere.
    package static func acquirePIDFile(_ path: String) throws(SinkProblem) -> FileLock {
        let path = CurrentProcess.isRoot ? try SinkPlace.safePlace(path, of: .pidFile).path : path
        return try SinkPlace.system { () throws(SystemError) in try acquire(path, mode: 0o644) }
    }

    /// What would keep this process from a PID file there, because others could lead it elsewhere; nil: nothing.
    package static func problem(ofPIDFile path: String) -> SinkProblem? { SinkPlace.problem(path, of: .pidFile) }

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
