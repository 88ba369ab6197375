// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

/// One client's HTTP/1.1 connection: bytes, framing, back-pressure and clock; one per accepted channel, on its event loop.
///
/// What bytes mean is decided by `ConnectionMachine`; what is answered, by the `Exchange` that it makes for each request.
/// Between two requests it holds neither, nor a buffer.
final class HTTP1Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// How the body of the request under way is delimited, and what is missing of it.
    private enum IncomingBody {
        case none
        case bytes(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    /// More of a head that is not complete counts against its client.
    private static let shortHeadBytes = 4 * 1024
    private static let tooLongHeads = "heads that this client does not complete take more than its share of memory"
    /// Bytes of further requests that are taken from the kernel while one is being answered.
    private static let maxBufferedBytes = 64 * 1024
    /// For the next request of a connection that must close.
    static let drainGrace = TimeAmount.seconds(5)
    /// Between looks at a client that has shut its side.
    private static let lookInterval = TimeAmount.seconds(1)
    /// So many looks in a row without a byte for such a client: it has gone.
    private static let maxQuietLooks = 5
    /// For a client that still sends what nobody reads.
    private static let lingerTime = TimeAmount.seconds(5)

    private let loop: WorkerLoopContext
    private let hosts: VirtualHosts
    private let isTrustedPeer: Bool
    /// Has a place where the client can wait for long without a channel, if there is one.
    private let socket: ClientSocket?
    private var machine = ConnectionMachine()
    private var addresses = ConnectionAddresses()
    /// What came from the client and has not been used.
    private var inbound = ByteBuffer()
    /// From the first byte of a head until an exchange has it.
    private var partial: ClientRequest?
    /// Of that head, once it is long and there is more to come.
    private var headShare: ClientShare?
    private var incoming = IncomingBody.none
    /// Of the request under way.
    private var exchange: Exchange?
    /// Of the latest request: its time limits count.
    private var route = RouteModel.nothing
    private var clock = ConnectionClock()
    private var armed: Scheduled<Void>?
    /// How long the client may be silent before its next request.
    private var idleEnd = NIODeadline.uptimeNanoseconds(0)
    private var progress = OutputProgress()
    private var isSendingFile = false
    private var readGate = ReadGate()
    private var isProcessing = false
    private var context: ChannelHandlerContext?

    /// `isTrustedPeer`: what the peer says about the origin of its requests counts (`PeerTrust`).
    init(
        context: WorkerLoopContext,
        listen: ListenAddress,
        isTrustedPeer: Bool = false,
        socket: ClientSocket? = nil
    ) {
        loop = context
        self.isTrustedPeer = isTrustedPeer
        self.socket = socket
        hosts = context.model.virtualHosts(on: listen)
    }

    /// Answers what is under way, then closes; an idle connection closes after 5 s.
    func beginDraining() {
        switch machine.drainingBegan() {
        case .none: break
        case .closeAfterGrace: setDeadline(after: Self.drainGrace)
        }
    }

    /// Closes at once.
    func closeNow() { context?.close(promise: nil) }

    /// Bytes of answers that wait for the client; a channel that cannot tell has none.
    var bufferedBytes: Int { (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    /// Bytes from the client that have to wait.
    var heldBytes: Int { inbound.readableBytes }
    var holdsExchange: Bool { exchange != nil || partial != nil }

    /// It has had an answer, all of it, and asks for nothing.
    var isUnused: Bool {
        machine.isIdle && progress.handedBytes > 0 && inbound.readableBytes == 0 && bufferedBytes == 0
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let options = context.channel.syncOptions {
            // Half-closed clients get their answers. A channel that lacks an option works without it.
            try? options.setOption(.allowRemoteHalfClosure, value: true)
            try? options.setOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
        }
        if context.channel.isActive { opened(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { opened(context) }

    private func opened(_ context: ChannelHandlerContext) {
        addresses = ConnectionAddresses(
            remote: context.channel.remoteAddress,
            local: context.channel.localAddress,
            isTrustedPeer: isTrustedPeer
        )
        loop.register(self)
        beIdle(for: .init(loop.model.clientHeaderTimeout))
        if loop.isDraining { beginDraining() }
    }

    func channelInactive(context: ChannelHandlerContext) { ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if inbound.readableBytes == 0 {
            inbound = bytes
        } else {
            // A client that always sends a part of the next request must not make the buffer grow for ever.
            if inbound.readerIndex > inbound.readableBytes { inbound.discardReadBytes() }
            inbound.writeImmutableBuffer(bytes)
        }
        process()
        if inbound.readableBytes == 0 {
            // Lets the channel have its read buffer back.
            inbound = ByteBuffer()
        } else if isHoldingEnough {
            readGate.pause()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        switch machine.inputEnded(isHoldingBack: inbound.readableBytes > 0) {
        case .none: break
        // It may still be reading the answer before.
        case .close: closeAfterOutput()
        case .answerThenClose: watchHalfClosed(HalfClosedWatch(handedBytes: progress.handedBytes))
        case .abandonThenClose: abandonRequest()
        case .halfClose: exchange?.tunnelInputEnded()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        exchange?.writable()
        if machine.isIdle, inbound.readableBytes > 0 || readGate.isPaused { readOn() }
    }

    func read(context: ChannelHandlerContext) {
        if readGate.mayRead() { context.read() }
    }

    private func resumeReading() {
        if readGate.resume() { context?.read() }
    }

    /// Goes on with what had to wait for the client to take its answers.
    private func readOn() {
        process()
        if !isHoldingEnough { resumeReading() }
    }

    /// What waits is for later; a head or a body is read on until it is complete, or its own limit strikes.
    private var isHoldingEnough: Bool {
        inbound.readableBytes > Self.maxBufferedBytes && !machine.isReadingHeadOrBody
    }

    /// The channel is gone, in whatever way.
    private func ended() {
        clock.stop()
        armed?.cancel()
        armed = nil
        switch machine.closed() {
        case .none: break
        case .abandon: leaveExchange()
        }
        partial = nil
        headShare = nil
        loop.unregister(self)
    }

    private func leaveExchange() {
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }

    // MARK: Input

    /// Uses the bytes that are here as far as they go; answers that are complete at once lead to the next request.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while inbound.readableBytes > 0 {
            // A client that asks and asks without reading must not fill the memory with its answers.
            if machine.isIdle, !isWritable { return readGate.pause() }
            switch machine.bytesArrived() {
            case .parseHead: if !parseHead() { return }
            case .readBody:
                guard readBody() else {
                    if inbound.readableBytes == 0, machine.inputExhausted() { abandonRequest() }
                    return
                }
            case .keep: return
            case .tunnel: return readTunnel()
            case .drop: inbound = ByteBuffer()
            }
        }
        if machine.inputExhausted() { abandonRequest() }
    }

    /// False if more bytes are needed.
    private func parseHead() -> Bool {
        let request = partial ?? loop.makeRequest(addresses)
        partial = request
        switch request.head.advance(over: inbound) {
        case .needMore:
            guard mayKeepHead() else {
                refuseHead(RequestError(.overShare(Self.tooLongHeads)))
                return false
            }
            switch machine.headIncomplete() {
            case .startClock: setDeadline(after: .init(loop.model.clientHeaderTimeout))
            case .close: closeAfterOutput()
            case .wait, .none: break
            }
            return false
        case .failed(let error):
            refuseHead(RequestError(.framing(error)))
            return false
        case .complete:
            request.takeHead(from: &inbound)
            partial = nil
            headShare = nil
            begin(request)
            return true
        }
    }

    /// Its client decides for how long a head is not complete.
    private func mayKeepHead() -> Bool {
        guard inbound.readableBytes > Self.shortHeadBytes else { return true }
        let share = headShare ?? loop.shares.share(of: addresses.peer.address, in: .memory, free: Self.shortHeadBytes)
        headShare = share
        return share.resize(to: inbound.readableBytes)
    }

    private func begin(_ request: ClientRequest) {
        machine.headCompleted(allowsKeepAlive: request.head.allowsKeepAlive, hasBody: request.head.body != .none)
        incoming =
            switch request.head.body {
            case .bytes(let count): .bytes(remaining: count)
            case .chunked: .chunked(ChunkedDecoder())
            case .none, .untilClose: .none
            }
        let exchange = Exchange(loop: loop, client: self, request: request)
        self.exchange = exchange
        exchange.begin(in: hosts, isBodyHere: inbound.readableBytes > 0)
    }

    /// Nothing behind this head can be trusted.
    private func refuseHead(_ error: RequestError) {
        machine.headFailed()
        let request = partial ?? loop.makeRequest(addresses)
        partial = nil
        headShare = nil
        let exchange = Exchange(loop: loop, client: self, request: request)
        self.exchange = exchange
        exchange.refuse(error, in: hosts)
    }

    /// False if more bytes are needed, or the rest has to wait.
    private func readBody() -> Bool {
        switch exchange?.bodyDemand ?? .never {
        case .later:
            readGate.pause()
            return false
        case .never:
            inbound = ByteBuffer()
            return false
        case .now: break
        }
        var payload = ByteBuffer()
        var isLast = true
        switch incoming {
        case .none: break
        case .bytes(let remaining):
            let count = min(remaining, inbound.readableBytes)
            payload = inbound.readSlice(length: count) ?? ByteBuffer()
            incoming = .bytes(remaining: remaining - count)
            isLast = count == remaining
        case .chunked(var decoder):
            let outcome = decoder.decode(&inbound, into: &payload)
            incoming = .chunked(decoder)
            if case .failed(let error) = outcome {
                exchange?.bodyBroken(error)
                return false
            }
            isLast = outcome == .finished
        }
        if isLast { machine.bodyCompleted() }
        exchange?.bodyReceived(payload, isLast: isLast)
        return isLast
    }

    private func readTunnel() {
        let bytes = inbound
        inbound = ByteBuffer()
        guard let exchange else { return closeNow() }
        // It may have been paused before it was a tunnel.
        resumeReading()
        exchange.tunnelReceived(bytes)
    }

    /// The rest of the request, if there is one under way, will never come.
    private func abandonRequest() {
        leaveExchange()
        closeAfterOutput()
    }

    /// What is known of a client that has shut its side.
    private struct HalfClosedWatch {
        /// Bytes of answers that had been handed over at the last look.
        var handedBytes: Int
        var quietLooks = 0
        var wasAsked = false
    }

    /// Finds out whether a client that has shut its side has left altogether, as long as it is owed an answer.
    ///
    /// End of file looks the same for both, but what is written to one that has gone makes its kernel answer with a reset.
    /// Before an answer that is an interim one, which a client skips (RFC 9110 §15.2). In an answer nothing can be put
    /// in: who is sent nothing for some seconds counts as gone, or an answer that lasts would hold its app for nobody.
    private func watchHalfClosed(_ watch: HalfClosedWatch) {
        loop.eventLoop.assumeIsolated().scheduleTask(in: Self.lookInterval) { [weak self] in self?.look(watch) }
    }

    private func look(_ last: HalfClosedWatch) {
        guard machine.isAnswering, let exchange else { return }
        var watch = last
        if !machine.hasAnswerBegun {
            if !watch.wasAsked, exchange.isProbeable { write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }
            watch.wasAsked = true
            watch.quietLooks = 0
        } else {
            let isQuiet = progress.handedBytes == watch.handedBytes && bufferedBytes == 0
            watch.quietLooks = isQuiet ? watch.quietLooks + 1 : 0
            if watch.quietLooks == Self.maxQuietLooks { return abandonRequest() }
        }
        watch.handedBytes = progress.handedBytes
        watchHalfClosed(watch)
    }

    // MARK: Ends

    private func awaitNextRequest() {
        incoming = .none
        beIdle(for: loop.isDraining ? Self.drainGrace : .init(route.keepaliveTimeout))
        readOn()
    }

    private func beIdle(for limit: TimeAmount) {
        let now = NIODeadline.now()
        idleEnd = now + limit
        set(socket == nil ? idleEnd : min(idleEnd, now + ClientSocket.patience))
    }

    /// The client has been silent for a while: true if it may be so for longer, with this channel or without.
    private func staysIdle() -> Bool {
        guard machine.isIdle, !loop.isDraining, NIODeadline.now() < idleEnd else { return false }
        let canWaitElsewhere = inbound.readableBytes == 0 && bufferedBytes == 0 && !machine.hasInputEnded
        if canWaitElsewhere, socket?.giveBack(until: idleEnd) == true {
            closeNow()
        } else {
            set(min(idleEnd, .now() + ClientSocket.patience))
        }
        return true
    }

    /// Closes once everything is written; a client that still sends gets the time to read it.
    private func endConnection() {
        if inbound.readableBytes > 0 { return linger() }
        closeAfterOutput()
    }

    /// Closes once the client has taken everything, or takes nothing for as long as it may.
    private func closeAfterOutput() {
        setDeadline(after: .init(route.sendTimeout))
        afterFlush { $0.close(promise: nil) }
    }

    private func linger() {
        inbound = ByteBuffer()
        resumeReading()
        setDeadline(after: Self.lingerTime + .init(route.sendTimeout))
        afterFlush { context in
            self.setDeadline(after: Self.lingerTime)
            context.close(mode: .output, promise: nil)
        }
    }

    private func afterFlush(_ body: @escaping (ChannelHandlerContext) -> Void) {
        guard let context else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            if let context = self.context { body(context) }
        }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
    }

    // MARK: Clock

    private func set(_ deadline: NIODeadline) {
        if clock.set(deadline) { arm(deadline) }
    }

    private func arm(_ deadline: NIODeadline) {
        armed?.cancel()
        armed = loop.eventLoop.assumeIsolated()
            .scheduleTask(deadline: deadline) {
                switch self.clock.fired(at: .now()) {
                case .none: break
                case .arm(let deadline): self.arm(deadline)
                case .deadlineReached: self.deadlineReached()
                }
            }
    }

    private func deadlineReached() {
        switch machine.state {
        // An answer is complete for us before a slow client has all of it.
        case .idle, .lingering, .closed:
            if !isStuckInOutput(lookingAgainAfter: .seconds(1)), !staysIdle() { closeNow() }
        case .head, .partialHead: refuseHead(RequestError(.headTimeout))
        case .tunnel: break
        case .answering: if !isStuckInOutput() { exchange?.deadlineReached() }
        }
    }

    /// Whether bytes wait for the client; then its progress counts, and a client without any loses its connection.
    private func isStuckInOutput(lookingAgainAfter interval: TimeAmount = .hours(1)) -> Bool {
        let now = NIODeadline.now()
        // Between two pieces of a file nothing waits in the channel.
        let waiting = max(bufferedBytes, isSendingFile ? 1 : 0)
        switch progress.look(waiting: waiting, limit: .init(route.sendTimeout), at: now) {
        case .done: return false
        case .waiting(let limit): set(min(limit, now + interval))
        case .stuck: closeNow()
        }
        return true
    }
}

// MARK: - For the exchange

extension HTTP1Connection: DownstreamConnection {
    var isWritable: Bool { context?.channel.isWritable ?? true }

    func routed(to route: RouteModel) {
        self.route = route
        if route.keepaliveTimeout == .zero { machine.answerEndsConnection() }
    }

    func setDeadline(after amount: TimeAmount) { set(.now() + amount) }

    func clearDeadline() { clock.clear() }

    func beginAnswer(endsConnection: Bool) -> Bool {
        machine.answerBegun()
        if endsConnection { machine.answerEndsConnection() }
        return machine.keepsAlive
    }

    func write(_ bytes: ByteBuffer) {
        progress.handed(bytes.readableBytes)
        context?.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
    }

    func write(head: ByteBuffer, body: ByteBuffer) {
        progress.handed(head.readableBytes)
        context?.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
        write(body)
    }

    func write(head: ByteBuffer, file: SharedDescriptor, _ range: Range<Int>, completion: @escaping (Bool) -> Void) {
        let sending = FileSending(file, range, to: self) { [weak self] isComplete in
            self?.isSendingFile = false
            completion(isComplete)
        }
        isSendingFile = true
        sending.begin(behind: head)
    }

    func endAnswer() {
        exchange = nil
        switch machine.answerCompleted() {
        case .none: break
        case .nextRequest: awaitNextRequest()
        case .close: endConnection()
        case .linger: linger()
        }
    }

    func breakAnswer() {
        exchange = nil
        machine.answerBroken()
        closeNow()
    }

    func switchProtocols() {
        machine.answerBegun()
        machine.upgraded()
        clock.clear()
        process()
    }

    func pauseInput() { readGate.pause() }

    func resumeInput() {
        resumeReading()
        process()
    }
}

extension HTTP1Connection: FileTaker {
    var isOpen: Bool { context?.channel.isActive ?? false }

    var fileSocket: Int32? { socket?.number }

    func write(_ bytes: ByteBuffer, whenTaken body: @escaping (Bool) -> Void) {
        guard let context else { return body(false) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            if case .success = result { body(true) } else { body(false) }
        }
        progress.handed(bytes.readableBytes)
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
    }

    func handed(_ count: Int) { progress.handed(count) }

    func onNextTurn(_ body: @escaping () -> Void) { loop.eventLoop.assumeIsolated().execute(body) }
}
