// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import Logging
import NIOCore
import WireProtocol

/// Whoever has a request for an app; hears of it until the answer is complete, has failed, or was left.
protocol AppCallOwner: AnyObject {
    /// Appends the request as the granted process wants it; false if it could not be encoded.
    func encodeRequest(_ content: RequestContent, for transport: AppTransportKind, into buffer: inout ByteBuffer)
        -> Bool
    /// The request is with the app, or more of the answer is here: its time limit begins anew.
    func appIsActive()
    /// More of a streamed body, or of the tunnel, can be sent.
    func appTakesBody()
    func appSent(interim head: borrowing ResponseHead, _ bytes: ByteBuffer)
    /// The head of the answer and the first bytes of its body; false if it could not be encoded.
    func appSent(
        _ head: borrowing ResponseHead,
        _ bytes: ByteBuffer,
        _ framing: ClientFraming,
        _ piece: BodyRelay.Piece
    )
        -> Bool
    /// Bytes for the client, `payload` of which are body.
    func appSent(body bytes: ByteBuffer, payload: Int)
    func appSwitched(_ head: borrowing ResponseHead, _ bytes: ByteBuffer)
    func appAnswered()
    func appRefused(_ refusal: LinkRefusal, facts: Logger.Metadata)
    /// There is no answer, or not all of it.
    func appFailed(_ error: RequestError, facts: Logger.Metadata)
}

/// One request on its way to an app and back; carries out what `ExchangeMachine` decides.
///
/// When its owner leaves, it lives on until the app has answered, because the session ends only then: its stream keeps
/// it alive.
final class AppCall {
    /// What the way to the app needs to know; the head stays with the owner.
    struct Request {
        let host: String
        let method: String
        let path: String
        let isHead: Bool
        let clientVersion: RequestHead.Version
        let wantsUpgrade: Bool
        let content: RequestContent
        let traits: ExchangeMachine.Traits
    }

    /// How long an answer that broke off waits for the daemon's word on the process, so that the log can name the cause.
    private static let causeLimit = TimeAmount.milliseconds(250)
    /// For an answer that nobody waits for, so that a process that is nearly done gets there.
    private static let drainTime = TimeAmount.seconds(1)

    private let loop: WorkerLoopContext
    private let app: FrontApp
    /// nil once nobody waits for the answer any more.
    private var owner: (any AppCallOwner)?
    private let request: Request
    /// The body of the request; none once the answer is here, because it may be in a file, which must not outlive it.
    private var content: RequestContent
    private var machine = ExchangeMachine()
    private var sending = SendingMachine()
    private var reader = AnswerReader.head(ByteBuffer())
    private var head = ResponseHead()
    private var interims = InterimAllowance()
    private var grant: Granted?
    private var stream: AppStream?
    private var checkout: RequestID?
    private var outOfBandWorkRequested = false
    // Facts for the log of the answer.
    private(set) var pid: Int32?
    private(set) var queueTime: TimeAmount?
    private(set) var grantedAt = NIODeadline.uptimeNanoseconds(0)

    init(loop: WorkerLoopContext, owner: any AppCallOwner, app: FrontApp, request: Request) {
        self.loop = loop
        self.owner = owner
        self.app = app
        self.request = request
        content = request.content
    }

    func start() {
        machine.began(request.traits)
        checkOut()
    }

    // MARK: Request body

    /// Whether a streamed body can be sent on now.
    var takesBody: Bool {
        guard sending.isStreaming, let stream, stream.isReady else { return false }
        return stream.isWritable
    }

    func sendBody(_ bytes: ByteBuffer, isLast: Bool) {
        guard case .streaming(let ending) = sending.state else { return }
        var bytes = bytes
        if ending == .lastChunk {
            var chunk = ByteBuffer()
            ChunkedEncoder.writeChunk(bytes, into: &chunk)
            if isLast { ChunkedEncoder.writeEnd(into: &chunk) }
            bytes = chunk
        }
        if bytes.readableBytes > 0 { stream?.write(bytes) }
        guard isLast else { return }
        switch sending.lastPieceSent() {
        case .none: break
        case .shutOutput: stream?.endOutput()
        }
    }

