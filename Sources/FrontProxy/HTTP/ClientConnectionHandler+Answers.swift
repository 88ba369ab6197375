// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import Logging
import NIOCore

// Answers to the client: written at once; what a slow client does not take is spooled.
extension ClientConnectionHandler {
    /// Heads and bodies up to this size go out in one piece; a larger body is written behind the head, without a copy.
    private static let joinedBytes = 16 * 1024
    private static let keptOutgoingBytes = 64 * 1024

    /// An empty `outgoing` with room from earlier answers.
    func clearOutgoing() {
        if self.outgoing.storageCapacity > Self.keptOutgoingBytes {
            self.outgoing = ByteBuffer()
        } else {
            self.outgoing.clear()
        }
    }

    func write(_ bytes: ByteBuffer) {
        self.timer.handedBytes += bytes.readableBytes
        self.channelContext?.writeAndFlush(self.wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
    }

    // MARK: From the app

    /// The request is with the app: from now on `read_timeout` counts.
    func appMustAnswer() { self.appIsActive() }

    func appIsActive() {
        // While bytes wait for the client, its time limit counts.
        if self.spool?.isEmpty ?? true { self.setDeadline(after: .init(self.route.readTimeout)) }
    }

    /// Writes the head of the app's answer and the first bytes of its body; false if it could not be encoded.
    func relayHead(
        _ head: borrowing ResponseHead,
        _ bytes: ByteBuffer,
        _ framing: ClientFraming,
        _ piece: BodyRelay.Piece
    )
        -> Bool
    {
        // The clock was that of the client's body.
        if self.machine.isReadingBody { self.appIsActive() }
        self.machine.answerBegun()
        if framing.endsConnection { self.machine.answerEndsConnection() }
        let options = ResponseHeadEncoder.Options(
            date: self.loop.httpDate(at: .now()),
            productLines: self.loop.productLines,
            addedLines: self.addedLines(status: head.status),
            keepsAlive: self.machine.keepsAlive,
            clientVersion: self.head.version
        )
        self.clearOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encode(head, raw, framing: framing, options: options, into: &self.outgoing)
        }
        guard isEncoded else { return false }
        self.account.status = head.status
        self.account.bytesSent += piece.payload
        if piece.output.readableBytes <= Self.joinedBytes {
            if piece.output.readableBytes > 0 { self.outgoing.writeImmutableBuffer(piece.output) }
            self.write(self.outgoing)
        } else {
            self.timer.handedBytes += self.outgoing.readableBytes
            self.channelContext?.write(self.wrapOutboundOut(.byteBuffer(self.outgoing)), promise: nil)
            self.write(piece.output)
        }
        return true
    }

    func relayBody(_ bytes: ByteBuffer, payload: Int) {
        self.account.bytesSent += payload
        guard let channel = self.channelContext?.channel else { return }
        let isSpooling = !(self.spool?.isEmpty ?? true)
        if !isSpooling, channel.isWritable { return self.write(bytes) }
        let spool = self.spool ?? self.makeSpool()
        self.spool = spool
        if !isSpooling { self.setDeadline(after: .init(self.route.sendTimeout)) }
        spool.append(bytes)
        if spool.isCongested || self.isSpoolFull(spool) { self.exchange?.pauseReading() }
    }

    private func isSpoolFull(_ spool: ResponseSpool) -> Bool {
        spool.holds(moreThan: self.loop.model.responseBufferHighWatermark)
    }

    private func makeSpool() -> ResponseSpool {
        let loop = self.loop
        return ResponseSpool {
            SpoolFile(directory: loop.temporaryDirectory, threadPool: loop.threadPool, eventLoop: loop.eventLoop)
        } relieved: { [weak self] in
            // A full one goes on when the client has taken all of it.
            guard let self, let spool = self.spool, !self.isSpoolFull(spool) else { return }
            self.exchange?.resumeReading()
        } failure: { [weak self] failure in
            guard let self else { return }
            self.log(.error, "answer broken off", RequestError(.spoolFailed(failure.description)), [:])
            self.breakAnswer()
        }
    }

    /// Writes what was spooled as far as the client takes it.
    func pumpSpool() {
        guard let spool = self.spool, let context = self.channelContext else { return }
        while context.channel.isWritable, let bytes = spool.popMemory() { self.write(bytes) }
        if context.channel.isWritable {
            spool.readFile { [weak self] bytes in
                self?.write(bytes)
                self?.pumpSpool()
            }
        }
        guard spool.isEmpty else { return }
        self.exchange?.resumeReading()
        if self.isAnswerRelayed {
            self.completeAnswer()
        } else if self.exchange?.machine.state == .relaying {
            self.appIsActive()
        }
    }

