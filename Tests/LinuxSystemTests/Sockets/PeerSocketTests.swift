// SPDX-License-Identifier: MIT

import Glibc
import LinuxSystem
import Testing

struct PeerSocketTests {
    /// A connection over loopback: the accepted end and the connecting one, to be closed by the caller.
    static func pair() throws -> (accepted: Int32, connecting: Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connecting = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let results = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                [
                    bind(listener, pointer, length), listen(listener, 1), getsockname(listener, pointer, &length),
                    connect(connecting, pointer, length),
                ]
            }
        }
        try #require(results == [0, 0, 0, 0])
        let accepted = accept(listener, nil, nil)
        try #require(accepted >= 0)
        return (accepted, connecting)
    }

    @Test func `the user of a peer on loopback is found`() throws {
        let pair = try Self.pair()
        defer {
            close(pair.accepted)
            close(pair.connecting)
        }
        #expect(PeerSocket.uid(ofPeerOfTCP: pair.accepted) == geteuid())
        #expect(PeerSocket.uid(ofPeerOfTCP: pair.connecting) == geteuid())
    }

    @Test(arguments: [true, false])
    func `a peer that has closed or shut its side is nobody`(_ closes: Bool) throws {
        let pair = try Self.pair()
        defer { close(pair.accepted) }
        if closes { close(pair.connecting) } else { shutdown(pair.connecting, Int32(SHUT_WR)) }
        #expect(PeerSocket.uid(ofPeerOfTCP: pair.accepted) == nil)
        if !closes { close(pair.connecting) }
    }

    @Test func `what is no TCP connection has no peer on loopback`() {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        #expect(PeerSocket.uid(ofPeerOfTCP: ends[0]) == nil && PeerSocket.uid(ofPeerOfTCP: -1) == nil)
        for end in ends { close(end) }
    }

    // MARK: Lookups over one socket

    @Test(arguments: [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")])
    func `a connection waits in the queue of a listener until a process accepts it`(_ hosts: (String, String)) throws {
        let listener = try TCPListener.bind(host: hosts.0, port: 0, dualStack: hosts.0 == "::")
        let connection = try TCPSocket.connect(host: hosts.1, port: listener.port, timeout: .seconds(5))
        var lookup = PeerLookup()
        #expect(try lookup.holder(ofPeerOf: connection.rawValue) == .queue)
        #expect(try lookup.listener(atPeerOf: connection.rawValue) == geteuid())
        let accepted = accept(listener.rawValue, nil, nil)
        #expect(try lookup.holder(ofPeerOf: connection.rawValue) == .process(uid: geteuid()))
        close(accepted)
        #expect(try lookup.holder(ofPeerOf: connection.rawValue) == .nobody)
    }

    @Test func `a listener that waits for data has the connection in its queue`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        var seconds: Int32 = 5
        setsockopt(listener.rawValue, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, &seconds, 4)
        let connection = try TCPSocket.connect(host: "127.0.0.1", port: listener.port, timeout: .seconds(5))
        var lookup = PeerLookup()
        #expect(try lookup.holder(ofPeerOf: connection.rawValue) == .queue)
        #expect(try lookup.listener(atPeerOf: connection.rawValue) == geteuid())
    }

    @Test func `a connection whose listener is closed is nobody's`() throws {
        let connection = try connectionWithoutListener()
        var lookup = PeerLookup()
        #expect(try lookup.holder(ofPeerOf: connection.rawValue) == .nobody)
    }

    private func connectionWithoutListener() throws -> Descriptor {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        return try TCPSocket.connect(host: "127.0.0.1", port: listener.port, timeout: .seconds(5))
    }

    @Test func `a lookup goes on after a question that fails`() throws {
        var lookup = PeerLookup()
        #expect(throws: SystemError.self) { try lookup.holder(ofPeerOf: -1) }
        let pair = try Self.pair()
        #expect(try lookup.holder(ofPeerOf: pair.connecting) == .process(uid: geteuid()))
        close(pair.accepted)
        close(pair.connecting)
    }
}
