// SPDX-License-Identifier: MIT

package import NIOCore

/// The front's side of attaching one stream: `Hello` out, one frame in, then opaque bytes.
///
/// Request bytes may be written right behind the `Hello`; a refusal proves that none of them reached an app.
package struct StreamHandshake: Sendable {
    package enum Outcome: Hashable, Sendable {
        case incomplete
        /// The stream is open; `remainder` are the first bytes of the app's answer.
        case attached(Attached, remainder: ByteBuffer)
        case refused(String)
    }

    package let hello: Hello
    private var decoder = FrameDecoder(phase: .fromDaemon)

    package init(
        token: StreamToken,
        features: UInt64,
        product: String = Product.nameAndVersion
    ) {
        self.hello = Hello(product: product, role: .stream, streamToken: token, features: features)
    }

    /// Takes what was read; not to be called again after another outcome than `incomplete`.
    package mutating func received(_ bytes: ByteBuffer) throws(WireError) -> Outcome {
        self.decoder.append(bytes)
        guard let message = try DaemonMessage.next(from: &self.decoder) else { return .incomplete }
        switch message {
        case .attached(let attached):
            return .attached(attached, remainder: self.decoder.takeRemainder())
        case .helloReply(let reply):
            return .refused(reply.refusal ?? "the daemon did not attach the stream and gave no reason")
        case .appAccepted: throw .unexpectedType(MessageType.appAccepted.rawValue)
        case .appRejected: throw .unexpectedType(MessageType.appRejected.rawValue)
        case .granted: throw .unexpectedType(MessageType.granted.rawValue)
        case .refused: throw .unexpectedType(MessageType.refused.rawValue)
        case .processGone: throw .unexpectedType(MessageType.processGone.rawValue)
        case .draining: throw .unexpectedType(MessageType.draining.rawValue)
        case .abort: throw .unexpectedType(MessageType.abort.rawValue)
        case .recall: throw .unexpectedType(MessageType.recall.rawValue)
        case .goodbye: throw .unexpectedType(MessageType.goodbye.rawValue)
        case .report: throw .unexpectedType(MessageType.report.rawValue)
        case .streamFate: throw .unexpectedType(MessageType.streamFate.rawValue)
        case .ping: throw .unexpectedType(MessageType.ping.rawValue)
        case .pong: throw .unexpectedType(MessageType.pong.rawValue)
        }
    }
}
