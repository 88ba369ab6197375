// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A connection that a listener has accepted.
package struct AcceptedConnection: ~Copyable, Sendable {
    package let peer: PeerCredentials
    private let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor, peer: PeerCredentials) {
        self.descriptor = descriptor
        self.peer = peer
    }

    package var rawValue: Int32 { descriptor.rawValue }

    package consuming func takeDescriptor() -> Descriptor { descriptor }
}

/// A listening Unix socket and the file that it is reached by.
///
/// What it accepts takes no descriptors. The file is not removed with the listener: a watchdog that ends calls `unlinkIfOwn`, a successor just replaces it.
package struct UnixListener: ~Copyable, Sendable {
    package let path: String
    private let descriptor: Descriptor
    /// Device and inode of the socket file.
    private let file: FileStatus.Identity?

    package var rawValue: Int32 { descriptor.rawValue }

    package consuming func takeDescriptor() -> Descriptor { descriptor }

    /// Adopts a socket that is listening already (inherited).
    package init(adopting descriptor: consuming Descriptor, path: String) {
        DescriptorPassing.refuse(on: descriptor.rawValue)
        self.path = path
        self.descriptor = descriptor
        // Only used for `unlinkIfOwn`, which an adopter without the file has no use for.
        self.file = try? FileStatus(path: path, followingLinks: false).identity
    }

    private init(_ descriptor: consuming Descriptor, path: String, file: FileStatus.Identity) {
        self.path = path
        self.descriptor = descriptor
        self.file = file
    }

    /// Binds, sets mode and owner, listens, and only then moves the socket to `path` with one rename.
    ///
    /// Whatever was at `path` is replaced without a moment in which nothing is there; except for a file that is no
    /// socket, which is an `EEXIST`. The socket is never reachable with a wider mode than asked. `nil` leaves owner or
    /// group as they are.
    package static func bind(
        path: String,
        mode: UInt32,
        owner: UInt32? = nil,
        group: UInt32? = nil,
        backlog: Int32 = 1024,
        nonBlocking: Bool = false
    ) throws(SystemError) -> UnixListener {
        if path.utf8.count > UnixSocket.maxPathLength {
            throw SystemError(call: "bind", code: ENAMETOOLONG, subject: path)
        }
        try refuseOtherFile(at: path)
        let temporary = temporaryName(for: path)
        let descriptor = Descriptor(owning: try checked("socket", path) { fp_socket(AF_UNIX, nonBlocking) })
        DescriptorPassing.refuse(on: descriptor.rawValue)
        // The mode of the socket node comes from the descriptor's inode and the umask: narrow before it has a name.
        _ = try checked("fchmod", path) { fchmod(descriptor.rawValue, 0o600) }
        _ = try checked("bind", path) { fp_bind_unix(descriptor.rawValue, temporary) }
        var placed = false
        defer { if !placed { unlink(temporary) } }
        if owner != nil || group != nil {
            _ = try checked("chown", path) { lchown(temporary, owner ?? UInt32.max, group ?? UInt32.max) }
        }
        _ = try checked("chmod", path) { chmod(temporary, mode) }
        _ = try checked("listen", path) { listen(descriptor.rawValue, backlog) }
        let file = try FileStatus(path: temporary, followingLinks: false).identity
        _ = try checked("rename", path) { rename(temporary, path) }
        placed = true
        return UnixListener(descriptor, path: path, file: file)
    }

    private static func refuseOtherFile(at path: String) throws(SystemError) {
        do throws(SystemError) {
            let status = try FileStatus(path: path, followingLinks: false)
            if status.kind != .socket { throw SystemError(call: "bind", code: EEXIST, subject: path) }
        } catch  where error.isNotFound {
            return
        }
    }

    /// In the same directory, no longer than the final name can be, and not guessable.
    private static func temporaryName(for path: String) -> String {
        let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(Substring(path.utf8[...$0])) } ?? ""
        return directory + ".s" + RandomBytes.hexadecimal(3)
    }

    /// Accepts one connection, waiting for it when the listener blocks.
    ///
    /// Credentials are those of the moment of connect. See `SystemError.isTransientAcceptFailure`.
    package func accept(nonBlocking: Bool = false) throws(SystemError) -> AcceptedConnection {
        try UnixListener.accept(on: rawValue, nonBlocking: nonBlocking)
    }

    /// The same for a listener that somebody else keeps.
    package static func accept(on listener: Int32, nonBlocking: Bool = false) throws(SystemError) -> AcceptedConnection
    {
        let connection = Descriptor(owning: try checked("accept4") { fp_accept(listener, nonBlocking) })
        let peer = try PeerCredentials(of: connection.rawValue)
        return AcceptedConnection(connection, peer: peer)
    }

    /// Removes the socket file, unless another socket has taken its place since.
    package func unlinkIfOwn() {
        // Not being able to look at it means that there is nothing of ours to remove.
        guard let file, let now = try? FileStatus(path: path, followingLinks: false), now.identity == file else {
            return
        }
        unlink(path)
    }
}
