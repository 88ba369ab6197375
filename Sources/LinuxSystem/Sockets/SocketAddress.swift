// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// An IPv4 or IPv6 address with its port, in the form the kernel takes.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The first address of a name, or the one that the numeric text spells.
    static func resolve(host: String, port: UInt16, passive: Bool) throws(SystemError) -> SocketAddress {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)
        if host.isEmpty { hints.ai_family = AF_INET }
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        let code = errno
        defer { if let list { freeaddrinfo(list) } }
        guard result == 0, let first = list?.pointee, let source = first.ai_addr else {
            throw SystemError(
                call: "getaddrinfo",
                code: result == EAI_SYSTEM ? code : EADDRNOTAVAIL,
                subject: "\(host):\(port)"
            )
        }
        var address = SocketAddress()
        withUnsafeMutableBytes(of: &address.storage) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: source, count: Int(first.ai_addrlen)))
        }
        address.length = first.ai_addrlen
        return address
    }

    static func local(of socket: Int32) throws(SystemError) -> SocketAddress {
        try asking("getsockname") { getsockname(socket, $0, &$1) }
    }

    static func peer(of socket: Int32) throws(SystemError) -> SocketAddress {
        try asking("getpeername") { getpeername(socket, $0, &$1) }
    }

    private static func asking(
        _ call: String,
        _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32
    ) throws(SystemError) -> SocketAddress {
        var address = SocketAddress()
        let length = try withUnsafeMutablePointer(to: &address.storage) { pointer throws(SystemError) -> socklen_t in
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            _ = try checked(call) {
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
            }
            return length
        }
        address.length = length
        return address
    }

    /// 0 for an address that has no port.
    var port: UInt16 {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            // Both families have the port right after the family, in network order.
            case AF_INET, AF_INET6: UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            default: 0
            }
        }
    }

    /// The numeric text of the address, without the port; `nil` for other families.
    var host: String? {
        guard family == AF_INET || family == AF_INET6 else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = withPointer { getnameinfo($0, $1, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
        guard result == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// One end of a TCP connection.
package struct SocketName: Equatable, Sendable {
    /// Numeric, without the zone of an IPv6 address; nil: it is not an address of the Internet.
    package let host: String?
    package let port: UInt16

    /// The end of a connected socket that is here.
    package init(localOf socket: Int32) throws(SystemError) { self.init(try SocketAddress.local(of: socket)) }

    /// The other end; `ENOTCONN` when that has left already.
    package init(peerOf socket: Int32) throws(SystemError) { self.init(try SocketAddress.peer(of: socket)) }

    private init(_ address: SocketAddress) {
        host = address.host.map { String($0.prefix { $0 != "%" }) }
        port = address.port
    }
}
