// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import NIOCore
import WireProtocol

// The body of a request: collected before an app is asked, or streamed to it.
extension ClientConnectionHandler {
    func collectBody() {
        var expected: Int?
        if case .bytes(let count) = self.head.body { expected = count }
        let allocator = self.channelContext?.channel.allocator ?? ByteBufferAllocator()
        let loop = self.loop
        self.body = RequestBody(expected: expected, allocator: allocator) {
            SpoolFile(directory: loop.temporaryDirectory, threadPool: loop.threadPool, eventLoop: loop.eventLoop)
        }
        self.setDeadline(after: .init(self.route.clientBodyTimeout))
    }

    /// False if more bytes are needed, or the rest has to wait.
    func readBody() -> Bool {
        if self.body != nil { return self.readIntoStore() }
        if let exchange = self.exchange, exchange.machine.state != .idle { return self.streamBody(exchange) }
        // Answered without the body: it is dropped until the client has ended.
        self.inbound = ByteBuffer()
        return false
    }

    private func readIntoStore() -> Bool {
        guard let body = self.body else { return false }
        var payload = ByteBuffer()
        guard let isComplete = self.takeBody(into: &payload) else { return false }
        body.append(payload)
        if self.isTooLarge(body.count) {
            self.failTooLarge()
            return false
        }
        // Known only after what came before was tried; the client need not send the rest.
        if let failure = body.failure {
            self.fail(RequestError(.spoolFailed(failure.description)))
            return false
        }
        if isComplete {
            self.endBody(body)
            return true
        }
        self.setDeadline(after: .init(self.route.clientBodyTimeout))
        if body.isCongested {
            self.pauseReading()
            body.whenRelieved { [weak self] in self?.resumeReading() }
        }
        return false
    }

    private func endBody(_ body: RequestBody) {
        self.machine.bodyCompleted()
        self.clearDeadline()
        body.end { [weak self] outcome in
            guard let self, self.body === body else { return }
            self.body = nil
            self.resumeReading()
            switch outcome {
            case .complete(let content): if let app = self.route.app { self.start(app, content) }
            case .failed(let failure): self.fail(RequestError(.spoolFailed(failure.description)))
            }
        }
    }

    func dropBody() {
        self.body?.discard()
        self.body = nil
        self.resumeReading()
    }

    /// Moves what belongs to the body out of the inbound bytes; true if that completes it, nil if its framing is broken.
    private func takeBody(into payload: inout ByteBuffer) -> Bool? {
        switch self.incoming {
        case .none: return true
        case .bytes(let remaining):
            let count = min(remaining, self.inbound.readableBytes)
            payload = self.inbound.readSlice(length: count) ?? ByteBuffer()
            self.incoming = .bytes(remaining: remaining - count)
            return count == remaining
        case .chunked(var decoder):
            let outcome = decoder.decode(&self.inbound, into: &payload)
            self.incoming = .chunked(decoder)
            switch outcome {
            case .needMore: return false
            case .finished: return true
            case .failed(let error):
                self.fail(RequestError(.framing(error)))
                return nil
            }
        }
    }

    // MARK: Streaming (request_buffering off)

    /// The app's stream can take more of the body.
    func bodyIsWanted() {
        self.resumeReading()
        if self.machine.isReadingBody, let exchange = self.exchange { self.bodyIsAwaited(exchange) }
        self.process()
    }

    /// Sets the clock of whoever the body waits for: of a client that must send, or of an app that must take it.
    private func bodyIsAwaited(_ exchange: AppExchange) {
        if exchange.takesBody, !self.machine.hasAnswerBegun {
            self.setDeadline(after: .init(self.route.clientBodyTimeout))
        } else {
            self.appIsActive()
        }
    }

    private func streamBody(_ exchange: AppExchange) -> Bool {
        guard exchange.takesBody else {
            self.pauseReading()
            return false
        }
        var payload = ByteBuffer()
        guard let isComplete = self.takeBody(into: &payload) else { return false }
        self.account.bodyBytes += payload.readableBytes
        if self.isTooLarge(self.account.bodyBytes) {
            self.failTooLarge()
            return false
        }
        let needsChunks = exchange.request?.content.length == nil && exchange.transport != .session
        if needsChunks {
            var chunk = ByteBuffer()
            ChunkedEncoder.writeChunk(payload, into: &chunk)
            if isComplete { ChunkedEncoder.writeEnd(into: &chunk) }
            payload = chunk
        }
        if payload.readableBytes > 0 { exchange.sendBody(payload) }
        guard isComplete else {
            self.bodyIsAwaited(exchange)
            return false
        }
        self.appIsActive()
        self.machine.bodyCompleted()
        let endsStream = exchange.request?.content.length == nil && exchange.transport == .session
        exchange.bodySent(bySessionTransportEnd: endsStream)
        return true
    }
}