    /// Sends a spooled body piece by piece, as fast as the app takes it; also when the client has gone meanwhile.
    private func pump() {
        guard let stream, stream.isReady, stream.isWritable else { return }
        switch sending.roomAppeared() {
        case .none: break
        case .askClient: owner?.appTakesBody()
        case .read(let offset, let count):
            guard case .file(let file, _) = content else { return }
            file.read(at: offset, count: count) { self.pieceRead($0) }
        }
    }

    private func pieceRead(_ result: Result<ByteBuffer, SpoolFile.Failure>) {
        switch result {
        case .success(let bytes):
            guard sending.pieceRead(bytes.readableBytes) == .write, let stream, stream.isReady else { break }
            stream.write(bytes)
            owner?.appIsActive()
        case .failure(let failure):
            _ = sending.pieceRead(0)
            let action = machine.answerMalformed()
            closeStream()
            return lost(action, RequestError(.spoolFailed(failure.description), retrySafety: .unsafe))
        }
        pump()
    }

    // MARK: Tunnel

    /// Bytes of the client to the app; false if it takes no more at the moment.
    func tunnel(_ bytes: ByteBuffer) -> Bool {
        stream?.write(bytes)
        return stream?.isWritable ?? true
    }

    func endTunnelOutput() { stream?.endOutput() }

    // MARK: Answer

    func pauseReading() { stream?.pauseReading() }
    func resumeReading() { stream?.resumeReading() }

    private func parseHead(_ bytes: ByteBuffer) {
        var bytes = bytes
        while true {
            switch head.advance(over: bytes, toHead: request.isHead) {
            case .needMore:
                reader = .head(bytes)
                return
            case .failed(let error): return malformed(error)
            case .complete:
                if head.status == 101 { return switchProtocols(bytes) }
                guard head.isInterim else { return headComplete(bytes) }
                switch interims.arrived(byteCount: head.byteCount) {
                case .pass: owner?.appSent(interim: head, bytes)
                case .drop: break
                case .refuse: return malformed(.tooManyInterimAnswers)
                }
                bytes.moveReaderIndex(forwardBy: head.byteCount)
                head.reset()
                if bytes.readableBytes == 0 {
                    reader = .head(ByteBuffer())
                    return
                }
            }
        }
    }

    private func headComplete(_ bytes: ByteBuffer) {
        let framing = ClientFraming(head.body, clientVersion: request.clientVersion)
        let action = machine.headReceived()
        guard action != .none else { return }
        bytes.withUnsafeReadableBytes { note(head, $0) }
        reader = .body(BodyRelay(head.body, framing: framing))
        var rest = bytes
        rest.moveReaderIndex(forwardBy: head.byteCount)
        guard let piece = reader.advance(rest) else { return }
        if action == .relay, owner?.appSent(head, bytes, framing, piece) == false { return malformed(.headTooLarge) }
        finish(piece)
    }

    /// What a head says to us and not to the client.
    private func note(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        outOfBandWorkRequested = head.requestsOutOfBandWork(bytes)
        if request.wantsUpgrade, 200..<300 ~= head.status { noteUpgradeNotTaken() }
        guard let name = head.fileHandedOver(bytes),
            let suppressed = loop.throttle.admit(.handedOverFile(app.groupName), at: .now())
        else { return }
        var facts = self.facts
        facts[RequestLogKeys.reason] = "\(name) is passed on, and nobody here sends the file that it names"
        if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        loop.logger.warning("the app leaves sending a file to a web server that is not there", metadata: facts)
    }

    /// A refusal or a redirect says by itself that there is no upgrade; an ordinary page looks like success.
    private func noteUpgradeNotTaken() {
        guard let suppressed = loop.throttle.admit(.upgradeNotTaken(app.groupName), at: .now()) else { return }
        var facts = self.facts
        facts[RequestLogKeys.reason] = "it answered the request (WebSocket or the like) as an ordinary one"
        if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        loop.logger.notice("the app did not take an upgrade that a client asked for", metadata: facts)
    }

    private func finish(_ piece: BodyRelay.Piece) {
        switch piece.progress {
        case .more: break
        case .complete: complete()
        case .failed(let error): malformed(error)
        }
    }

