// SPDX-License-Identifier: MIT

package import NIOCore

/// One frame whose payload was not looked at yet.
///
/// On the wire: `UInt32` length of type and payload, big-endian; type; payload.
package struct Frame: Hashable, Sendable {
    package let type: UInt8
    package let payload: ByteBuffer

    package init(type: UInt8, payload: ByteBuffer) {
        self.type = type
        self.payload = payload
    }
}

/// What the far end may send; a length over it is refused before its bytes arrive.
package enum FramePhase: Hashable, Sendable {
    /// To the daemon: nothing but a `Hello`.
    case beforeHello
    /// To the daemon, on a control connection.
    case fromFront(mayManifest: Bool)
    /// To the front, on a control connection or the first frame of a stream.
    case fromDaemon
    /// To the daemon, on an administration connection.
    case fromAdmin
    /// To a tool, on an administration connection.
    case toAdmin

    /// The most bytes of type and payload, or nil if the type does not belong here.
    func limit(for type: MessageType) -> UInt32? {
        switch (self, type) {
        case (.beforeHello, .hello): WireLimits.helloFrame
        case (.fromFront(let mayManifest), .manifest): mayManifest ? WireLimits.manifestFrame : WireLimits.frame
        case (.fromFront, .defineApp), (.fromFront, .resume): WireLimits.frame
        case (.fromFront, .checkout), (.fromFront, .cancel), (.fromFront, .release), (.fromFront, .upgraded),
            (.fromFront, .reportQuery), (.fromFront, .abandoned), (.fromFront, .fateQuery), (.fromFront, .reuse),
            (.fromFront, .lasting), (.fromFront, .ping), (.fromFront, .pong):
            WireLimits.smallFrame
        case (.fromDaemon, .helloReply), (.toAdmin, .helloReply): WireLimits.helloFrame
        case (.fromDaemon, .attached), (.fromDaemon, .appAccepted), (.fromDaemon, .appRejected),
            (.fromDaemon, .granted), (.fromDaemon, .refused), (.fromDaemon, .processGone), (.fromDaemon, .draining),
            (.fromDaemon, .abort), (.fromDaemon, .recall), (.fromDaemon, .goodbye), (.fromDaemon, .report),
            (.fromDaemon, .streamFate), (.fromDaemon, .ping), (.fromDaemon, .pong):
            WireLimits.frame
        case (.fromAdmin, .adminRequest), (.fromAdmin, .ping), (.fromAdmin, .pong): WireLimits.adminRequestFrame
        case (.toAdmin, .adminResponse): WireLimits.adminResponseFrame
        case (.toAdmin, .ping), (.toAdmin, .pong), (.toAdmin, .goodbye): WireLimits.frame
        default: nil  // 5 × 30 combinations; the ones above are the allowed ones
        }
    }
}
