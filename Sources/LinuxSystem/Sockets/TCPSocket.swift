// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A listening TCP socket.
package struct TCPListener: ~Copyable, Sendable {
    private let descriptor: Descriptor
    /// The port, also when it was chosen by the kernel.
    package let port: UInt16

    package var rawValue: Int32 { descriptor.rawValue }

    package consuming func takeDescriptor() -> Descriptor { descriptor }

    /// Binds and listens.
    ///
    /// `host` is a numeric address of either family, a name, or "" or "*" for all IPv4 addresses.
    ///
    /// Port 0 lets the kernel choose. An IPv6 socket serves IPv6 only, unless `dualStack`.
    package static func bind(
        host: String,
        port: UInt16,
        backlog: Int32 = 1024,
        nonBlocking: Bool = false,
        dualStack: Bool = false
    ) throws(SystemError) -> TCPListener {
        let address = try SocketAddress.resolve(host: host == "*" ? "" : host, port: port, passive: true)
        let subject = "\(host):\(port)"
        let descriptor = Descriptor(owning: try checked("socket", subject) { fp_socket(address.family, nonBlocking) })
        try SocketOption.set(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.family == AF_INET6 {
            try SocketOption.set(descriptor.rawValue, Int32(IPPROTO_IPV6), IPV6_V6ONLY, dualStack ? 0 : 1)
        }
        _ = try checked("bind", subject) { address.withPointer { Glibc.bind(descriptor.rawValue, $0, $1) } }
        _ = try checked("listen", subject) { listen(descriptor.rawValue, backlog) }
        let bound = try SocketAddress.local(of: descriptor.rawValue)
        return TCPListener(descriptor: descriptor, port: bound.port)
    }
}

/// Connections over TCP.
package enum TCPSocket {
    /// Connects and waits at most `timeout`; the socket blocks afterwards.
    package static func connect(host: String, port: UInt16, timeout: Duration) throws(SystemError) -> Descriptor {
        let descriptor = try connect(host: host, port: port)
        let subject = "\(host):\(port)"
        if try Poll.wait(descriptor.rawValue, for: .writable, timeout: timeout).isEmpty {
            throw SystemError(call: "connect", code: ETIMEDOUT, subject: subject)
        }
        let code = try SocketOption.get(descriptor.rawValue, SOL_SOCKET, SO_ERROR)
        if code != 0 { throw SystemError(call: "connect", code: code, subject: subject) }
        try descriptor.setNonBlocking(false)
        return descriptor
    }

    /// Starts to connect without waiting: writable once it is done, `error(of:)` then tells how.
    package static func connect(host: String, port: UInt16) throws(SystemError) -> Descriptor {
        let address = try SocketAddress.resolve(host: host, port: port, passive: false)
        let subject = "\(host):\(port)"
        let descriptor = Descriptor(owning: try checked("socket", subject) { fp_socket(address.family, true) })
        try SocketOption.set(descriptor.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        do {
            _ = try checked("connect", subject) { address.withPointer { Glibc.connect(descriptor.rawValue, $0, $1) } }
        } catch  where error.isInProgress {
            // The usual case; the kernel goes on by itself.
        }
        return descriptor
    }

    /// Lets small pieces leave without waiting for larger ones (`TCP_NODELAY`); nothing for sockets of other kinds.
    package static func sendAtOnce(_ socket: Int32) {
        try? SocketOption.set(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// The pending error of a socket (`SO_ERROR`), `nil` when there is none; reading it clears it.
    package static func error(of socket: Int32) throws(SystemError) -> SystemError? {
        let code = try SocketOption.get(socket, SOL_SOCKET, SO_ERROR)
        return code == 0 ? nil : SystemError(call: "connect", code: code)
    }
}

/// Integer options of sockets.
enum SocketOption {
    static func set(_ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        _ = try checked("setsockopt") { fp_set_socket_flag(socket, level, option, value) }
    }

    static func get(_ socket: Int32, _ level: Int32, _ option: Int32) throws(SystemError) -> Int32 {
        var value: Int32 = 0
        _ = try checked("getsockopt") { fp_socket_number(socket, level, option, &value) }
        return value
    }
}
