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
        /// Of an IPv6 socket: it takes no connections over IPv4.
        package let isOnlyIPv6: Bool

        package init(uid: UInt32, inode: UInt32, address: [UInt8], acceptQueue: UInt32 = 0, isOnlyIPv6: Bool = false) {
            self.uid = uid
            self.inode = inode
            self.address = address
            self.acceptQueue = acceptQueue
            self.isOnlyIPv6 = isOnlyIPv6
        }

        /// How exactly it is bound to an address (4 or 16 bytes), where the kernel prefers the most exact listener; nil: a
        /// connection to that address never reaches it.
        fileprivate func exactness(for wanted: [UInt8]) -> Int? {
            let isAnywhere = address.allSatisfy { $0 == 0 }
            if address == wanted || address == Self.mappedPrefix + wanted { return 3 }
            if address.count == wanted.count { return isAnywhere ? 2 : nil }
            return wanted.count == 4 && isAnywhere && !isOnlyIPv6 ? 1 : nil
        }

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
                acceptQueue: listener.accept_queue,
                isOnlyIPv6: listener.is_only_ipv6
            )
        }
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

extension [SocketDiagnosis.TCPListenerFacts] {
    /// The users whose sockets a connection to an address (4 or 16 bytes) may reach; empty when nobody listens there.
    package func owners(at address: [UInt8]) -> Set<UInt32> {
        let reached = compactMap { facts in facts.exactness(for: address).map { (exactness: $0, uid: facts.uid) } }
        let most = reached.map(\.exactness).max()
        return Set(reached.filter { $0.exactness == most }.map(\.uid))
    }
}

/// Addresses as bytes in network order.
package enum NumericAddress {
    /// 4 or 16 bytes; nil for what is not an address (inet_pton(3)).
    package static func bytes(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}
