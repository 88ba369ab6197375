// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Connections over Unix stream sockets.
package enum UnixSocket {
    /// Longest path that fits into an address, in bytes.
    package static let maxPathLength = 107

    /// Connects.
    ///
    /// A full backlog is `EAGAIN` when not blocking, and epoll never reports its end: retry by timer. Descriptors can only be
    /// sent to it if `takesDescriptors`.
    package static func connect(
        path: String,
        nonBlocking: Bool = false,
        takesDescriptors: Bool = false
    ) throws(SystemError) -> Descriptor {
        let descriptor = Descriptor(owning: try checked("socket", path) { fp_socket(AF_UNIX, nonBlocking) })
        if !takesDescriptors { DescriptorPassing.refuse(on: descriptor.rawValue) }
        _ = try checked("connect", path) { fp_connect_unix(descriptor.rawValue, path) }
        return descriptor
    }

    /// Who connected (for an accepted socket), or who listened (for a connected one).
    package static func peerCredentials(_ descriptor: Int32) throws(SystemError) -> PeerCredentials {
        try PeerCredentials(of: descriptor)
    }

    /// The path that a socket is bound to; `nil` for unnamed and for other kinds of sockets.
    package static func boundPath(_ descriptor: Int32) -> String? {
        var path = [CChar](repeating: 0, count: 108)
        guard fp_unix_path(descriptor, &path) == 0 else { return nil }
        let bytes = path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
