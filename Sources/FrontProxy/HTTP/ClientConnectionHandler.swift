// SPDX-License-Identifier: MIT

import FrontConfiguration
import HTTPFraming
import NIOCore
import WireProtocol

/// The client side of one connection: one per accepted channel, on that channel's event loop.
///
/// What to do is decided by `ConnectionMachine` (this connection) and `ExchangeMachine` (the way to the app); this
/// handler reads, writes and keeps the clock. Its parts: `+Requests` (head to decision), `+Body`, `+Answers`,
/// `+Errors`, `+Files`, `+Tunnel`, `+Timers`.
final class ClientConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// How the body of the request under way is delimited, and what is missing of it.
    enum IncomingBody {
        case none
        case bytes(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    /// Facts about the request under way for the access log.
    struct Account {
        var begun = NIODeadline.uptimeNanoseconds(0)
        var status = 0
        var bytesSent = 0
        /// An app was asked, so its process and times belong to the answer.
        var usedApp = false
        /// Of a streamed body.
        var bodyBytes = 0
    }

    /// Bytes of further requests that are taken from the kernel while one is being answered.
    static let maxBufferedBytes = 64 * 1024

    let loop: WorkerLoopContext
    let hosts: VirtualHosts
    var machine = ConnectionMachine()
    var head = RequestHead()
    /// The bytes of the head of the request under way.
    var headBytes = ByteBuffer()
    /// The decoded path of the request under way, without query.
    var path = ByteBuffer()
    var route = RouteModel.nothing
    /// What came from the client and has not been used.
    var inbound = ByteBuffer()
    var incoming = IncomingBody.none
    var body: RequestBody?
    /// Made for the first request that goes to an app.
    var exchange: AppExchange?
    /// Reused for the head of every answer.
    var outgoing = ByteBuffer()
    /// Made when the client is slower than the app.
    var spool: ResponseSpool?
    /// The answer is complete once the spool is empty.
    var isAnswerRelayed = false
    var account = Account()
    var arrival: UInt64 = 0
    var timer = ConnectionTimer()
    var channelContext: ChannelHandlerContext?
    private(set) var remoteAddress = "unix:"
    private(set) var remotePort = 0
    private(set) var localAddress = "localhost"
    private(set) var localPort = 80
    private var isProcessing = false
    private var readGate = ReadGate()

    init(context: WorkerLoopContext, listen: ListenAddress) {
        self.loop = context
        self.hosts = context.model.virtualHosts(on: listen)
    }

    /// Answers what is under way, then closes; an idle connection closes after 5 s.
    func beginDraining() {
        switch self.machine.drainingBegan() {
        case .none: break
        case .closeAfterGrace: self.setDeadline(after: Self.drainGrace)
        }
    }

    /// Closes at once.
    func closeNow() {
        self.channelContext?.close(promise: nil)
    }

    /// It has had an answer, all of it, and asks for nothing.
    var isUnused: Bool {
        guard self.machine.isIdle, self.account.status != 0, self.inbound.readableBytes == 0 else { return false }
        // A channel that cannot tell has nothing buffered.
        return (try? self.channelContext?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 == 0
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.channelContext = context
        if let options = context.channel.syncOptions {
            // Half-closed clients get their answers. A channel that lacks an option works without it.
            try? options.setOption(.allowRemoteHalfClosure, value: true)
            try? options.setOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
        }
        if context.channel.isActive { self.opened(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.channelContext = nil }

    func channelActive(context: ChannelHandlerContext) { self.opened(context) }

    private func opened(_ context: ChannelHandlerContext) {
        if let address = context.channel.remoteAddress, let ip = address.ipAddress {
            // An IPv4 client of an IPv6 listener.
            self.remoteAddress = ip.hasPrefix("::ffff:") && ip.contains(".") ? String(ip.dropFirst(7)) : ip
            self.remotePort = address.port ?? 0
        }
        if let address = context.channel.localAddress, let ip = address.ipAddress {
            self.localAddress = ip
            self.localPort = address.port ?? 80
        }
        self.loop.register(self)
        self.setDeadline(after: .init(self.loop.model.clientHeaderTimeout))
        if self.loop.isDraining { self.beginDraining() }
    }

    func channelInactive(context: ChannelHandlerContext) { self.ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        if self.inbound.readableBytes == 0 {
            self.inbound = bytes
        } else {
            // A client that always sends a part of the next request must not make the buffer grow for ever.
            if self.inbound.readerIndex > self.inbound.readableBytes { self.inbound.discardReadBytes() }
            self.inbound.writeImmutableBuffer(bytes)
        }
        self.process()
        if self.inbound.readableBytes == 0 {
            // Lets the channel have its read buffer back.
            self.inbound = ByteBuffer()
        } else if self.inbound.readableBytes > Self.maxBufferedBytes, !self.machine.isReadingBody {
            self.pauseReading()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        switch self.machine.inputEnded(isHoldingBack: self.inbound.readableBytes > 0) {
        case .none: break
        // It may still be reading the answer before.
        case .close: self.closeAfterOutput()
        case .answerThenClose: self.scheduleProbe()
        case .abandonThenClose: self.abandonRequest()
        case .halfClose: self.exchange?.endTunnelOutput()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        if self.machine.state == .tunnel { self.exchange?.resumeReading() }
        self.pumpSpool()
        if self.machine.isIdle, self.inbound.readableBytes > 0 || self.readGate.isPaused { self.readOn() }
    }

    /// Goes on with what had to wait for the client to take its answers.
    func readOn() {
        self.process()
        if self.inbound.readableBytes <= Self.maxBufferedBytes { self.resumeReading() }
    }

    func read(context: ChannelHandlerContext) {
        if self.readGate.mayRead() { context.read() }
    }

    func pauseReading() { self.readGate.pause() }

    func resumeReading() {
        if self.readGate.resume() { self.channelContext?.read() }
    }

    /// The channel is gone, in whatever way.
    private func ended() {
        self.timer.stop()
        let wasAnswering = self.machine.isAnswering
        switch self.machine.closed() {
        case .none: break
        case .abandon:
            if wasAnswering { self.recordAccess() }
        }
        self.exchange?.clientGone()
        self.exchange = nil
        self.body?.discard()
        self.body = nil
        self.spool?.discard()
        self.spool = nil
        self.loop.unregister(self)
    }

    // MARK: Input

    /// Uses the bytes that are here as far as they go; answers that are complete at once lead to the next request.
    func process() {
        guard !self.isProcessing else { return }
        self.isProcessing = true
        defer { self.isProcessing = false }
        while self.inbound.readableBytes > 0 {
            // A client that asks and asks without reading must not fill the memory with its answers.
            if self.machine.isIdle, self.channelContext?.channel.isWritable == false { return self.pauseReading() }
            switch self.machine.bytesArrived() {
            case .parseHead: if !self.parseHead() { return }
            case .readBody:
                guard self.readBody() else {
                    if self.inbound.readableBytes == 0, self.machine.inputExhausted() { self.abandonRequest() }
                    return
                }
            case .keep: return
            case .tunnel: return self.readTunnel()
            case .drop: self.inbound = ByteBuffer()
            }
        }
        if self.machine.inputExhausted() { self.abandonRequest() }
    }

    /// False if more bytes are needed.
    private func parseHead() -> Bool {
        switch self.head.advance(over: self.inbound) {
        case .needMore:
            if self.machine.inputExhausted() {
                self.closeAfterOutput()
            } else if !self.timer.isForHead {
                self.timer.isForHead = true
                self.setDeadline(after: .init(self.loop.model.clientHeaderTimeout))
            }
            return false
        case .failed(let error):
            self.machine.headFailed()
            self.beginAccount()
            self.headBytes.clear()
            self.fail(RequestError(.framing(error)))
            return false
        case .complete:
            self.headBytes.clear()
            self.inbound.withUnsafeReadableBytes { bytes in
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<self.head.byteCount])
                _ = self.headBytes.writeBytes(head)
            }
            self.inbound.moveReaderIndex(forwardBy: self.head.byteCount)
            self.timer.isForHead = false
            self.beginRequest()
            return true
        }
    }
}
