// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// A connection whose first frame is not complete.
final class Newcomer {
    enum Progress {
        case waiting
        case arrived(Hello, remainder: ByteBuffer)
        /// To be told this before it is closed.
        case refused(String)
        /// Not worth an answer.
        case dropped(String)
        /// Closed by the peer itself.
        case left
    }

    struct Place {
        let source: EpollLoop.Source
        let timer: EpollLoop.Timer
    }

    let peer: PeerCredentials
    /// When it is given up, in nanoseconds of `MonotonicClock`.
    let deadline: UInt64
    let number: Int32
    /// In the doorkeeper's loop, once the first read was not enough.
    var place: Place?
    private let descriptor: TravellingDescriptor
    private let ticket: ConnectionTicket
    private var decoder = FrameDecoder(phase: .beforeHello)

    init(_ descriptor: consuming Descriptor, peer: PeerCredentials, ticket: ConnectionTicket, deadline: UInt64) {
        self.number = descriptor.rawValue
        self.descriptor = TravellingDescriptor(descriptor)
        self.peer = peer
        self.ticket = ticket
        self.deadline = deadline
    }

    /// Reads what is there.
    ///
    /// One read is enough: a complete first frame stops the reading, an incomplete one is smaller than `scratch`.
    func read(_ scratch: UnsafeMutableRawBufferPointer) -> Progress {
        do {
            switch try Transfers.read(self.number, into: scratch) {
            case .wouldBlock: return .waiting
            case .endOfStream: return .left
            case .bytes(let count):
                self.decoder.append(ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: scratch[..<count])))
                guard let frame = try self.decoder.nextFrame() else { return .waiting }
                return self.judge(try ReceivedHello(frame: frame))
            }
        } catch {
            return .dropped("\(error)")
        }
    }

    private func judge(_ received: ReceivedHello) -> Progress {
        let (version, product) =
            switch received {
            case .hello(let hello): (hello.version, hello.product)
            case .foreign(let hello): (hello.version, hello.product)
            }
        let agreement = VersionAgreement.between(
            own: .current,
            ownProduct: Product.nameAndVersion,
            peer: version,
            peerProduct: product
        )
        switch (agreement, received) {
        case (.refused(let text), _): return .refused(text)
        case (.speak, .hello(let hello)): return .arrived(hello, remainder: self.decoder.takeRemainder())
        case (.speak, .foreign): return .dropped("Hello of another major")
        }
    }

    /// The connection with a place among those of its role; nil if all are taken.
    func arrival(_ hello: Hello, remainder: ByteBuffer, counts: ConnectionCounts) -> Arrival? {
        guard let ticket = counts.admit(.init(uid: self.peer.uid, role: hello.role)) else { return nil }
        return Arrival(
            descriptor: self.descriptor,
            peer: self.peer,
            hello: hello,
            remainder: remainder,
            ticket: ticket
        )
    }

    /// Says why the connection is of no use; it is closed next.
    func refuse(_ text: String) {
        StreamReply.send(.helloReply(HelloReply(refusal: text)), to: self.number)
    }
}

/// Frames that are written on a descriptor that is no channel (yet).
enum StreamReply {
    /// One try: a peer that has not read a byte has room for a frame, and one that is gone misses nothing.
    static func send(_ message: DaemonMessage, to number: Int32) {
        var buffer = ByteBuffer()
        message.write(into: &buffer)
        buffer.withUnsafeReadableBytes { bytes in
            // The connection is closed behind a refusal anyway.
            _ = try? Transfers.send(number, bytes)
        }
    }
}
