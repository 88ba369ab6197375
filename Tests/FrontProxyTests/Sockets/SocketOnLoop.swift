// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Synchronization
import TestSupport

@testable import FrontProxy

/// One end of a socket pair on a loop of its own; the test has the other.
final class SocketOnLoop {
    /// What its owner was told.
    enum Event: Equatable {
        case bytes(String)
        case inputEnded
        case writable
        case closed(StreamSocket.End)
    }

    /// Keeps what it is told; may act on it, on the loop.
    final class Recorder: StreamSocketOwner, Sendable {
        private let told = Mutex<[Event]>([])
        private let react: @Sendable (Event) -> Void

        init(_ react: @escaping @Sendable (Event) -> Void) { self.react = react }

        /// Pieces that follow each other are one.
        var events: [Event] { told.withLock { $0 } }

        func socketReceived(_ bytes: ByteBuffer) { note(.bytes(String(buffer: bytes))) }
        func socketInputEnded() { note(.inputEnded) }
        func socketBecameWritable() { note(.writable) }
        func socketClosed(_ end: StreamSocket.End) { note(.closed(end)) }

        private func note(_ event: Event) {
            told.withLock { told in
                if case .bytes(let more) = event, case .bytes(let text)? = told.last {
                    told[told.count - 1] = .bytes(text + more)
                } else {
                    told.append(event)
                }
            }
            react(event)
        }
    }

    let loop: SocketLoop
    let recorder: Recorder
    private let socket: NIOLoopBound<StreamSocket>
    private var peer: SharedDescriptor?

    init(
        keepsInput: Bool = true,
        marks: StreamSocket.Marks = StreamSocket.Marks(),
        react: @escaping @Sendable (Event) -> Void = { _ in }
    ) throws {
        var pair = try SocketPair.make(nonBlocking: true)
        guard let first = pair.takeFirst(), let second = pair.takeSecond() else { throw Missing(what: "an end") }
        let loop = try SocketLoop { error in fatalError("\(error)") }
        let recorder = Recorder(react)
        let own = TravellingDescriptor(first)
        socket = try loop.submit {
            guard let descriptor = own.take() else { throw Missing(what: "the socket") }
            let socket = try StreamSocket(descriptor, on: loop, owner: recorder, marks: marks, keepsInput: keepsInput)
            return NIOLoopBound(socket, eventLoop: loop)
        }
        .wait()
        self.loop = loop
        self.recorder = recorder
        peer = SharedDescriptor(second)
    }

    deinit { loop.shutdownGracefully { _ in } }

    struct Missing: Error { let what: String }

    func on<Result: Sendable>(_ body: @escaping @Sendable (StreamSocket) -> Result) throws -> Result {
        let socket = socket
        return try loop.submit { body(socket.value) }.wait()
    }

    /// The test's end sends.
    func send(_ text: String) throws { try present().descriptor.writeAll(text) }

    func closePeer() { peer = nil }

    func shutPeer() throws { try present().descriptor.shutdownWrite() }

    /// Takes what has come to the test's end.
    func take() throws -> String {
        let peer = try present()
        var text = ""
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { room.deallocate() }
        while case .bytes(let count) = try peer.descriptor.read(into: room) {
            text += String(decoding: room[..<count], as: UTF8.self)
        }
        return text
    }

    /// Whether the test's end has nothing more to expect.
    func peerSeesEnd() throws -> Bool {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { room.deallocate() }
        return try present().descriptor.read(into: room) == .endOfStream
    }

    private func present() throws -> SharedDescriptor {
        guard let peer else { throw Missing(what: "the peer") }
        return peer
    }

    /// Waits until exactly this was told.
    func expect(_ events: [Event], _ what: String = "events") throws {
        try eventually("\(what): \(events) after \(recorder.events)") { self.recorder.events == events }
    }

    /// All that other threads and the kernel have for the loop at this moment is done when it returns.
    func settle() throws { for _ in 0..<3 { _ = try on { $0.isOpen } } }
}
