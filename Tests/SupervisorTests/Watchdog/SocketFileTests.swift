// SPDX-License-Identifier: MIT

import ArgumentParser
import LinuxSystem
import Testing

@testable import Supervisor

@Suite struct SocketFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-socket-")
        defer { try? Files.removeTree(directory) }
        try body(directory)
    }

    private func open(_ path: String) throws -> SocketFile {
        let options = try DaemonCommand.parse(["--socket-file", path, "--front-user=root"]).options
        return try SocketFile.open(options.process, users: try DaemonUsers(options))
    }

    @Test func `the socket has its mode, and both files go away with it`() throws {
        try withDirectory { directory in
            let path = directory + "/fp.sock"
            let socket = try open(path)
            #expect(try FileStatus(path: path).mode == 0o660)
            #expect(FileLock.content(of: path + ".lock") == "\(CurrentProcess.pid)\n")
            _ = try UnixSocket.connect(path: path)
            socket.remove()
            #expect(try Files.list(directory).isEmpty)
        }
    }

    @Test func `a second daemon on the same socket is refused and told who has it`() throws {
        try withDirectory { directory in
            let path = directory + "/fp.sock"
            let socket = try open(path)
            let pid = CurrentProcess.pid
            #expect(
                throws: StartProblem(
                    "Another Flying Passenger daemon (PID \(pid)) is already using the socket \(path). "
                        + "Stop it first, or choose another --socket-file."
                )
            ) { _ = try open(path) }
            #expect(Files.exists(path))
            socket.remove()
        }
    }

    @Test func `a stale socket is replaced`() throws {
        try withDirectory { directory in
            let path = directory + "/fp.sock"
            do { _ = try UnixListener.bind(path: path, mode: 0o600) }
            #expect(Files.exists(path))
            let socket = try open(path)
            _ = try UnixSocket.connect(path: path)
            socket.remove()
        }
    }

    @Test func `a socket that another one has replaced is left alone at the end`() throws {
        try withDirectory { directory in
            let path = directory + "/fp.sock"
            let socket = try open(path)
            let other = try UnixListener.bind(path: path, mode: 0o600)
            socket.remove()
            #expect(Files.exists(path))
            other.unlinkIfOwn()
        }
    }

    @Test func `a file that is no socket is not replaced`() throws {
        try withDirectory { directory in
            let path = directory + "/fp.sock"
            try Files.write(Array("precious".utf8), to: path)
            #expect(
                throws: StartProblem(
                    "Cannot listen on \(path): there is a file of that name which is no socket. "
                        + "Remove it, or choose another --socket-file."
                )
            ) { _ = try open(path) }
            #expect(try Files.list(directory) == ["fp.sock"])
        }
    }

    @Test func `a path that does not fit into an address is refused`() throws {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        let problem = #expect(throws: StartProblem.self) { _ = try open(path) }
        #expect(problem?.description.hasPrefix("The socket path is 108 bytes long") == true)
    }

    @Test func `a directory that does not exist is named`() throws {
        let problem = #expect(throws: StartProblem.self) { _ = try open("/nonexistent/fp.sock") }
        #expect(
            problem?.description
                == "Cannot create the socket /nonexistent/fp.sock: the directory /nonexistent does not exist. "
                + "Create it, or choose another --socket-file."
        )
    }
}
