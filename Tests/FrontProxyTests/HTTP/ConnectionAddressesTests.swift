// SPDX-License-Identifier: MIT

import AppTransport
import LinuxSystem
import TestSupport
import Testing

@testable import FrontProxy

struct ConnectionAddressesTests {
    @Test func `both ends of a TCP connection are known by number`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let client = try TCPSocket.connect(host: "127.0.0.1", port: listener.port, timeout: .seconds(10))
        let accepted = try UnixListener.accept(on: listener.rawValue)
        let addresses = try ConnectionAddresses(ofSocket: accepted.rawValue, isTrustedPeer: true)
        let own = try SocketName(localOf: client.rawValue)
        #expect(addresses.peer.address == "127.0.0.1" && addresses.peer.port == Int(own.port))
        #expect(addresses.local == "127.0.0.1" && addresses.localPort == Int(listener.port))
        #expect(addresses.peer.isTrustedAccount)
    }

    @Test func `the peer of a Unix socket has no number`() throws {
        let pair = try SocketPair.make()
        let addresses = try ConnectionAddresses(ofSocket: pair.firstEnd)
        #expect(addresses.peer.address == "unix:" && addresses.peer.port == 0)
        #expect(!addresses.peer.isTrustedAccount)
    }

    @Test func `a TCP client that has left is nobody, and no peer of a Unix socket`() throws {
        // As after a reset, there is no other end.
        let socket = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let error = #expect(throws: SystemError.self) { try ConnectionAddresses(ofSocket: socket.rawValue) }
        #expect(error?.isNotConnected == true)
    }
}
