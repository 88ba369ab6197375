// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

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

/// Who sends what arrives at a Unix socket (`SO_PASSCRED`, unix(7)); the kernel tells it for each piece.
package enum SenderCredentials {
    package struct Message: Sendable {
        /// Empty at the end of the stream.
        package let bytes: [UInt8]
        /// The PID is 0 when the kernel did not say.
        package let sender: PeerCredentials
    }

    /// Before anything is sent by anybody.
    package static func ask(of socket: Int32, _ on: Bool = true) throws(SystemError) {
        _ = try checked("setsockopt") { fp_set_socket_flag(socket, SOL_SOCKET, SO_PASSCRED, on ? 1 : 0) }
    }

    /// At most `limit` bytes of one sender; nil when there are none yet.
    package static func receive(limit: Int, from socket: Int32) throws(SystemError) -> Message? {
        var sender = fp_peer()
        var outcome: (result: Int, code: Int32) = (0, 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, length in
            repeat {
                let result = fp_receive_credentials(socket, buffer.baseAddress, buffer.count, &sender)
                outcome = (result, errno)
            } while outcome.result < 0 && outcome.code == EINTR
            length = max(0, outcome.result)
        }
        if outcome.result < 0 {
            guard outcome.code != EAGAIN else { return nil }
            throw SystemError(call: "recvmsg", code: outcome.code)
        }
        return Message(bytes: bytes, sender: PeerCredentials(pid: sender.pid, uid: sender.uid, gid: sender.gid))
    }
}
