// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// The user at the other end of a TCP connection within this machine.
package enum PeerSocket {
    /// The user whose process has the other end of `connection`; nil if that cannot be said for certain.
    ///
    /// The owner of the peer's socket (sock_diag(7)), as long as it is established and some process has it: one that was closed
    /// belongs to uid 0 for the kernel, while what it sent can still be read. Peers elsewhere have no owner here; an error
    /// is no answer either. Costs a few system calls for loopback and one for others; waits for nobody but the kernel.
    package static func uid(ofPeerOfTCP connection: Int32) -> UInt32? {
        var peer = fp_peer_socket()
        guard fp_tcp_peer_socket(connection, &peer) == 0, peer.established != 0, peer.inode != 0 else { return nil }
        return peer.uid
    }
}
