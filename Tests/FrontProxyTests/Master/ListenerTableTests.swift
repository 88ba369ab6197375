// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import TestSupport
import Testing

@testable import FrontProxy

struct ListenerTableTests {
    private func tcp(_ port: UInt16) -> FrontModel.Listen { .init(address: .tcp(host: "127.0.0.1", port: port)) }

    private func inherited() throws -> (listener: InheritedListener, port: UInt16) {
        let socket = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let port = socket.port
        return (InheritedListener(name: "web", socket.takeDescriptor()), port)
    }

    @Test func `a socket passed on is used for its address`() throws {
        let (listener, port) = try inherited()
        let table = try ListenerTable(inherited: [listener]).updated(for: [tcp(port)])
        let entry = try #require(table.entries[tcp(port).address])
        #expect(entry.isInherited)
        #expect(table.unusedDescriptions == [])
        #expect(InheritedListeners.address(of: entry.socket.rawValue) == .tcp(host: "127.0.0.1", port: port))
    }

    @Test func `a socket passed on for nothing is named`() throws {
        let (listener, port) = try inherited()
        let table = try ListenerTable(inherited: [listener]).updated(for: [tcp(0)])
        #expect(table.unusedDescriptions == ["127.0.0.1:\(port)"])
        #expect(table.inheritedAddresses == [tcp(port).address])
    }

    @Test func `an update keeps the sockets that are still wanted`() throws {
        let first = try ListenerTable().updated(for: [tcp(0)])
        let directory = try TestDirectory()
        let unix = FrontModel.Listen(address: .unix(path: directory.path + "/web.sock"))
        let second = try first.updated(for: [tcp(0), unix])
        #expect(first.entries[tcp(0).address]?.socket === second.entries[tcp(0).address]?.socket)
        #expect(second.entries[unix.address]?.isInherited == false)
        #expect(Files.exists(directory.path + "/web.sock"))
        second.entries[unix.address]?.unixListener?.unlinkIfOwn()
        #expect(!Files.exists(directory.path + "/web.sock"))
        #expect(try second.updated(for: []).entries.isEmpty)
    }

    @Test func `an address that is taken is an error that says so`() throws {
        let (listener, port) = try inherited()
        let error = #expect(throws: StartError.self) { try ListenerTable().updated(for: [tcp(port)]) }
        #expect(error?.description == "cannot listen on 127.0.0.1:\(port): another program listens there already")
        withExtendedLifetime(listener) {}
    }
}
