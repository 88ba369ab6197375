// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// The attacher against a daemon that the test itself is.
final class StreamAttacherTests {
    private struct Missing: Error {}

    private final class Box: Sendable {
        let outcome = Mutex<StreamAttacher.Outcome?>(nil)
    }

    private let directory: TestDirectory
    private let listener: UnixListener
    private let attacher: StreamAttacher

    init() throws {
        self.directory = try TestDirectory()
        self.listener = try UnixListener.bind(path: self.directory.file("d.sock"), mode: 0o600)
        self.attacher = try StreamAttacher(socketPath: self.directory.file("d.sock"), features: WireFeature.supported) {
            _ in
        }
    }

    /// Asks for a stream, and answers as the daemon; what came of it, and the daemon's end.
    private func attach(
        _ answer: DaemonMessage?,
        behind: String = "",
        descriptors: [Int32] = []
    ) throws -> (StreamAttacher.Outcome, SharedDescriptor) {
        let box = Box()
        self.attacher.attach(
            .init(token: StreamToken(high: 1, low: 2)) { outcome in box.outcome.withLock { $0 = outcome } }
        )
        let connection = SharedDescriptor(try self.listener.accept().takeDescriptor())
        var decoder = FrameDecoder(phase: .beforeHello)
        decoder.append(ByteBuffer(bytes: try connection.descriptor.readSome(limit: 4096)))
        let frame = try #require(try decoder.nextFrame())
        guard case .hello(let hello) = try ReceivedHello(frame: frame) else { throw Missing() }
        #expect(hello.role == .stream && hello.streamToken == StreamToken(high: 1, low: 2))
        #expect(hello.features & WireFeature.handedOverStreams != 0)
        if let answer {
            var bytes = ByteBuffer()
            answer.write(into: &bytes)
            bytes.writeString(behind)
            try DescriptorPassing.sendAll(bytes.readableBytesView, descriptors: descriptors, over: connection.rawValue)
        } else {
            try connection.descriptor.shutdownBoth()
        }
        try eventually("an answer") { box.outcome.withLock { $0 != nil } }
        let outcome = try #require(box.outcome.withLock { $0 })
        return (outcome, connection)
    }

    private func attached(_ mode: Attached.Mode) -> DaemonMessage {
        .attached(Attached(mode: mode, number: StreamNumber(rawValue: 5)))
    }

    private func reason(_ outcome: StreamAttacher.Outcome) -> String {
        switch outcome {
        case .success: "none"
        case .failure(let failure): failure.reason
        }
    }

    @Test func `a socket that is handed over is confirmed, and shut if nobody wants it`() throws {
        var pair = try SocketPair.make()
        guard let given = pair.takeFirst(), let app = pair.takeSecond() else { throw Missing() }
        let (outcome, connection) = try self.attach(self.attached(.handedOver), descriptors: [given.rawValue])
        let stream = try outcome.get()
        #expect(try connection.descriptor.readSome(limit: 10) == [Attached.taken])
        #expect(try connection.descriptor.readSome(limit: 10) == [])
        #expect(stream.number == StreamNumber(rawValue: 5))
        guard let socket = stream.socket.take() else { throw Missing() }
        try socket.writeAll("request")
        let heard = try app.readSome(limit: 10)
        #expect(heard == Array("request".utf8))
        stream.discard()
        let rest = try app.readSome(limit: 10)
        #expect(rest == [], "although the daemon has a duplicate")
    }

    @Test func `a connection that is relayed is kept, with the first bytes of the app`() throws {
        let (outcome, connection) = try self.attach(self.attached(.relayed), behind: "HTTP")
        let stream = try outcome.get()
        #expect(stream.duplicate == nil && stream.remainder == ByteBuffer(string: "HTTP"))
        guard let socket = stream.socket.take() else { throw Missing() }
        try socket.writeAll("request")
        #expect(try connection.descriptor.readSome(limit: 10) == Array("request".utf8))
    }

    @Test func `an answer without its socket, a refusal, an end and nonsense are failures with their reasons`() throws {
        let nothing = try self.attach(self.attached(.handedOver)).0
        #expect(self.reason(nothing).contains("did not come with it"))
        let refused = try self.attach(.helloReply(HelloReply(refusal: "no such token"))).0
        #expect(self.reason(refused) == "the daemon refused the stream: no such token")
        let ended = try self.attach(nil).0
        #expect(self.reason(ended) == "the daemon closed the stream before it was attached")
        let nonsense = try self.attach(.pong(1)).0
        #expect(self.reason(nonsense).contains("malformed"))
    }

    @Test func `where nobody listens the reason says so`() throws {
        let box = Box()
        let path = self.directory.file("nobody.sock")
        let attacher = try StreamAttacher(socketPath: path, features: WireFeature.supported) { _ in }
        attacher.attach(.init(token: StreamToken(high: 1, low: 2)) { outcome in box.outcome.withLock { $0 = outcome } })
        try eventually("an answer") { box.outcome.withLock { $0 != nil } }
        let outcome = try #require(box.outcome.withLock { $0 })
        #expect(self.reason(outcome).contains(path) && self.reason(outcome).contains("ENOENT"))
    }
}
