// SPDX-License-Identifier: MIT

import NIOCore
import WireProtocol

/// The end of a control connection in NIO's pipeline: bytes to messages and back, without any decision.
final class LinkChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let transport: DaemonTransport
    private var decoder = FrameDecoder(phase: .fromDaemon)
    private var context: ChannelHandlerContext?
    private var closeReason: String?

    init(transport: DaemonTransport) {
        self.transport = transport
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(_ bytes: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Closes the connection; the reason goes to the transport when it is closed.
    func close(reason: String) {
        guard closeReason == nil else { return }
        closeReason = reason
        context?.close(promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        transport.opened(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        do throws(WireError) {
            while closeReason == nil, let message = try DaemonMessage.next(from: &decoder) {
                transport.received(message)
            }
        } catch {
            close(reason: "the daemon sent something that is no message: \(error)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        transport.closed(self, reason: closeReason)
    }

    /// Crossing the high mark means that the daemon has stopped to read.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard !context.channel.isWritable else { return }
        close(reason: "the daemon does not read what is sent to it")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(reason: DaemonTransport.reason(error))
    }
}
