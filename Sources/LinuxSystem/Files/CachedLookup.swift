// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// What the kernel knows of a file without asking its file system.
package struct CachedStatus: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    package let modificationTime: FileTime
    package let isSymbolicLink: Bool
}

/// Lookups that cannot hang, whatever file systems a path leads through.
extension OpenDirectory {
    /// Opens a directory, through links, if the kernel has all of the path in its caches.
    ///
    /// An error for which `isWouldBlock` holds says that a file system would have to be asked, and that nobody was.
    package static func openCached(_ path: String) throws(SystemError) -> OpenDirectory {
        try self.openCached(in: AT_FDCWD, path, flags: O_DIRECTORY)
    }

    /// The same for a path on which there is no link; ELOOP otherwise.
    package static func openCachedWithoutLinks(_ path: String) throws(SystemError) -> OpenDirectory {
        let descriptor = try checked("openat2", path) { fp_open_cached_without_links(AT_FDCWD, path, O_DIRECTORY) }
        return OpenDirectory(Descriptor(owning: descriptor))
    }

    /// Opens from the caches what a name in this directory leads to, of any kind.
    package func openCached(_ name: String) throws(SystemError) -> OpenDirectory {
        try Self.openCached(in: rawValue, name, flags: 0)
    }

    private static func openCached(
        in directory: Int32,
        _ path: String,
        flags: Int32
    ) throws(SystemError) -> OpenDirectory {
        let call = hasCachedLookups ? fp_open_cached : fp_open_uncached
        return OpenDirectory(Descriptor(owning: try checked("openat2", path) { call(directory, path, flags) }))
    }

    /// Before Linux 5.12, and in some sandboxes, there is no such lookup; an ordinary one has to do there.
    private static let hasCachedLookups: Bool = {
        let descriptor = fp_open_cached(AT_FDCWD, "/", O_DIRECTORY)
        guard descriptor >= 0 else { return errno == EAGAIN }
        close(descriptor)
        return true
    }()

    /// A directory below this one on the same mount; a link on the way is an error, and so is another mount.
    ///
    /// Asks the file system of this directory, and no other one.
    package func openDirectoryOnSameMount(_ path: String) throws(SystemError) -> OpenDirectory {
        OpenDirectory(
            Descriptor(
                owning: try checked("openat2", path) { fp_open_on_same_mount(rawValue, path, O_DIRECTORY) }
            )
        )
    }

    /// Opens whatever a path leads to, of any kind, for looks only; may hang.
    package static func openAnything(_ path: String) throws(SystemError) -> OpenDirectory {
        OpenDirectory(Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, fp_open_flag_path(), 0) }))
    }

    /// Of a file in this directory, which is not followed if it is a link; of the directory itself without a name.
    ///
    /// The name is looked up in the file system of this directory, its attributes are those that the kernel has.
    package func cachedStatus(of name: String = "") throws(SystemError) -> CachedStatus {
        var status = fp_cached_status()
        _ = try checked("statx", name) { fp_cached_status(rawValue, name, &status) }
        return CachedStatus(
            device: status.device,
            inode: status.inode,
            modificationTime: FileTime(
                seconds: status.modified_seconds,
                nanoseconds: Int64(status.modified_nanoseconds)
            ),
            isSymbolicLink: status.is_link
        )
    }
}

private func fp_open_uncached(_ directory: Int32, _ path: UnsafePointer<CChar>?, _ flags: Int32) -> Int32 {
    fp_open(directory, path, flags | fp_open_flag_path(), 0)
}

extension SystemError {
    /// As a call gives that does not wait.
    package static func wouldBlock(call: String) -> SystemError { SystemError(call: call, code: EAGAIN) }
}
