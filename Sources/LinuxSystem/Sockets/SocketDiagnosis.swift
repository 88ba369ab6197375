// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// What the kernel knows about sockets of other processes (sock_diag(7)).
package enum SocketDiagnosis {
    /// A listening TCP socket.
    package struct TCPListenerFacts: Hashable, Sendable {
        /// Effective user of the process that created it.
        package let uid: UInt32
        package let inode: UInt32
        /// 4 or 16 bytes in network order.
        package let address: [UInt8]
        /// Connections not accepted yet.
        package let acceptQueue: UInt32

        /// A connection to loopback may reach it: bound to a loopback address or to all addresses.
        package var coversLoopback: Bool {
            switch address.count {
            case 4: address[0] == 127 || address.allSatisfy { $0 == 0 }
            default:
                address.allSatisfy { $0 == 0 } || address == Self.loopback6
                    || (address.prefix(12) == Self.mappedPrefix[...] && address[12] == 127)
            }
        }

        private static let loopback6 = [UInt8](repeating: 0, count: 15) + [1]
        private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [255, 255]
    }

    /// All sockets that listen at `port`, of both families.
    package static func tcpListeners(port: UInt16) throws(SystemError) -> [TCPListenerFacts] {
        var found = [fp_tcp_listener](repeating: fp_tcp_listener(), count: 256)
        let count = try checked("sock_diag", "port \(port)") { fp_tcp_listeners(port, &found, found.count) }
        return found.prefix(Int(count)).map { listener in
            let bytes = withUnsafeBytes(of: listener.address) { Array($0) }
            return TCPListenerFacts(
                uid: listener.uid,
                inode: listener.inode,
                address: listener.family == AF_INET ? Array(bytes.prefix(4)) : bytes,
                acceptQueue: listener.accept_queue
            )
        }
    }

    /// The users whose sockets a connection to `port` on loopback may reach; empty when nobody listens there.
    package static func ownersOfListener(port: UInt16) throws(SystemError) -> Set<UInt32> {
        Set(try tcpListeners(port: port).filter(\.coversLoopback).map(\.uid))
    }

    /// Connections that wait in the accept queue of a listening Unix socket.
    package static func acceptQueueLength(ofUnixListener descriptor: Int32) throws(SystemError) -> Int {
        let inode = try FileStatus(descriptor: descriptor).inode
        var waiting: UInt32 = 0
        _ = try checked("sock_diag", "socket \(inode)") {
            fp_unix_accept_queue(UInt32(truncatingIfNeeded: inode), &waiting)
        }
        return Int(waiting)
    }
}