    /// The app has answered: stream and session are given back before the client has everything.
    private func complete() {
        let stream = self.stream
        self.stream = nil
        // Behind an upgrade that it did not take, Node answers valid requests only, and is silent to all others.
        let isPlain = !request.wantsUpgrade
        let isReusable = reader.isInStep && sending.isInStep && head.allowsReuse && isPlain
        content = .none
        switch machine.answerCompleted() {
        case .none: stream?.close()
        case .completed:
            stream?.giveBack(reusable: isReusable)
            release(.ok)
            owner?.appAnswered()
        case .abandonedCompleted:
            stream?.giveBack(reusable: isReusable)
            release(.clientGone)
        }
    }

    private func malformed(_ error: FramingError) {
        giveUp(RequestError(.malformedAnswer(error), retrySafety: .unsafe))
    }

    private func giveUp(_ error: RequestError) {
        let action = machine.answerMalformed()
        closeStream()
        lost(action, error)
    }

    private func switchProtocols(_ bytes: ByteBuffer) {
        guard request.wantsUpgrade, let grant, machine.upgraded(), let owner else {
            return giveUp(RequestError(.unaskedUpgrade, retrySafety: .unsafe))
        }
        reader = .tunnel
        loop.link.upgraded(grant.session)
        var rest = bytes
        rest.moveReaderIndex(forwardBy: head.byteCount)
        owner.appSwitched(head, bytes)
        if rest.readableBytes > 0 { owner.appSent(body: rest, payload: rest.readableBytes) }
    }

    // MARK: Ends

    /// Nobody waits for the answer any more.
    func leave() {
        owner = nil
        switch machine.clientGone(mayClose: grant?.transport.isSession != true) {
        case .none: break
        case .cancelCheckout:
            if let checkout { loop.link.cancel(checkout) }
            checkout = nil
        case .releaseUnused:
            closeStream()
            release(.unused)
        case .releaseLost: release(.clientGone)
        case .drain: readToEnd(isBounded: true)
        case .readToEnd: readToEnd(isBounded: false)
        case .closeAndRelease:
            closeStream()
            release(.clientGone)
        }
    }

    /// `read_timeout` has passed without a byte from the app.
    func deadlineReached() {
        let owner = self.owner
        switch machine.deadlineReached(mayClose: grant?.transport.isSession != true) {
        case .none: return
        case .failAndDrain, .truncateAndDrain: readToEnd(isBounded: true)
        case .failAndClose, .truncateAndClose:
            closeStream()
            release(.upstreamFailed)
        }
        self.owner = nil
        owner?.appFailed(RequestError(.readTimeout, retrySafety: .unsafe), facts: facts)
    }

    private func readToEnd(isBounded: Bool) {
        // What the client would still have sent never comes: the app must not wait for it.
        switch sending.cut() {
        case .none: break
        case .shutOutput: stream?.endOutput()
        }
        if isBounded, loop.link.endsAbandonedSessions {
            loop.eventLoop.assumeIsolated().scheduleTask(in: Self.drainTime) {
                self.endDrain(self.machine.drainEnded())
            }
        }
        stream?.resumeReading()
    }

    /// Nobody waits for the answer, and the app has had its chance to end it: its next write shall fail.
    private func endDrain(_ action: ExchangeMachine.DrainAction) {
        guard action == .abandon else { return }
        let stream = self.stream
        self.stream = nil
        let number = stream?.leave()
        guard let grant else { return }
        self.grant = nil
        loop.logger.info("answer that nobody waits for given up", metadata: facts)
        loop.link.abandoned(grant.session, stream: number)
    }

    private func closeStream() {
        let stream = self.stream
        self.stream = nil
        stream?.close()
    }

    private func release(_ kind: ReleaseOutcome.Kind) {
        guard let grant else { return }
        self.grant = nil
        let outcome = ReleaseOutcome(kind, outOfBandWorkRequested: outOfBandWorkRequested)
        loop.link.release(grant.session, outcome: outcome)
    }

