// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import Logging
import NIOCore
import WireProtocol

/// Takes requests of one connection to an app and their answers back; carries out what `ExchangeMachine` decides.
///
/// Used for one request at a time. When the client leaves, it outlives the connection until the app has answered,
/// because the session ends only then: the stream keeps it alive.
final class AppExchange: CheckoutOwner, StreamOwner {
    /// How long an answer that broke off waits for the daemon's word on the process, so that the log can name the cause.
    static let causeLimit = TimeAmount.milliseconds(250)
    static let fileChunkBytes = 128 * 1024

    let loop: WorkerLoopContext
    /// nil once nobody waits for the answer any more.
    var client: ClientConnectionHandler?
    var machine = ExchangeMachine()
    var request: ExchangeRequest?
    var grant: Granted?
    var stream: AppStream?
    var head = ResponseHead()
    /// An incomplete head.
    var received = ByteBuffer()
    var relay: BodyRelay?
    var isStreamInStep = true
    private var checkout: RequestID?
    /// Reused for every request that it encodes.
    private var outgoing = ByteBuffer()
    private var outOfBandWorkRequested = false
    /// Idle connections were closed for the request under way.
    private var hasMadeRoom = false
    /// The whole request was written to the stream.
    private(set) var hasSentAll = false
    private var fileOffset = 0
    private var isReadingFile = false
    /// Tells the request under way from earlier ones, for answers that come late.
    private(set) var serial = 0
    // Facts for the log of the answer.
    private(set) var pid: Int32?
    private(set) var queueTime: TimeAmount?
    private(set) var grantedAt = NIODeadline.uptimeNanoseconds(0)

    init(loop: WorkerLoopContext, client: ClientConnectionHandler) {
        self.loop = loop
        self.client = client
    }

    var isIdle: Bool { self.machine.state == .idle }
    var transport: AppTransportKind? { self.grant?.transport }

    // MARK: Checkout

    func start(_ request: ExchangeRequest) {
        self.serial += 1
        self.request = request
        self.pid = nil
        self.queueTime = nil
        self.hasMadeRoom = false
        self.machine.began(request.traits)
        self.checkOut()
    }

    private func checkOut() {
        guard let request = self.request else { return }
        self.checkout = nil
        let id = self.loop.link.checkout(
            request.app,
            stickyID: 0,
            deadline: nil,
            method: request.method,
            path: request.path,
            owner: self
        )
        if self.machine.state == .waiting, self.checkout == nil { self.checkout = id }
    }

    func granted(_ grant: Granted) {
        self.checkout = nil
        switch self.machine.granted() {
        case .release: self.loop.link.release(grant.session, outcome: .unused)
        case .attach:
            self.grant = grant
            self.pid = grant.pid
            self.queueTime = .microseconds(Int64(clamping: grant.queueTimeMicroseconds))
            self.grantedAt = .now()
            self.use(self.loop.streams.acquire(grant, for: self))
        }
    }

    func refused(_ refusal: LinkRefusal) {
        self.checkout = nil
        switch self.machine.refused() {
        case .none: break
        case .answerWithRefusal: self.answer(refusal)
        }
    }

    func aborted(_ session: SessionID, reason: SessionLoss) {
        guard let grant = self.grant, grant.session == session else { return }
        let facts = self.facts
        self.grant = nil
        let stream = self.stream
        self.stream = nil
        let action = self.machine.aborted(mayRepeat: reason == .daemonLost)
        stream?.close()
        let error = RequestError(.aborted(reason), retrySafety: .unsafe)
        switch action {
        case .checkoutAgain: self.checkOut()
        case .fail: self.client?.fail(error, facts: facts)
        case .truncate:
            self.client?.log(.error, "answer broken off", error, facts)
            self.client?.breakAnswer()
        case .close, .none: break
        }
    }

    // MARK: Request to the app

