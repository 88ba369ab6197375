// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A directory held open by descriptor, so that what is looked up in it cannot be moved away meanwhile.
package struct OpenDirectory: ~Copyable, Sendable {
    private let descriptor: Descriptor

    package var rawValue: Int32 { descriptor.rawValue }

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Opens for lookups only (`O_PATH`): needs no right to list it.
    ///
    /// Links in `path` are followed.
    package static func open(_ path: String) throws(SystemError) -> OpenDirectory {
        OpenDirectory(
            Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, directoryFlags, 0) })
        )
    }

    private static var directoryFlags: Int32 { fp_open_flag_path() | O_DIRECTORY }

    /// A directory below this one, reached without following a link in any component (openat2(2)).
    ///
    /// A link is an error for which `isSymbolicLink` holds; "" and "." are the directory itself.
    package func openDirectoryWithoutLinks(_ path: String) throws(SystemError) -> OpenDirectory {
        let flags = Self.directoryFlags
        return OpenDirectory(try openResolved(path.isEmpty ? "." : path, flags: flags))
    }

    /// A file below this one for reading, without following a link in any component.
    ///
    /// Never blocks on a FIFO.
    package func openFileWithoutLinks(_ path: String) throws(SystemError) -> Descriptor {
        try openResolved(path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    }

    private func openResolved(_ path: String, flags: Int32) throws(SystemError) -> Descriptor {
        let rules = UInt64(FP_RESOLVE_BENEATH | FP_RESOLVE_NO_SYMLINKS)
        do throws(SystemError) {
            return Descriptor(
                owning: try checked("openat2", path) { fp_open_resolved(descriptor.rawValue, path, flags, 0, rules) }
            )
        } catch  where error.isNotSupported {
            return try openStepwise(path, flags: flags)
        }
    }

    /// The same without openat2(2).
    private func openStepwise(_ path: String, flags: Int32) throws(SystemError) -> Descriptor {
        let names = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }.filter { $0 != Array(".".utf8) }
        guard path.utf8.first != UInt8(ascii: "/"), !names.contains(Array("..".utf8)) else {
            throw SystemError(call: "openat", code: EXDEV, subject: path)
        }
        var place = try duplicated()
        for (index, name) in names.enumerated() {
            // Without a link in the last place, O_NOFOLLOW with O_DIRECTORY would say that it is no directory.
            guard try FileStatus(directory: place.rawValue, name: name).kind != .symbolicLink else {
                throw SystemError(call: "openat", code: ELOOP, subject: path)
            }
            let flags = index == names.count - 1 ? flags : Self.directoryFlags
            let next = try checked("openat", path) {
                name.withCString { fp_open(place.rawValue, $0, flags | O_NOFOLLOW, 0) }
            }
            guard index < names.count - 1 else { return Descriptor(owning: next) }
            place = OpenDirectory(Descriptor(owning: next))
        }
        return Descriptor(owning: try checked("openat", path) { fp_open(place.rawValue, ".", flags, 0) })
    }

    /// One entry of this directory as a directory for further lookups; a link is an error (`O_NOFOLLOW`).
    package func openEntryAsDirectory(_ name: String) throws(SystemError) -> OpenDirectory {
        OpenDirectory(
            Descriptor(
                owning: try checked("openat", name) {
                    fp_open(descriptor.rawValue, name, Self.directoryFlags | O_NOFOLLOW, 0)
                }
            )
        )
    }

    /// One entry of this directory for reading; a link is an error (`O_NOFOLLOW`).
    ///
    /// Never blocks on a FIFO.
    package func openEntry(_ name: String) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try checked("openat", name) {
                fp_open(descriptor.rawValue, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0)
            }
        )
    }

    /// Names in this directory, without "." and "..", at most `limit` of them, whichever come first.
    package func names(limit: Int) throws(SystemError) -> [String] {
        try Files.names(in: try openEntry("."), limit: limit)
    }

    /// Status of this directory itself.
    package func status() throws(SystemError) -> FileStatus { try FileStatus(descriptor: descriptor.rawValue) }

    /// Status of a file relative to this directory; components before the last are followed if they are links.
    package func status(of path: String, followingLinks: Bool = false) throws(SystemError) -> FileStatus {
        try FileStatus(directory: descriptor.rawValue, path: path, followingLinks: followingLinks)
    }

    /// The text of a symbolic link.
    package func readLink(_ name: String) throws(SystemError) -> String {
        try Files.readLink(directory: descriptor.rawValue, name)
    }

    package func duplicated() throws(SystemError) -> OpenDirectory { OpenDirectory(try descriptor.duplicated()) }

    /// On a file system where a stat may take a network round trip, or hang (statfs(2)).
    package func isOnNetworkFileSystem() throws(SystemError) -> Bool {
        let type = try checked("fstatfs") { fp_file_system_type(descriptor.rawValue) }
        return Self.networkFileSystems.contains(UInt32(truncatingIfNeeded: type))
    }

    /// Magic numbers of statfs(2): NFS, SMB, SMB2, CIFS, FUSE, 9P, AFS (two), Ceph, Coda, GFS2, OCFS2, Lustre, NCP.
    private static let networkFileSystems: Set<UInt32> = [
        0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x6573_5546, 0x0102_1997, 0x5346_414F, 0x6B41_4653, 0x00C3_6400,
        0x7375_7245, 0x0116_1970, 0x7461_636F, 0x0BD0_0BD0, 0x564C,
    ]
}
