// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// One connection of an administration tool, or of a front on behalf of its status pages.
///
/// Confined to its loop. The `Hello` was read by whoever took the connection in; here it is answered, and then one request
/// after the other: while one waits for its turn or is being answered, and while the peer has not read what was written, no
/// other is read. So a connection holds one request, which is small, and one answer, whatever its peer does.
///
///     ready ──frame──▶ waiting (its user asks too fast) ──▶ answering ──▶ ready          any ──▶ closed
///       └──────────────frame──────────────────────────────────▲
final class AdminConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Turn {
        /// Left by a frame.
        case ready
        /// Left when its time has come.
        case waiting(Scheduled<Void>)
        /// Left by the answer.
        case answering
        case closed
    }

    /// A frame that has been read, without what is not needed to answer it.
    private enum Question {
        case ping(UInt64)
        case order(AdminOrder, id: UInt64)
    }

    /// A connection nobody uses is closed.
    private static let idleLimit = TimeAmount.seconds(60)

    private let service: AdminService
    let peer: PeerCredentials
    private var remainder: ByteBuffer
    /// Its place among the connections of its user, given back at the end.
    private var ticket: ConnectionTicket?
    private let logger: Logger
    private var decoder = FrameDecoder(phase: .fromAdmin)
    private var turn = Turn.ready
    /// Answers that are written together.
    private var outbound = ByteBuffer()
    /// Within `proceed`, which flushes at its end.
    private var isProceeding = false
    private var idleTimer: Scheduled<Void>?

    init(_ arrival: Arrival, service: AdminService, logger: Logger) {
        self.service = service
        self.peer = arrival.peer
        self.remainder = arrival.remainder
        self.ticket = arrival.ticket
        self.logger = logger
    }

    // MARK: Channel

    func channelActive(context: ChannelHandlerContext) {
        self.restartIdleTimer(context)
        AdminMessage.helloReply(HelloReply()).write(into: &self.outbound)
        self.decoder.append(self.remainder)
        self.remainder = ByteBuffer()
        self.proceed(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.restartIdleTimer(context)
        self.decoder.append(self.unwrapInboundIn(data))
        self.proceed(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Who does not take answers is asked for nothing more; the idle timer runs on.
        self.proceed(context)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.end() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A tool that was interrupted: nothing to tell anybody.
        context.close(promise: nil)
    }

    /// Nothing of the connection outlives it.
    private func end() {
        if case .waiting(let timer) = self.turn { timer.cancel() }
        self.turn = .closed
        self.idleTimer?.cancel()
        self.ticket = nil
        self.decoder = FrameDecoder(phase: .fromAdmin)
    }

    // MARK: Questions

    private func proceed(_ context: ChannelHandlerContext) {
        guard !self.isProceeding else { return }
        self.isProceeding = true
        defer { self.isProceeding = false }
        do throws(WireError) {
            while case .ready = self.turn, context.channel.isWritable {
                guard let message = try AdminMessage.next(from: &self.decoder) else { break }
                self.take(message, context)
            }
        } catch {
            self.logMistake(error)
            context.close(promise: nil)
        }
        self.flush(context)
        let mayAsk = if case .ready = self.turn { context.channel.isWritable } else { false }
        // Fails only on a channel that is closed, and then it does not matter.
        try? context.channel.syncOptions?.setOption(.autoRead, value: mayAsk)
    }

    private func take(_ message: AdminMessage, _ context: ChannelHandlerContext) {
        let question: Question
        switch message {
        case .request(let request): question = .order(AdminOrder(request.json.readableBytesView), id: request.id)
        case .ping(let number): question = .ping(number)
        case .pong: return
        case .helloReply, .response, .goodbye:
            context.close(promise: nil)
            return
        }
        let wait = self.service.wait(of: self.peer)
        guard wait > .zero else { return self.answer(question, context) }
        self.turn = .waiting(
            context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
                self.answer(question, context)
                self.proceed(context)
            }
        )
    }

    private func answer(_ question: Question, _ context: ChannelHandlerContext) {
        switch question {
        case .ping(let number):
            AdminMessage.pong(number).write(into: &self.outbound)
            self.turn = .ready
        case .order(let order, let id):
            self.turn = .answering
            self.service.answer(order, for: self.peer).assumeIsolated().whenSuccess { json in
                guard case .answering = self.turn else { return }
                self.turn = .ready
                self.write(json, id: id, context)
                self.proceed(context)
            }
        }
    }

    private func logMistake(_ error: WireError) {
        guard self.service.complaints.line(about: self.peer.uid) != .keepQuiet else { return }
        let facts: Logger.Metadata = [LogKeys.uid: "\(self.peer.uid)", LogKeys.error: "\(error)"]
        self.logger.warning("admin connection closed for what it sent", metadata: facts)
    }

    // MARK: Answers

    /// The JSON is not copied: connections that ask for the same share it.
    private func write(_ json: ByteBuffer, id: UInt64, _ context: ChannelHandlerContext) {
        let count = json.readableBytes
        guard self.service.mayWrite(count, to: self.peer) else {
            AdminMessage.response(AdminResponse(id: id, json: AdminService.tooMuchUnread)).write(into: &self.outbound)
            return
        }
        AdminResponse.writeHead(id: id, jsonBytes: count, into: &self.outbound)
        self.flush(context)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.service.written(count, to: self.peer) }
        context.writeAndFlush(self.wrapOutboundOut(json), promise: written)
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