    /// Carries out what becomes of a request whose stream was lost; `error` is for the client if it is given up.
    private func lost(_ action: ExchangeMachine.LossAction, _ error: RequestError, of stream: AppStream? = nil) {
        switch action {
        case .none: break
        case .askFate: askFate(of: stream, error)
        case .resend:
            guard let grant else { return }
            use(loop.streams.open(grant, for: self))
        case .checkoutAgain:
            release(error.isOurs ? .unused : .upstreamFailed)
            checkOut()
        case .fail, .truncate: explain(error)
        case .release: release(.clientGone)
        case .closeTunnel:
            release(.ok)
            owner?.appAnswered()
        }
    }

    /// Finds out whether the request may be sent again.
    private func askFate(of stream: AppStream?, _ error: RequestError) {
        guard let grant else { return }
        if stream?.wasReset == true { return lost(machine.fateKnown(.unread), error) }
        loop.link.askFate(of: stream?.number, to: grant.process) { fate in
            // The daemon's word on the session itself may have come first.
            guard self.grant?.session == grant.session else { return }
            self.lost(self.machine.fateKnown(fate), error)
        }
    }

    /// Gives the session back as failed, and tells the owner once the end of the process is known, or not soon.
    ///
    /// End of file on the stream comes a moment before the daemon's word on exit code or signal.
    private func explain(_ error: RequestError) {
        var facts = self.facts
        let process = grant?.process
        release(error.isOurs ? .unused : .upstreamFailed)
        guard let process, error.source == .upstream else {
            owner?.appFailed(error, facts: facts)
            return
        }
        loop.streams.whenKnown(process, within: Self.causeLimit) { fate in
            facts[RequestLogKeys.cause] = .string("\(fate)")
            self.owner?.appFailed(error, facts: facts)
        }
    }

    /// What the log says about the call beside the error itself.
    private var facts: Logger.Metadata {
        var facts: Logger.Metadata = [
            RequestLogKeys.app: .string(app.groupName), RequestLogKeys.host: .string(request.host),
            RequestLogKeys.method: .string(request.method), RequestLogKeys.path: .string(request.path),
        ]
        if let pid { facts[RequestLogKeys.pid] = .stringConvertible(pid) }
        if let session = grant?.session { facts[RequestLogKeys.session] = .stringConvertible(session) }
        return facts
    }
}

// MARK: - From the daemon

extension AppCall: CheckoutOwner {
    private func checkOut() {
        checkout = nil
        let id = loop.link.checkout(
            app,
            stickyID: 0,
            deadline: nil,
            method: request.method,
            path: request.path,
            host: request.host,
            owner: self
        )
        if machine.state == .waiting, checkout == nil { checkout = id }
    }

    func granted(_ grant: Granted) {
        checkout = nil
        switch machine.granted() {
        case .release: loop.link.release(grant.session, outcome: .unused)
        case .attach:
            self.grant = grant
            pid = grant.pid
            queueTime = .microseconds(Int64(clamping: grant.queueTimeMicroseconds))
            grantedAt = .now()
            use(loop.streams.acquire(grant, for: self))
        }
    }

    func refused(_ refusal: LinkRefusal) {
        checkout = nil
        switch machine.refused() {
        case .none: break
        case .answerWithRefusal: owner?.appRefused(refusal, facts: facts)
        }
    }

    func aborted(_ session: SessionID, reason: SessionLoss) {
        guard let grant, grant.session == session else { return }
        let facts = self.facts
        self.grant = nil
        let stream = self.stream
        self.stream = nil
        let action = machine.aborted(ExchangeMachine.AbortCause(reason))
        // Without its connection the daemon sees by the end of the stream that the app is done.
        if case .daemonLost = reason { stream?.leave() } else { stream?.close() }
        switch action {
        case .checkoutAgain: checkOut()
        case .fail, .truncate: owner?.appFailed(RequestError(.aborted(reason), retrySafety: .unsafe), facts: facts)
        case .close, .none: break
        }
    }
}

// MARK: - From the stream

extension AppCall: StreamOwner {
    private func use(_ stream: AppStream) {
        // It may have failed within the call that made it.
        guard !stream.isClosed else { return }
        self.stream = stream
        if stream.isReady { send(on: stream) }
    }

    func streamReady(_ stream: AppStream) {
        guard stream === self.stream else { return stream.close() }
        send(on: stream)
    }

