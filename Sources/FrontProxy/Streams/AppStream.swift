// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import WireProtocol

/// One connection to an app process through the daemon's socket; confined to its event loop.
///
///     connecting ─▶ attaching ─▶ busy ◀─▶ idle          any ─▶ closed
final class AppStream: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// The connect is under way, or waits for room in the daemon's backlog.
        case connecting
        /// `Hello` was sent.
        case attaching
        case busy
        /// In the pool.
        case idle
        case closed
    }

    let process: ProcessID
    let isReusable: Bool
    private unowned let pool: StreamPool
    private(set) var state = State.connecting
    /// It failed because this process has no descriptor left.
    private(set) var isOutOfDescriptors = false
    /// It has carried a whole request and its answer before.
    private(set) var isKept = false
    /// The daemon's number for it; nil if the daemon gives none, or no longer stands between.
    private(set) var number: StreamNumber?
    /// It ended with bytes in it that the other side had not read (unix(7): ECONNRESET).
    private(set) var wasReset = false
    /// When it was given back; for idle streams.
    private(set) var idleSince = NIODeadline.uptimeNanoseconds(0)
    private var owner: (any StreamOwner)?
    private var handshake: StreamHandshake
    private var context: ChannelHandlerContext?
    private var readGate = ReadGate()

    init(grant: Granted, pool: StreamPool, owner: any StreamOwner) {
        self.process = grant.process
        self.isReusable = grant.transport != .httpOneShot
        self.pool = pool
        self.owner = owner
        self.handshake = StreamHandshake(token: grant.streamToken)
    }

    var isReady: Bool { self.state == .busy }
    var isWritable: Bool { self.context?.channel.isWritable ?? false }

    // MARK: Use by its owner

    func begin(_ owner: any StreamOwner) {
        self.owner = owner
        self.state = .busy
    }

    func write(_ bytes: ByteBuffer) {
        self.context?.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Tells the app that the request has no more bytes; the answer can still be read.
    func endOutput() {
        self.context?.close(mode: .output, promise: nil)
    }

    /// Stops reading until `resumeReading`; what the kernel holds stays there.
    func pauseReading() { self.readGate.pause() }

    func resumeReading() {
        if self.readGate.resume() { self.context?.read() }
    }

    /// The answer was read to its end: back to the pool if another request may follow it, else closed.
    func giveBack(reusable: Bool) {
        guard self.state == .busy else { return }
        self.owner = nil
        guard reusable, self.isReusable else { return self.close() }
        self.isKept = true
        self.state = .idle
        self.idleSince = .now()
        self.resumeReading()
        self.pool.keep(self)
    }

    /// Ends it; the owner hears nothing more.
    func close() {
        guard self.state != .closed else { return }
        self.owner = nil
        self.becomeClosed()
        self.context?.close(promise: nil)
    }

    // MARK: Attaching

    /// The connect succeeded, and this handler is in the channel's pipeline.
    private func sendHello(_ context: ChannelHandlerContext) {
        guard self.state == .connecting else { return context.close(promise: nil) }
        self.state = .attaching
        var buffer = context.channel.allocator.buffer(capacity: 128)
        self.handshake.hello.write(into: &buffer)
        context.writeAndFlush(self.wrapOutboundOut(buffer), promise: nil)
    }

    func fail(_ reason: String, isOutOfDescriptors: Bool = false) {
        guard self.state != .closed else { return }
        self.isOutOfDescriptors = isOutOfDescriptors
        let owner = self.owner
        self.owner = nil
        self.becomeClosed()
        self.context?.close(promise: nil)
        owner?.streamFailed(self, reason: reason)
    }

    private func attachReceived(_ bytes: ByteBuffer) {
        do throws(WireError) {
            switch try self.handshake.received(bytes) {
            case .incomplete: return
            case .refused(let reason): self.fail("the daemon refused the stream: \(reason)")
            case .attached(let attached, let remainder):
                self.number = attached.number
                guard let owner = self.owner else { return self.close() }
                self.state = .busy
                owner.streamReady(self)
                if remainder.readableBytes > 0, self.state == .busy { self.owner?.streamRead(self, remainder) }
            }
        } catch {
            self.fail("the daemon's answer to the stream is malformed: \(error)")
        }
    }

    private func becomeClosed() {
        if self.state == .idle { self.pool.forgetIdle(self) }
        self.state = .closed
        self.pool.closed(self)
    }

    private func inputEnded() {
        switch self.state {
        case .connecting, .attaching: self.fail("the daemon closed the stream before it was attached")
        case .busy:
            let owner = self.owner
            self.close()
            owner?.streamClosed(self)
        case .idle: self.close()
        case .closed: break
        }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func channelActive(context: ChannelHandlerContext) { self.sendHello(context) }
    func channelInactive(context: ChannelHandlerContext) { self.inputEnded() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        switch self.state {
        case .busy: self.owner?.streamRead(self, bytes)
        case .attaching: self.attachReceived(bytes)
        // An app that speaks unasked is out of step.
        case .idle: self.close()
        case .connecting, .closed: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, self.state == .busy { self.owner?.streamWritable(self) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.inputEnded() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError { self.wasReset = error.errnoCode == Self.connectionReset }
        context.close(promise: nil)
    }

    /// errno; the same number on all Linux architectures but MIPS.
    private static let connectionReset: Int32 = 104

    func read(context: ChannelHandlerContext) {
        if self.readGate.mayRead() { context.read() }
    }
}