    /// The app has produced all of its answer.
    func answerRelayed() {
        if self.spool?.isEmpty ?? true {
            self.completeAnswer()
        } else {
            self.isAnswerRelayed = true
            self.setDeadline(after: .init(self.route.sendTimeout))
        }
    }

    func relayInterim(_ head: borrowing ResponseHead, _ bytes: ByteBuffer) {
        // 100 was our own matter; HTTP/1.0 knows none of them.
        guard head.status != 100, self.head.version == .http11 else { return }
        self.clearOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encodeInterim(head, raw, into: &self.outgoing)
        }
        if isEncoded { self.write(self.outgoing) }
    }

    /// The lines of `add_header` for this status; nil if there are none, which is the usual case.
    func addedLines(status: Int) -> ByteBuffer? {
        guard !self.route.addHeaders.isEmpty else { return nil }
        var lines = ByteBuffer()
        for header in self.route.addHeaders where header.applies(toStatus: status) {
            let value = header.value.expanded { self.value(of: $0, status: status) }
            // An empty value means "not this time", and a line break would be a header of the client's choosing.
            if value.isEmpty || value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) { continue }
            lines.writeString("\(header.name): \(value)\r\n")
        }
        return lines
    }

    // MARK: Ends

    /// Everything of the answer was handed to the channel.
    func completeAnswer() {
        self.isAnswerRelayed = false
        self.recordAccess()
        switch self.machine.answerCompleted() {
        case .none: break
        case .nextRequest: self.awaitNextRequest()
        case .close: self.endConnection()
        case .linger: self.linger()
        }
    }

    private func awaitNextRequest() {
        self.head.reset()
        self.incoming = .none
        self.setDeadline(after: self.loop.isDraining ? Self.drainGrace : .init(self.route.keepaliveTimeout))
        self.readOn()
    }

    /// Closes once everything is written; a client that still sends gets the time to read it.
    private func endConnection() {
        if self.inbound.readableBytes > 0 { return self.linger() }
        self.closeAfterOutput()
    }

    /// Closes once the client has taken everything, or takes nothing for as long as it may.
    func closeAfterOutput() {
        self.setDeadline(after: .init(self.route.sendTimeout))
        self.afterFlush { $0.close(promise: nil) }
    }

    private func linger() {
        self.inbound = ByteBuffer()
        self.resumeReading()
        self.setDeadline(after: Self.lingerTime + .init(self.route.sendTimeout))
        self.afterFlush { context in
            self.setDeadline(after: Self.lingerTime)
            context.close(mode: .output, promise: nil)
        }
    }

    private func afterFlush(_ body: @escaping (ChannelHandlerContext) -> Void) {
        guard let context = self.channelContext else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            if let context = self.channelContext { body(context) }
        }
        context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
    }

    /// The answer cannot be completed: the end of the connection shows that to the client.
    func breakAnswer() {
        self.recordAccess()
        self.machine.answerBroken()
        self.spool?.discard()
        self.closeNow()
    }

    /// The exchange goes on without this connection.
    func detach(_ exchange: AppExchange) {
        if self.exchange === exchange { self.exchange = nil }
    }

    func recordAccess() {
        guard let log = self.route.accessLog else { return }
        let now = NIODeadline.now()
        let exchange = self.account.usedApp ? self.exchange : nil
        let pid = exchange?.pid
        let entry = AccessLogEntry(
            remoteAddress: self.remoteAddress,
            requestLine: self.slice(self.head.requestLine) ?? ByteBuffer(),
            status: self.account.status,
            bytesSent: self.account.bytesSent,
            referer: self.head.field(.referer).flatMap { self.slice($0.value) },
            userAgent: self.head.field(.userAgent).flatMap { self.slice($0.value) },
            pid: pid,
            queueTime: exchange?.queueTime,
            appTime: pid == nil ? nil : exchange.map { now - $0.grantedAt },
            totalTime: now - self.account.begun
        )
        self.loop.accessLog.record(entry, in: log)
    }

    /// nil if the head was never complete.
    private func slice(_ range: Range<Int>) -> ByteBuffer? {
        self.headBytes.getSlice(at: range.lowerBound, length: range.count)
    }
}