    private func use(_ stream: AppStream) {
        // It may have failed within the call that made it.
        guard stream.state != .closed else { return }
        self.stream = stream
        if stream.isReady { self.send(on: stream) }
    }

    func streamReady(_ stream: AppStream) {
        guard stream === self.stream else { return stream.close() }
        self.send(on: stream)
    }

    func streamFailed(_ stream: AppStream, reason: String) {
        self.stream = nil
        guard !stream.isOutOfDescriptors else {
            // No other process would make a difference, only room does; the one message is that of the answer.
            let hasRoom = !self.hasMadeRoom && self.loop.makeRoom() > 0
            self.hasMadeRoom = true
            return self.lost(self.machine.streamFailed(mayRepeat: hasRoom), RequestError(.noDescriptor(reason)))
        }
        self.note("no stream to the process", .warning, ["reason": .string(reason)])
        self.lost(self.machine.streamFailed(), RequestError(.connectFailed(reason)))
    }

    private func send(on stream: AppStream) {
        guard self.machine.streamReady(kept: stream.isKept), let client = self.client, let request = self.request,
            let grant = self.grant
        else { return stream.giveBack(reusable: true) }
        self.head.reset()
        self.received = ByteBuffer()
        self.relay = nil
        self.isStreamInStep = true
        self.outOfBandWorkRequested = false
        self.hasSentAll = false
        self.fileOffset = 0
        self.outgoing.clear()
        guard client.encodeRequest(request, for: grant.transport, into: &self.outgoing) else {
            return self.giveUpUnsent(stream)
        }
        client.appMustAnswer()
        switch request.content {
        case .none:
            self.hasSentAll = true
            stream.write(self.outgoing)
        case .memory(let bytes):
            self.hasSentAll = true
            self.outgoing.writeImmutableBuffer(bytes)
            stream.write(self.outgoing)
        case .file(let file, let length):
            stream.write(self.outgoing)
            self.pump(file, length, on: stream)
        case .streamed:
            stream.write(self.outgoing)
            client.bodyIsWanted()
        }
    }

    private func giveUpUnsent(_ stream: AppStream) {
        self.stream = nil
        _ = self.machine.answerMalformed()
        stream.giveBack(reusable: true)
        self.release(.unused)
        self.failClient(RequestError(.unencodable))
    }

    /// Sends a spooled body piece by piece, as fast as the app takes it; also when the client has gone meanwhile.
    private func pump(_ file: SpoolFile, _ length: Int, on stream: AppStream) {
        guard !self.isReadingFile, stream.isReady, stream === self.stream, stream.isWritable else { return }
        let count = min(Self.fileChunkBytes, length - self.fileOffset)
        guard count > 0 else {
            self.hasSentAll = true
            return
        }
        self.isReadingFile = true
        file.read(at: self.fileOffset, count: count) { result in
            self.isReadingFile = false
            // Another attempt may have begun meanwhile, from the start.
            guard stream === self.stream, stream.isReady else {
                if let stream = self.stream { self.streamWritable(stream) }
                return
            }
            switch result {
            case .success(let bytes):
                self.fileOffset += bytes.readableBytes
                stream.write(bytes)
                self.client?.appIsActive()
                self.pump(file, length, on: stream)
            case .failure(let failure): self.spoolFailed(failure, stream)
            }
        }
    }

    private func spoolFailed(_ failure: SpoolFile.Failure, _ stream: AppStream) {
        self.stream = nil
        let action = self.machine.answerMalformed()
        stream.close()
        self.lost(action, RequestError(.spoolFailed(failure.description), retrySafety: .unsafe))
    }

    func streamWritable(_ stream: AppStream) {
        guard stream === self.stream else { return }
        switch self.request?.content {
        case .file(let file, let length): if !self.hasSentAll { self.pump(file, length, on: stream) }
        case .streamed: self.client?.bodyIsWanted()
        case .some(.none), .memory, nil: break
        }
        if self.machine.state == .tunnel { self.client?.tunnelIsWritable() }
    }

