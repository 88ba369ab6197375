// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// The process that connected a Unix socket, as of that moment (`SO_PEERCRED`, unix(7)).
package struct PeerCredentials: Hashable, Sendable {
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32

    package init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    init(of socket: Int32) throws(SystemError) {
        var peer = fp_peer()
        _ = try checked("getsockopt") { fp_peer_credentials(socket, &peer) }
        self.init(pid: peer.pid, uid: peer.uid, gid: peer.gid)
    }
}
