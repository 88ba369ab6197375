// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

/// One client's HTTP/1.1 connection: bytes, framing, back-pressure and clock; confined to its event loop.
///
/// What bytes mean is decided by `ConnectionMachine`; what is answered, by the `Exchange` that it makes for each request.
/// Between two requests it holds neither, nor a buffer.
final class HTTP1Connection {
    /// How the body of the request under way is delimited, and what is missing of it.
    enum IncomingBody {
        case none
        case bytes(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    /// Bytes of further requests that are taken from the kernel while one is being answered.
    private static let maxBufferedBytes = 64 * 1024
    /// For the next request of a connection that must close.
    static let drainGrace = TimeAmount.seconds(5)

    let loop: WorkerLoopContext
    let hosts: VirtualHosts
    let isTrustedPeer: Bool
    /// A place where the client can wait for long without this connection, if there is one.
    let home: ClientSocket?
    /// nil before it is open, and once it has been closed.
    var socket: StreamSocket?
    var machine = ConnectionMachine()
    var addresses = ConnectionAddresses()
    /// What came from the client and has not been used.
    var inbound = ByteBuffer()
    /// From the first byte of a head until an exchange has it.
    var partial: ClientRequest?
    /// Of that head, once it is long and there is more to come.
    var headShare: ClientShare?
    var incoming = IncomingBody.none
    /// Of the request under way.
    var exchange: Exchange?
    /// Of the latest request: its time limits count.
    var route = RouteModel.nothing
    var clock = ConnectionClock()
    var armed: Scheduled<Void>?
    /// How long the client may be silent before its next request.
    var idleEnd = NIODeadline.uptimeNanoseconds(0)
    var progress = OutputProgress()
    var isSendingFile = false
    var isProcessing = false

    /// `isTrustedPeer`: what the peer says about the origin of its requests counts (`PeerTrust`).
    init(
        context: WorkerLoopContext,
        listen: ListenAddress,
        isTrustedPeer: Bool = false,
        home: ClientSocket? = nil
    ) {
        loop = context
        self.isTrustedPeer = isTrustedPeer
        self.home = home
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
    func closeNow() { socket?.close() }

    /// Bytes of answers that wait for the client.
    var bufferedBytes: Int { socket?.waitingBytes ?? 0 }

    /// Bytes from the client that have to wait.
    var heldBytes: Int { inbound.readableBytes }
    var holdsExchange: Bool { exchange != nil || partial != nil }

    /// It has had an answer, all of it, and asks for nothing.
    var isUnused: Bool {
        machine.isIdle && progress.handedBytes > 0 && inbound.readableBytes == 0 && bufferedBytes == 0
    }

    // MARK: Socket

    /// Begins with an accepted socket.
    func open(_ descriptor: consuming Descriptor) throws(SystemError) {
        addresses = try ConnectionAddresses(ofSocket: descriptor.rawValue, isTrustedPeer: isTrustedPeer)
        TCPSocket.sendAtOnce(descriptor.rawValue)
        // What a client has sent that has left altogether is worth nothing: nobody is there to take the answer.
        let socket = try StreamSocket(descriptor, on: loop.eventLoop, owner: self, keepsInput: false)
        self.socket = socket
        loop.register(self)
        beIdle(for: .init(loop.model.clientHeaderTimeout))
        if loop.isDraining { beginDraining() }
    }

    func resumeReading() { socket?.resumeReading() }

    /// Goes on with what had to wait for the client to take its answers.
    func readOn() {
        process()
        if !isHoldingEnough { resumeReading() }
    }

    /// What waits is for later; a head or a body is read on until it is complete, or its own limit strikes.
    private var isHoldingEnough: Bool {
        inbound.readableBytes > Self.maxBufferedBytes && !machine.isReadingHeadOrBody
    }

    func leaveExchange() {
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }
}

extension HTTP1Connection: StreamSocketOwner {
    func socketReceived(_ bytes: ByteBuffer) {
        if inbound.readableBytes == 0 {
            inbound = bytes
        } else {
            // A client that always sends a part of the next request must not make the buffer grow for ever.
            if inbound.readerIndex > inbound.readableBytes { inbound.discardReadBytes() }
            inbound.writeImmutableBuffer(bytes)
        }
        process()
        if inbound.readableBytes == 0 {
            inbound = ByteBuffer()
        } else if isHoldingEnough {
            socket?.pauseReading()
        }
    }

    func socketInputEnded() {
        switch machine.inputEnded(isHoldingBack: inbound.readableBytes > 0) {
        case .none: break
        // It may still be reading the answer before.
        case .close: closeAfterOutput()
        case .answerThenClose: watchHalfClosed(HalfClosedWatch(handedBytes: progress.handedBytes))
        case .abandonThenClose: abandonRequest()
        case .halfClose: exchange?.tunnelInputEnded()
        }
    }

    func socketBecameWritable() {
        exchange?.writable()
        if machine.isIdle, inbound.readableBytes > 0 || socket?.isReadingPaused == true { readOn() }
    }

    func socketClosed(_ end: StreamSocket.End) {
        socket = nil
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
        home?.ended()
    }
}
