// SPDX-License-Identifier: MIT

import AppTransport
import LinuxSystem
import NIOCore
import NIOPosix

/// The channel of one stream: bytes both ways, back-pressure, and how it ends; confined to its event loop.
final class StreamTransport: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// nil once the stream has ended.
    private var stream: AppStream?
    /// Of an app's own socket, so that it can be shut whatever has become of the channel; nil: the daemon copies.
    private var duplicate: SharedDescriptor?
    private var context: ChannelHandlerContext?
    private var readGate = ReadGate()

    init(_ stream: AppStream, duplicate: SharedDescriptor?) {
        self.stream = stream
        self.duplicate = duplicate
    }

    /// Makes a channel of a connected socket; `failed` is called if that cannot be.
    func open(_ socket: TravellingDescriptor, on eventLoop: any EventLoop, failed: @escaping (any Error) -> Void) {
        guard let descriptor = socket.take() else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .withConnectedSocket(descriptor.release())
            .assumeIsolated()
            .whenFailure(failed)
    }

    var isWritable: Bool { self.context?.channel.isWritable ?? false }

    func write(_ bytes: ByteBuffer) { self.context?.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil) }

    func endOutput() { self.context?.close(mode: .output, promise: nil) }

    func pauseReading() { self.readGate.pause() }

    func resumeReading() {
        if self.readGate.resume() { self.context?.read() }
    }

    /// Closes the channel; the stream hears nothing more.
    ///
    /// The daemon has the app's socket as well, so that closing it would tell the app nothing: it is shut before. With
    /// `leavesRest` it is shut for writing only, and the daemon sees the end of what the app still says.
    func end(leavesRest: Bool) {
        self.stream = nil
        if let duplicate {
            self.duplicate = nil
            // Fails where the app is gone already.
            if leavesRest {
                try? Transfers.shutdownWrite(duplicate.rawValue)
            } else {
                try? Transfers.shutdownBoth(duplicate.rawValue)
            }
        }
        self.context?.close(promise: nil)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func channelActive(context: ChannelHandlerContext) { self.stream?.opened() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { self.stream?.received(self.unwrapInboundIn(data)) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.stream?.becameWritable() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.stream?.ended(.endOfFile) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let code = (error as? IOError)?.errnoCode
        self.stream?.ended(code == Self.connectionReset ? .reset : .broken)
        context.close(promise: nil)
    }

    /// The channel closes by itself, without an error, only after a write that failed: an app's own socket did not take it.
    func channelInactive(context: ChannelHandlerContext) {
        self.stream?.ended(self.duplicate == nil ? .endOfFile : .reset)
    }

    /// errno; the same number on all Linux architectures but MIPS.
    private static let connectionReset: Int32 = 104

    func read(context: ChannelHandlerContext) {
        if self.readGate.mayRead() { context.read() }
    }
}
