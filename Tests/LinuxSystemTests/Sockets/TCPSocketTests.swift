// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct TCPSocketTests {
    @Test(arguments: ["127.0.0.1", "localhost", "*"])
    func `a listener on a chosen port is connected to`(host: String) throws {
        let listener = try TCPListener.bind(host: host, port: 0)
        #expect(listener.port != 0)
        let client = try TCPSocket.connect(host: "127.0.0.1", port: listener.port, timeout: .seconds(5))
        try client.writeAll("x")
        let readable = try Poll.wait(listener.rawValue, for: .readable, timeout: .seconds(5))
        #expect(readable == .readable)
    }

    @Test func `a port in use is refused`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let error = #expect(throws: SystemError.self) {
            _ = try TCPListener.bind(host: "127.0.0.1", port: listener.port).port
        }
        #expect(error?.isAddressInUse == true)
        #expect(error?.subject == "127.0.0.1:\(listener.port)")
    }

    @Test func `nobody listening is a refusal`() throws {
        // Not the address that other tests listen on, one of whom may get the port next.
        let port = try TCPListener.bind(host: "127.0.0.9", port: 0).port
        let error = #expect(throws: SystemError.self) {
            _ = try TCPSocket.connect(host: "127.0.0.9", port: port, timeout: .seconds(5)).rawValue
        }
        #expect(error?.isConnectionRefused == true)
    }

    @Test func `an address of a listener is read back`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        #expect(
            InheritedListeners.address(of: listener.rawValue) == .tcp(host: "127.0.0.1", port: listener.port)
        )
        let scratch = try Scratch()
        let unix = try UnixListener.bind(path: scratch.file("s"), mode: 0o600)
        guard case .unix(let path) = InheritedListeners.address(of: unix.rawValue) else {
            Issue.record("not a Unix socket")
            return
        }
        #expect(path.hasPrefix(scratch.path))
        #expect(InheritedListeners.address(of: try Descriptor.null().release()) == .other)
    }

    @Test func `a name that does not exist is an error`() {
        #expect(throws: SystemError.self) { _ = try TCPListener.bind(host: "no such host", port: 0).port }
    }
}
