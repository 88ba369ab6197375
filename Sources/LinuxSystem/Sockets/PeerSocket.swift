// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// The user at the other end of a TCP connection within this machine.
package enum PeerSocket {
    /// The user whose process has the other end of `connection`; nil if that cannot be said for certain.
    ///
    /// The owner of the peer's socket (sock_diag(7)), as long as it is established and some process has it: one that was closed
    /// belongs to uid 0 for the kernel, while what it sent can still be read. Peers elsewhere have no owner here; an error
    /// is no answer either. Costs a few system calls for loopback and one for others; waits for nobody but the kernel.
    package static func uid(ofPeerOfTCP connection: Int32) -> UInt32? {
        guard fp_is_over_loopback(connection) else { return nil }
        var lookup = PeerLookup()
        guard case .process(let uid)? = try? lookup.holder(ofPeerOf: connection) else { return nil }
        return uid
    }
}

/// Asks the kernel who has the other ends of TCP connections within this machine, over one netlink socket that stays open.
///
/// Waits for nobody but the kernel, which answers at once.
package struct PeerLookup: ~Copyable {
    package enum Holder: Hashable, Sendable {
        /// A process of this user, and neither side has closed.
        case process(uid: UInt32)
        /// Nobody has accepted it yet: it waits at the socket that listens there.
        case queue
        /// Neither, or the connection does not stay within this machine.
        case nobody
    }

    private var netlink: Descriptor?

    package init() {}

    /// Who has the other end of a connection.
    package mutating func holder(ofPeerOf connection: Int32) throws(SystemError) -> Holder {
        guard let peer = try ask(connection, fp_tcp_peer_socket) else { return .nobody }
        if peer.established != 0, peer.inode != 0 { return .process(uid: peer.uid) }
        return peer.is_new != 0 || (peer.established != 0 && peer.inode == 0) ? .queue : .nobody
    }

    /// The user who made the socket that listens where a connection leads; nil if none does.
    package mutating func listener(atPeerOf connection: Int32) throws(SystemError) -> UInt32? {
        try ask(connection, fp_tcp_peer_listener)?.uid
    }

    private mutating func ask(
        _ connection: Int32,
        _ question: (Int32, Int32, UnsafeMutablePointer<fp_peer_socket>) -> Int32
    ) throws(SystemError) -> fp_peer_socket? {
        let netlink = try take()
        var peer = fp_peer_socket()
        let result = question(netlink.rawValue, connection, &peer)
        let code = errno
        // Any other error closes the socket: a late answer in it would be taken for that of the next question.
        guard result >= 0 || code == ENOENT || code == ENOTCONN else {
            throw SystemError(call: "sock_diag", code: code)
        }
        self.netlink = consume netlink
        return result == 0 ? peer : nil
    }

    private mutating func take() throws(SystemError) -> Descriptor {
        if let open = netlink.take() { return open }
        return Descriptor(owning: try checked("socket") { fp_open_diagnosis() })
    }
}
