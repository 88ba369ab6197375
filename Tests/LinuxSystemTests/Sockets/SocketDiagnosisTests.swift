// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct SocketDiagnosisTests {
    @Test func `the owner of a listener is the user who made it`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let facts = try SocketDiagnosis.tcpListeners(port: listener.port)
        #expect(facts.owners(at: [127, 0, 0, 1]) == [CurrentProcess.effectiveUID])
        #expect(facts.owners(at: [127, 0, 0, 2]).isEmpty)
        #expect(facts.map(\.address) == [[127, 0, 0, 1]])
        #expect(facts.first.map { UInt64($0.inode) } == (try FileStatus(descriptor: listener.rawValue).inode))
    }

    @Test func `a closed listener is not found any more`() throws {
        let (port, inode) = try closedListener()
        // Another test may have got the port meanwhile.
        #expect(try !SocketDiagnosis.tcpListeners(port: port).contains { UInt64($0.inode) == inode })
    }

    private func closedListener() throws -> (port: UInt16, inode: UInt64) {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        return (listener.port, try FileStatus(descriptor: listener.rawValue).inode)
    }

    @Test func `listeners of both families are found`() throws {
        guard let six = try? TCPListener.bind(host: "::1", port: 0) else { return }
        let four = try? TCPListener.bind(host: "127.0.0.1", port: six.port)
        let found = try SocketDiagnosis.tcpListeners(port: six.port)
        #expect(found.contains { $0.address.count == 16 && $0.isOnlyIPv6 })
        #expect(found.owners(at: [UInt8](repeating: 0, count: 15) + [1]) == [CurrentProcess.effectiveUID])
        if four != nil { #expect(found.contains { $0.address.count == 4 }) }
    }

    @Test(.enabled(if: Games.isUsable, "needs root and the user games"))
    func `a listener of another user shows that user`() throws {
        let games = try #require(Games.account)
        let program = TestProgram(
            "/usr/bin/python3",
            [
                "-c",
                "import socket,sys;s=socket.socket();s.bind(('127.0.0.1',0));s.listen();"
                    + "print(s.getsockname()[1],flush=True);sys.stdin.read()",
            ]
        )
        var input = try SocketPair.make()
        var output = try Pipe.make()
        let reader = try owned(output.takeReadEnd())
        var plan = program.plan(as: games)
        plan.descriptors = [
            .init(source: input.secondEnd, target: 0), .init(source: output.writeEnd, target: 1),
        ]
        let process = try TestProgram.launcher.launch(plan)
        try close(input.takeSecond())
        let line = try reader.readSome(limit: 16).text
        let port = try #require(UInt16(line.split(separator: "\n").first ?? ""))
        #expect(try SocketDiagnosis.tcpListeners(port: port).owners(at: [127, 0, 0, 1]) == [games.uid])
        try close(input.takeFirst())
        _ = try process.handle.waitForExit()
    }

    private typealias Facts = SocketDiagnosis.TCPListenerFacts

    @Test(
        arguments: [
            // (listeners: uid, address, IPv6 only), (address of the app, who gets a connection to it)
            ([(1, "127.0.0.1", false)], "127.0.0.1", [1]), ([(1, "127.0.0.2", false)], "127.0.0.1", []),
            ([(1, "127.0.0.1", false), (2, "127.0.0.2", false)], "127.0.0.1", [1]),
            ([(1, "127.0.0.1", false), (2, "::1", true)], "127.0.0.1", [1]),
            ([(1, "127.0.0.1", false), (2, "::", true)], "127.0.0.1", [1]),
            ([(1, "127.0.0.1", false), (2, "0.0.0.0", false)], "127.0.0.1", [1]),
            ([(1, "0.0.0.0", false), (2, "::", false)], "127.0.0.1", [1]), ([(2, "::", false)], "127.0.0.1", [2]),
            ([(2, "::", true)], "127.0.0.1", []), ([(2, "0.0.0.0", false)], "127.0.0.1", [2]),
            ([(1, "::ffff:127.0.0.1", false), (2, "0.0.0.0", false)], "127.0.0.1", [1]),
            ([(1, "127.0.0.1", false), (2, "127.0.0.1", false)], "127.0.0.1", [1, 2]),
            ([(1, "::1", true), (2, "127.0.0.1", false), (3, "::", false)], "::1", [1]),
            ([(3, "::", false)], "::1", [3]), ([(2, "0.0.0.0", false)], "::1", []),
            ([(1, "192.0.2.7", false), (2, "127.0.0.1", false)], "192.0.2.7", [1]),
        ] as [([(UInt32, String, Bool)], String, Set<UInt32>)]
    )
    func `the most exact listener gets a connection`(
        listeners: [(UInt32, String, Bool)],
        host: String,
        owners: Set<UInt32>
    ) throws {
        let facts = try listeners.map { uid, address, isOnlyIPv6 in
            Facts(uid: uid, inode: 1, address: try #require(NumericAddress.bytes(address)), isOnlyIPv6: isOnlyIPv6)
        }
        #expect(facts.owners(at: try #require(NumericAddress.bytes(host))) == owners)
    }

    @Test func `what is not an address has no bytes`() {
        for text in ["", "localhost", "127.0.0", "1.2.3.4.5", ":::", "[::1]"] {
            #expect(NumericAddress.bytes(text) == nil, "\(text)")
        }
    }

    @Test func `a connection waits in the accept queue until it is accepted`() throws {
        let scratch = try Scratch()
        let listener = try UnixListener.bind(path: scratch.file("s"), mode: 0o600)
        #expect(try SocketDiagnosis.acceptQueueLength(ofUnixListener: listener.rawValue) == 0)
        let first = try UnixSocket.connect(path: listener.path)
        let second = try UnixSocket.connect(path: listener.path)
        #expect(try SocketDiagnosis.acceptQueueLength(ofUnixListener: listener.rawValue) == 2)
        _ = try listener.accept().peer
        #expect(try SocketDiagnosis.acceptQueueLength(ofUnixListener: listener.rawValue) == 1)
        _ = (first.rawValue, second.rawValue)
    }
}
