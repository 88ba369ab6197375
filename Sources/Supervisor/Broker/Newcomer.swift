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

    /// A first frame that is complete.
    struct Greeting {
        let hello: Hello
        /// What came behind it.
        let remainder: ByteBuffer
    }

    struct Place {
        /// nil: it has arrived, but its user opens connections too fast; nothing is read until it is handed on.
        let source: EpollLoop.Source?
        let timer: EpollLoop.Timer
    }

    let peer: PeerCredentials
    /// When it is given up, in nanoseconds of `MonotonicClock`.
    let deadline: UInt64
    let number: Int32
    /// In the doorkeeper's loop, once the first read was not enough, or it came too fast.
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
    func arrival(_ greeting: Greeting, counts: ConnectionCounts) -> Arrival? {
        let kind = ConnectionCounts.Kind(uid: self.peer.uid, role: greeting.hello.role)
        guard let ticket = counts.admit(kind, fromReserve: self.peer.isRootOrDaemon) else { return nil }
        return Arrival(
            descriptor: self.descriptor,
            peer: self.peer,
            hello: greeting.hello,
            remainder: greeting.remainder,
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
