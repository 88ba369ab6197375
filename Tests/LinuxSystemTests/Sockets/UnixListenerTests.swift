// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct UnixListenerTests {
    @Test func `a connection is accepted with the peer's credentials`() throws {
        let scratch = try Scratch()
        let listener = try UnixListener.bind(path: scratch.file("s"), mode: 0o600)
        let client = try UnixSocket.connect(path: scratch.file("s"))
        let connection = try listener.accept()
        #expect(connection.peer.pid == CurrentProcess.pid)
        #expect(connection.peer.uid == CurrentProcess.effectiveUID)
        try client.writeAll("hello")
        #expect(try connection.takeDescriptor().readSome(limit: 16).text == "hello")
        #expect(try UnixSocket.peerCredentials(client.rawValue).pid == CurrentProcess.pid)
    }

    @Test func `the mode is exact and nothing else is left in the directory`() throws {
        let scratch = try Scratch()
        let listener = try UnixListener.bind(path: scratch.file("s"), mode: 0o662)
        let status = try FileStatus(path: listener.path)
        #expect(status.kind == .socket)
        #expect(status.mode == 0o662)
        #expect(try Files.list(scratch.path) == ["s"])
    }

    @Test(.enabled(if: Games.isUsable, "needs root and the user games"))
    func `the socket belongs to the owner and group asked for`() throws {
        let games = try #require(Games.account)
        let scratch = try Scratch()
        let listener = try UnixListener.bind(path: scratch.file("s"), mode: 0o660, owner: games.uid, group: 33)
        let status = try FileStatus(path: listener.path)
        #expect(status.owner == games.uid)
        #expect(status.group == 33)
    }

    @Test func `a stale socket is replaced, and the path is never absent`() throws {
        let scratch = try Scratch()
        let path = scratch.file("s")
        let old = try UnixListener.bind(path: path, mode: 0o600)
        let new = try UnixListener.bind(path: path, mode: 0o600)
        _ = try UnixSocket.connect(path: path)
        _ = try new.accept()
        old.unlinkIfOwn()
        #expect(Files.exists(path), "the older listener must not remove its successor's file")
        new.unlinkIfOwn()
        #expect(!Files.exists(path))
    }

    @Test func `a file that is no socket is not replaced`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("precious", to: "s")
        let error = #expect(throws: SystemError.self) {
            let listener = try UnixListener.bind(path: path, mode: 0o600)
            _ = listener.rawValue
        }
        #expect(error?.isAlreadyExists == true)
        #expect(try Files.read(path).text == "precious")
    }

    @Test func `a path that is too long is refused by name`() throws {
        let path = "/tmp/" + String(repeating: "x", count: UnixSocket.maxPathLength)
        let error = #expect(throws: SystemError.self) {
            let listener = try UnixListener.bind(path: path, mode: 0o600)
            _ = listener.rawValue
        }
        #expect(error?.isNameTooLong == true)
        #expect(error?.subject == path)
    }

    @Test func `an empty queue of a listener that does not block says so`() throws {
        let scratch = try Scratch()
        let listener = try UnixListener.bind(path: scratch.file("s"), mode: 0o600, nonBlocking: true)
        let error = #expect(throws: SystemError.self) {
            let connection = try listener.accept()
            _ = connection.rawValue
        }
        #expect(error?.isWouldBlock == true)
    }
}