    func streamFailed(_ stream: AppStream, reason: String) {
        self.stream = nil
        guard !stream.isOutOfDescriptors else {
            // No other process would make a difference, only room does; the one message is that of the answer.
            let hasRoom = machine.mayMakeRoom() && loop.makeRoom() > 0
            return lost(machine.streamFailed(mayRepeat: hasRoom), RequestError(.noDescriptor(reason)))
        }
        loop.logger.warning(
            "no stream to the process",
            metadata: facts.merging([RequestLogKeys.reason: .string(reason)]) { $1 }
        )
        lost(machine.streamFailed(), RequestError(.connectFailed(reason)))
    }

    private func send(on stream: AppStream) {
        guard machine.streamReady(kept: stream.isKept), let owner, let grant else {
            return stream.giveBack(reusable: true)
        }
        head.reset()
        reader = .head(ByteBuffer())
        outOfBandWorkRequested = false
        var outgoing = loop.takeOutgoing()
        guard owner.encodeRequest(content, for: grant.transport, into: &outgoing) else {
            return giveUpUnsent(stream)
        }
        owner.appIsActive()
        if case .memory(let bytes) = content { outgoing.writeImmutableBuffer(bytes) }
        sending.began(SendingMachine.Content(content, over: grant.transport))
        machine.written(isReadAtOnce: content.isReadAtOnce(over: grant.transport, requestBytes: outgoing.readableBytes))
        stream.write(outgoing)
        loop.giveBackOutgoing(outgoing)
        if !sending.isInStep { pump() }
    }

    private func giveUpUnsent(_ stream: AppStream) {
        self.stream = nil
        _ = machine.answerMalformed()
        stream.giveBack(reusable: true)
        release(.unused)
        owner?.appFailed(RequestError(.unencodable), facts: facts)
    }

    func streamRead(_ stream: AppStream, _ bytes: ByteBuffer) {
        guard stream === self.stream else { return }
        if owner == nil, loop.link.endsAbandonedSessions, machine.drained(bytes.readableBytes) == .abandon {
            return endDrain(.abandon)
        }
        switch reader {
        case .tunnel: owner?.appSent(body: bytes, payload: bytes.readableBytes)
        case .complete: break
        case .head(var received):
            guard received.readableBytes > 0 else { return parseHead(bytes) }
            // Without this the bytes would be copied to be appended to.
            reader = .head(ByteBuffer())
            received.writeImmutableBuffer(bytes)
            parseHead(received)
        case .body:
            owner?.appIsActive()
            guard let piece = reader.advance(bytes) else { return }
            if piece.output.readableBytes > 0 { owner?.appSent(body: piece.output, payload: piece.payload) }
            finish(piece)
        }
    }

    func streamClosed(_ stream: AppStream) {
        guard stream === self.stream else { return }
        self.stream = nil
        let error = RequestError(
            reader.isInBody ? .incompleteBody : .incompleteAnswer(bytesSeen: reader.headBytes),
            retrySafety: .unsafe
        )
        if let rest = reader.inputEnded() {
            if rest.readableBytes > 0 { owner?.appSent(body: rest, payload: 0) }
            return complete()
        }
        lost(machine.streamClosed(hasAnswerBegun: reader.headBytes > 0), error, of: stream)
    }

    func streamWritable(_ stream: AppStream) {
        guard stream === self.stream else { return }
        if machine.state == .tunnel { owner?.appTakesBody() } else { pump() }
    }
}

extension ExchangeMachine.AbortCause {
    init(_ loss: SessionLoss) {
        switch loss {
        case .byDaemon(.maxRequestTime): self = .timeLimit
        case .byDaemon(.processDetached): self = .detached
        case .daemonLost: self = .daemonLost
        }
    }
}

extension SendingMachine.Content {
    init(_ content: RequestContent, over transport: AppTransportKind) {
        switch content {
        case .none, .memory: self = .whole
        case .file(_, let length): self = .file(length: length)
        case .streamed(length: .some): self = .streamed(.length)
        case .streamed(length: nil): self = .streamed(transport == .session ? .streamEnd : .lastChunk)
        }
    }
}