    /// Whether a streamed body can be sent on now.
    var takesBody: Bool {
        guard let stream = self.stream, stream.isReady, !self.hasSentAll else { return false }
        return stream.isWritable
    }

    func sendBody(_ bytes: ByteBuffer) {
        self.stream?.write(bytes)
    }

    /// The streamed body is complete; one without a length ends by the end of our side of the stream.
    func bodySent(bySessionTransportEnd: Bool) {
        self.hasSentAll = true
        if bySessionTransportEnd {
            self.isStreamInStep = false
            self.stream?.endOutput()
        }
    }

    // MARK: Ends

    func resumeReading() { self.stream?.resumeReading() }
    func pauseReading() { self.stream?.pauseReading() }

    /// The client has left; nothing is sent to it any more.
    func clientGone() {
        let action = self.machine.clientGone(mayClose: self.grant?.transport != .session)
        self.client = nil
        switch action {
        case .none: break
        case .cancelCheckout:
            if let checkout = self.checkout { self.loop.link.cancel(checkout) }
            self.checkout = nil
        case .releaseUnused:
            self.closeStream()
            self.release(.unused)
        case .readToEnd:
            self.endStreamedBody()
            self.stream?.resumeReading()
        case .closeAndRelease:
            self.closeStream()
            self.release(.clientGone)
        }
    }

    /// `read_timeout` has passed without a byte from the app.
    func deadlineReached() {
        let client = self.client
        let error = RequestError(.readTimeout, retrySafety: .unsafe)
        switch self.machine.deadlineReached(mayClose: self.grant?.transport != .session) {
        case .none: break
        case .failAndReadToEnd:
            self.abandon()
            client?.fail(error, facts: self.facts)
        case .failAndClose:
            self.closeStream()
            self.release(.upstreamFailed)
            client?.fail(error, facts: self.facts)
        case .truncateAndReadToEnd:
            self.abandon()
            client?.breakAnswer()
        case .truncateAndClose:
            self.closeStream()
            self.release(.upstreamFailed)
            client?.breakAnswer()
        }
    }

    private func abandon() {
        self.client?.detach(self)
        self.client = nil
        self.endStreamedBody()
        self.stream?.resumeReading()
    }

    /// What the client would still have sent never comes: the app must not wait for it.
    private func endStreamedBody() {
        guard case .streamed = self.request?.content, !self.hasSentAll else { return }
        self.isStreamInStep = false
        self.stream?.endOutput()
    }

    func closeStream() {
        let stream = self.stream
        self.stream = nil
        stream?.close()
    }

    func release(_ kind: ReleaseOutcome.Kind) {
        guard let grant = self.grant else { return }
        self.grant = nil
        let outcome = ReleaseOutcome(kind, outOfBandWorkRequested: self.outOfBandWorkRequested)
        self.loop.link.release(grant.session, outcome: outcome)
    }

    func noteOutOfBandWork() { self.outOfBandWorkRequested = true }

    /// Carries out what becomes of a request whose stream was lost; `error` is for the client if it is given up.
    func lost(_ action: ExchangeMachine.LossAction, _ error: RequestError) {
        switch action {
        case .none: break
        case .resend:
            guard let grant = self.grant else { return }
            self.use(self.loop.streams.open(grant, for: self))
        case .checkoutAgain:
            self.release(error.isOurs ? .unused : .upstreamFailed)
            self.checkOut()
        case .fail: self.explain(error) { client, facts in client.fail(error, facts: facts) }
        case .truncate:
            self.explain(error) { client, facts in
                client.log(.error, "answer broken off", error, facts)
                client.breakAnswer()
            }
        case .release: self.release(.clientGone)
        case .closeTunnel:
            self.release(.ok)
            self.client?.tunnelEnded()
        }
    }

    func failClient(_ error: RequestError, page: ClientConnectionHandler.OwnPage = .short) {
        self.client?.fail(error, facts: self.facts, page: page)
    }
}
