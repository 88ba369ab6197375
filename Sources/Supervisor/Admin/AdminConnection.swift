// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// One connection of an administration tool, or of a front on behalf of its status pages.
///
/// Confined to its loop. The `Hello` was read by whoever took the connection in; here it is answered, and then request after request.
final class AdminConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Unanswered requests; a peer that sends more is no tool of ours.
    private static let maxOpenRequests = 16
    /// A connection nobody uses is closed.
    private static let idleLimit = TimeAmount.seconds(60)

    private let service: AdminService
    private let peer: PeerCredentials
    private let remainder: ByteBuffer
    /// Its place among the connections of its user, given back at the end.
    private let ticket: ConnectionTicket
    private let logger: Logger
    private var decoder = FrameDecoder(phase: .fromAdmin)
    private var openRequests = 0
    /// Answers of one read leave together: thousands of small ones would each take a buffer of their own.
    private var outbound = ByteBuffer()
    /// Between `channelRead` and `channelReadComplete`, which flushes.
    private var isReading = false
    private var idleTimer: Scheduled<Void>?

    init(_ arrival: Arrival, service: AdminService, logger: Logger) {
        self.service = service
        self.peer = arrival.peer
        self.remainder = arrival.remainder
        self.ticket = arrival.ticket
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        self.restartIdleTimer(context)
        self.write(.helloReply(HelloReply()), context)
        self.take(self.remainder, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        self.restartIdleTimer(context)
        self.take(self.unwrapInboundIn(data), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.flush(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Who does not take answers asks no more: what waits for it stays bounded. The idle timer runs on.
        let isWritable = context.channel.isWritable
        // Fails only on a channel that is closed, and then it does not matter.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isWritable)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.idleTimer?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A tool that was interrupted: nothing to tell anybody.
        context.close(promise: nil)
    }

    private func take(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.decoder.append(bytes)
        do throws(WireError) {
            while let message = try AdminMessage.next(from: &self.decoder) { self.handle(message, context) }
        } catch {
            self.logger.warning(
                "admin connection closed for what it sent",
                metadata: [LogKeys.uid: "\(self.peer.uid)", LogKeys.error: "\(error)"]
            )
            context.close(promise: nil)
        }
    }

    private func handle(_ message: AdminMessage, _ context: ChannelHandlerContext) {
        switch message {
        case .request(let request): self.answer(request, context)
        case .ping(let number): self.write(.pong(number), context)
        case .pong: return
        case .helloReply, .response, .goodbye: context.close(promise: nil)
        }
    }

    private func answer(_ request: AdminRequest, _ context: ChannelHandlerContext) {
        guard self.openRequests < Self.maxOpenRequests else {
            context.close(promise: nil)
            return
        }
        self.openRequests += 1
        let wait = self.service.wait(of: self.peer)
        guard wait > .zero else {
            self.answerNow(request, context)
            return
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            guard context.channel.isActive else { return }
            self.answerNow(request, context)
        }
    }

    private func answerNow(_ request: AdminRequest, _ context: ChannelHandlerContext) {
        self.service.answer(request, from: self.peer).assumeIsolated().whenSuccess { response in
            self.openRequests -= 1
            self.write(.response(response), context)
        }
    }

    /// After the end of the connection this does nothing.
    private func write(_ message: AdminMessage, _ context: ChannelHandlerContext) {
        message.write(into: &self.outbound)
        if !self.isReading { self.flush(context) }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard self.outbound.readableBytes > 0 else { return }
        let bytes = self.outbound
        self.outbound = ByteBuffer()
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    private func restartIdleTimer(_ context: ChannelHandlerContext) {
        self.idleTimer?.cancel()
        self.idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.idleLimit) {
            context.close(promise: nil)
        }
    }
}
