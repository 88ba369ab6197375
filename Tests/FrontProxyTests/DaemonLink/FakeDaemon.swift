// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import WireProtocol

/// What the front did not do.
struct FakeDaemonFailure: Error, CustomStringConvertible {
    let description: String
}

/// The daemon's side of control connections, driven by a test step by step.
final class FakeDaemon {
    private let directory: TestDirectory
    private let listener: UnixListener
    let path: String

    init() throws {
        directory = try TestDirectory()
        path = directory.path + "/daemon.sock"
        listener = try UnixListener.bind(path: path, mode: 0o600)
    }

    /// The next connection; the answer to its `Hello` is still to be given.
    func accept() throws -> FakeDaemonConnection {
        guard try !Poll.wait(listener.rawValue, for: .readable, timeout: .seconds(20)).isEmpty else {
            throw FakeDaemonFailure(description: "nobody connected")
        }
        return FakeDaemonConnection(try listener.accept().takeDescriptor())
    }

    /// The next connection, greeted.
    func greet(highestGeneration: UInt64 = 0) throws -> FakeDaemonConnection {
        let connection = try accept()
        _ = try connection.hello()
        try connection.send(.helloReply(HelloReply(highestGeneration: highestGeneration)))
        return connection
    }
}

final class FakeDaemonConnection {
    private let descriptor: Descriptor
    private var decoder = FrameDecoder(phase: .beforeHello)

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    func hello() throws -> Hello {
        guard let frame = try frame(), case .hello(let hello) = try ReceivedHello(frame: frame) else {
            throw FakeDaemonFailure(description: "no Hello")
        }
        decoder.phase = .fromFront(mayManifest: true)
        return hello
    }

    func next() throws -> FrontMessage {
        guard let frame = try frame() else { throw FakeDaemonFailure(description: "the front closed the connection") }
        return try FrontMessage(frame: frame)
    }

    func send(_ message: DaemonMessage) throws {
        var buffer = ByteBuffer()
        message.write(into: &buffer)
        try send(buffer.readableBytesView)
    }

    func send(_ bytes: some Sequence<UInt8>) throws { try descriptor.writeAll(bytes) }

    /// nil at the end of the stream.
    private func frame() throws -> Frame? {
        while true {
            if let frame = try decoder.nextFrame() { return frame }
            guard try !Poll.wait(descriptor.rawValue, for: .readable, timeout: .seconds(20)).isEmpty else {
                throw FakeDaemonFailure(description: "the front is silent")
            }
            let bytes = try descriptor.readSome(limit: 65_536)
            guard !bytes.isEmpty else { return nil }
            decoder.append(ByteBuffer(bytes: bytes))
        }
    }

    /// Whether the front closes the connection without a further message.
    func isClosed() throws -> Bool { try frame() == nil }
}
