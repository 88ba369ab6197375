// SPDX-License-Identifier: MIT

import Glibc

/// What stat(2) tells about a file.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink, socket, fifo, characterDevice, blockDevice
    }

    /// Tells a file from every other one of the machine.
    package struct Identity: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64
    }

    package let kind: Kind
    /// Permission bits, with set-id and sticky bits.
    package let mode: UInt32
    package let owner: UInt32
    package let group: UInt32
    package let device: UInt64
    package let inode: UInt64
    /// In bytes, never negative.
    package let size: Int64
    package let linkCount: UInt64
    /// Last change of the content, or whatever the owner set it to.
    package let modificationTime: FileTime
    /// Last change of content, owner or mode; nobody can set it.
    package let changeTime: FileTime

    package var identity: Identity { Identity(device: device, inode: inode) }
    package var isWritableByGroup: Bool { mode & 0o020 != 0 }
    package var isWritableByOthers: Bool { mode & 0o002 != 0 }
    package var isSticky: Bool { mode & 0o1000 != 0 }

    package init(path: String, followingLinks: Bool = true) throws(SystemError) {
        try self.init(directory: AT_FDCWD, path: path, followingLinks: followingLinks)
    }

    package init(descriptor: Int32) throws(SystemError) {
        var raw = stat()
        _ = try checked("fstat", "descriptor \(descriptor)") { fstat(descriptor, &raw) }
        self.init(raw)
    }

    /// Relative to an open directory.
    package init(directory: Int32, path: String, followingLinks: Bool) throws(SystemError) {
        var raw = stat()
        _ = try checked(followingLinks ? "stat" : "lstat", path) {
            fstatat(directory, path, &raw, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW)
        }
        self.init(raw)
    }

    /// The same for a name in bytes; never follows a link.
    init(directory: Int32, name: [UInt8]) throws(SystemError) {
        var raw = stat()
        _ = try checked("lstat", String(decoding: name, as: UTF8.self)) {
            name.withCString { fstatat(directory, $0, &raw, AT_SYMLINK_NOFOLLOW) }
        }
        self.init(raw)
    }

    /// The same for a path in bytes.
    package init(path: [UInt8], followingLinks: Bool) throws(SystemError) {
        var raw = stat()
        _ = try checked("stat", String(decoding: path, as: UTF8.self)) {
            path.withCString { fstatat(AT_FDCWD, $0, &raw, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) }
        }
        self.init(raw)
    }

    private init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            case S_IFIFO: .fifo
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .regular
            }
        mode = raw.st_mode & 0o7777
        owner = raw.st_uid
        group = raw.st_gid
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        // A file system in user space answers what it likes.
        size = max(0, Int64(raw.st_size))
        linkCount = UInt64(raw.st_nlink)
        modificationTime = FileTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec))
        changeTime = FileTime(seconds: Int64(raw.st_ctim.tv_sec), nanoseconds: Int64(raw.st_ctim.tv_nsec))
    }
}
