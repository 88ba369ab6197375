// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

struct StreamSocketTests {
    private static let large = String(repeating: "0123456789abcdef", count: 128 * 1024)

    private static func write(_ text: String, to socket: SocketOnLoop) throws {
        try socket.on { $0.write(ByteBuffer(string: text)) }
    }

    /// What the peer has when all of it came.
    private static func read(_ count: Int, from socket: SocketOnLoop) throws -> String {
        var text = ""
        while text.utf8.count < count { text += try socket.take() }
        return text
    }

    @Test func `bytes go both ways, and the end of one way leaves the other open`() throws {
        let socket = try SocketOnLoop()
        try socket.send("hello")
        try socket.expect([.bytes("hello")])
        try socket.shutPeer()
        try socket.expect([.bytes("hello"), .inputEnded])
        try Self.write("answer", to: socket)
        #expect(try Self.read(6, from: socket) == "answer")
        #expect(try socket.on { $0.isOpen })
        try socket.on { $0.endOutput() }
        try socket.expect([.bytes("hello"), .inputEnded, .closed(.hungUp)])
        #expect(try socket.peerSeesEnd())
    }

    @Test func `what is more than one read comes whole and in order`() throws {
        let socket = try SocketOnLoop()
        try socket.send(Self.large)
        try socket.shutPeer()
        try socket.expect([.bytes(Self.large), .inputEnded], "all of it")
    }

    @Test func `while reading is paused nothing is read, and afterwards everything`() throws {
        let socket = try SocketOnLoop()
        try socket.on { $0.pauseReading() }
        try socket.send("early")
        try socket.shutPeer()
        try socket.settle()
        #expect(socket.recorder.events.isEmpty)
        try socket.on { $0.resumeReading() }
        try socket.expect([.bytes("early"), .inputEnded])
    }

    @Test func `what a peer sent that has left is kept for a reader who wants it`() throws {
        let socket = try SocketOnLoop()
        try socket.on { $0.pauseReading() }
        try socket.send("last words")
        socket.closePeer()
        try socket.settle()
        #expect(socket.recorder.events.isEmpty)
        try socket.on { $0.resumeReading() }
        try socket.expect([.bytes("last words"), .inputEnded, .closed(.hungUp)])
    }

    @Test func `a reader who does not want it hears of the end at once`() throws {
        let socket = try SocketOnLoop(keepsInput: false)
        try socket.on { $0.pauseReading() }
        try socket.send("last words")
        socket.closePeer()
        try socket.expect([.closed(.hungUp)])
    }

    @Test func `a peer that does not read stops the writer, and lets it go on when it has read`() throws {
        let socket = try SocketOnLoop()
        try Self.write(Self.large, to: socket)
        #expect(try socket.on { !$0.isWritable && $0.waitsForRoom && $0.waitingBytes > 256 * 1024 })
        // Small ones behind it are put together, and keep their place.
        for number in 0..<100 { try Self.write("\(number % 10)", to: socket) }
        let tail = String(repeating: "0123456789", count: 10)
        #expect(try Self.read(Self.large.utf8.count + tail.utf8.count, from: socket) == Self.large + tail)
        try socket.expect([.writable])
        #expect(try socket.on { $0.isWritable && $0.waitingBytes == 0 })
    }

    @Test func `two pieces arrive in order, whatever the kernel takes of them`() throws {
        let socket = try SocketOnLoop()
        let (first, second) = (Self.large, Self.large.uppercased())
        try socket.on { $0.write(ByteBuffer(string: "a"), ByteBuffer(string: "b")) }
        try socket.on { $0.write(ByteBuffer(), ByteBuffer(string: "c")) }
        try socket.on { $0.write(ByteBuffer(string: first), ByteBuffer(string: second)) }
        let all = "abc" + first + second
        #expect(try Self.read(all.utf8.count, from: socket) == all)
    }

    @Test func `the end of output comes behind what waits, and nothing follows it`() throws {
        let socket = try SocketOnLoop()
        try Self.write(Self.large, to: socket)
        try socket.on { socket in
            socket.endOutput()
            socket.write(ByteBuffer(string: "too late"))
        }
        #expect(try Self.read(Self.large.utf8.count, from: socket) == Self.large)
        try eventually("the end") { try socket.peerSeesEnd() }
    }

    @Test func `whoever waits for what is written hears when the kernel has it`() throws {
        let socket = try SocketOnLoop()
        let heard = Mutex<[String]>([])
        let note: @Sendable (String, Bool) -> Void = { name, isTaken in
            heard.withLock { $0.append("\(name) \(isTaken)") }
        }
        try socket.on { socket in
            socket.whenTaken { note("nothing", $0) }
            socket.write(ByteBuffer(string: Self.large))
            socket.whenTaken { note("first", $0) }
            socket.write(ByteBuffer(string: "more"))
            socket.whenTaken { note("second", $0) }
        }
        #expect(heard.withLock { $0 } == ["nothing true"])
        _ = try Self.read(Self.large.utf8.count + 4, from: socket)
        try eventually("both") { heard.withLock { $0 } == ["nothing true", "first true", "second true"] }
        try socket.on { socket in
            socket.write(ByteBuffer(string: Self.large))
            socket.whenTaken { note("third", $0) }
            socket.close()
            socket.whenTaken { note("fourth", $0) }
        }
        #expect(heard.withLock { $0 }.suffix(2) == ["third false", "fourth false"])
        try socket.expect([.writable, .closed(.closed)])
    }

    @Test(arguments: [false, true])
    func `what a peer said before it stopped to take bytes is heard`(isPaused: Bool) throws {
        let socket = try SocketOnLoop()
        try socket.on { if isPaused { $0.pauseReading() } }
        try socket.on { socket in
            // The answer is here before the peer leaves, and the socket has not looked yet.
            socket.pauseReading()
        }
        try socket.send("413 too large")
        socket.closePeer()
        try socket.on { $0.write(ByteBuffer(string: Self.large)) }
        #expect(try socket.on { !$0.isWritable })
        try socket.on { $0.resumeReading() }
        try eventually("the end") {
            guard case .closed? = socket.recorder.events.last else { return false }
            return socket.recorder.events.first == .bytes("413 too large")
        }
    }

    @Test func `after a close in the middle of what is received nothing follows`() throws {
        let box = Mutex<(@Sendable () -> Void)?>(nil)
        let socket = try SocketOnLoop { event in
            if case .bytes = event { box.withLock { $0 }?() }
        }
        let number = try socket.on { $0.number }
        let closing = NIOLoopBoundBox<StreamSocket?>.makeEmptyBox(eventLoop: socket.loop)
        try socket.on { closing.value = $0 }
        box.withLock { $0 = { closing.value?.close() } }
        try socket.send(Self.large.prefix(100_000).description)
        try eventually("the end") { socket.recorder.events.last == .closed(.closed) }
        #expect(socket.recorder.events.count == 2)
        // Its number may be somebody else's by now, and is not touched again.
        #expect(number >= 0)
        try socket.on {
            closing.value = nil; $0.close()
        }
        #expect(socket.recorder.events.count == 2)
    }
}
