// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// One end of a connection to the daemon, or of one to an app, used by a test with blocking calls.
final class WireClient {
    struct Ended: Error {}
    struct Silent: Error {}

    let socket: Descriptor
    private var decoder: FrameDecoder
    private var leftover = ByteBuffer()

    init(_ socket: consuming Descriptor, phase: FramePhase = .fromDaemon) {
        self.socket = socket
        self.decoder = FrameDecoder(phase: phase)
    }

    func send(_ bytes: ByteBuffer) throws { try self.socket.writeAll(bytes.readableBytesView) }
    func send(_ text: String) throws { try self.socket.writeAll(text) }

    func send(_ hello: Hello) throws {
        var bytes = ByteBuffer()
        hello.write(into: &bytes)
        try self.send(bytes)
    }

    func send(_ messages: FrontMessage...) throws {
        var bytes = ByteBuffer()
        for message in messages { message.write(into: &bytes) }
        try self.send(bytes)
    }

    /// The next message; throws if the connection ends or stays silent.
    func next() throws -> DaemonMessage {
        while true {
            if let message = try DaemonMessage.next(from: &self.decoder) { return message }
            guard let bytes = try self.readSome() else { throw Ended() }
            self.decoder.append(bytes)
        }
    }

    /// The number of the stream that is attached by the next message.
    func nextAttached() throws -> StreamNumber {
        guard case .attached(let attached) = try self.next(), attached.mode == .relayed, let number = attached.number
        else { throw Ended() }
        return number
    }

    /// The app's socket that comes with the next message, and the number of its stream.
    ///
    /// `confirms`: the daemon is told that it is here.
    func nextHandedOver(confirms: Bool = true) throws -> (app: WireClient, number: StreamNumber) {
        var message = try DescriptorPassing.receive(limit: 4096, from: self.socket.rawValue)
        var handshake = StreamHandshake(token: StreamToken(high: 0, low: 0), features: WireFeature.streamFates)
        guard let app = message.descriptors.takeFirst(),
            case .attached(let attached, _) = try handshake.received(ByteBuffer(bytes: message.bytes)),
            attached.mode == .handedOver, let number = attached.number
        else { throw Ended() }
        try app.setNonBlocking(false)
        if confirms { try self.socket.writeAll([Attached.taken]) }
        return (WireClient(app), number)
    }

    /// What follows the frames, as soon as it has `count` bytes.
    func read(_ count: Int) throws -> String {
        var rest = self.takeLeftover()
        while rest.readableBytes < count {
            guard var bytes = try self.readSome() else { throw Ended() }
            rest.writeBuffer(&bytes)
        }
        let text = rest.readString(length: count) ?? ""
        self.leftover = rest
        return text
    }

    /// Everything up to the end of file.
    func readToEnd() throws -> ByteBuffer {
        var rest = self.takeLeftover()
        while var bytes = try self.readSome() { rest.writeBuffer(&bytes) }
        return rest
    }

    private func takeLeftover() -> ByteBuffer {
        var rest = self.leftover
        self.leftover = ByteBuffer()
        var undecoded = self.decoder.takeRemainder()
        rest.writeBuffer(&undecoded)
        return rest
    }

    private func readSome() throws -> ByteBuffer? {
        guard try !Poll.wait(self.socket.rawValue, for: .readable, timeout: .seconds(20)).isEmpty else {
            throw Silent()
        }
        do {
            let bytes = try self.socket.readSome(limit: 65_536)
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        } catch  where error.isConnectionReset {
            return nil
        }
    }
}
