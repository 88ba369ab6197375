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
    static let causeLimit = TimeAmount.milliseconds(250)
    /// For an answer that nobody waits for, so that a process that is nearly done gets there.
    static let drainTime = TimeAmount.seconds(1)

    let loop: WorkerLoopContext
    let app: FrontApp
    /// nil once nobody waits for the answer any more.
    var owner: (any AppCallOwner)?
    let request: Request
    /// The body of the request; none once the answer is here, because it may be in a file, which must not outlive it.
    var content: RequestContent
    var machine = ExchangeMachine()
    var sending = SendingMachine()
    var reader = AnswerReader.head(ByteBuffer())
    var head = ResponseHead()
    var interims = InterimAllowance()
    var grant: Granted?
    var stream: AppStream?
    var checkout: RequestID?
    var outOfBandWorkRequested = false
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

    // MARK: Ends

    /// Nobody waits for the answer any more.
    func leave() {
        owner = nil
        switch machine.clientGone(mayClose: mayCloseStream) {
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
        switch machine.deadlineReached(mayClose: mayCloseStream) {
        case .none: return
        case .failAndDrain, .truncateAndDrain: readToEnd(isBounded: true)
        case .failAndClose, .truncateAndClose:
            closeStream()
            release(.upstreamFailed)
        }
        self.owner = nil
        owner?.appFailed(RequestError(.readTimeout, retrySafety: .unsafe), facts: facts)
    }

    /// Whether a process takes it well that the stream of a request ends under it.
    ///
    /// One that works on a single request at a time is in the middle of it, and would do nothing else meanwhile.
    private var mayCloseStream: Bool {
        guard let grant else { return true }
        return !grant.transport.isSession || grant.concurrency == 0
    }

    func readToEnd(isBounded: Bool) {
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
    func endDrain(_ action: ExchangeMachine.DrainAction) {
        guard action == .abandon else { return }
        let stream = self.stream
        self.stream = nil
        let number = stream?.leave()
        guard let grant else { return }
        self.grant = nil
        loop.logger.info("answer that nobody waits for given up", metadata: facts)
        loop.link.abandoned(grant.session, stream: number)
    }

    func closeStream() {
        let stream = self.stream
        self.stream = nil
        stream?.close()
    }

    func release(_ kind: ReleaseOutcome.Kind) {
        guard let grant else { return }
        self.grant = nil
        let outcome = ReleaseOutcome(kind, outOfBandWorkRequested: outOfBandWorkRequested)
        loop.link.release(grant.session, outcome: outcome)
    }

    /// What the log says about the call beside the error itself.
    var facts: Logger.Metadata {
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
    func checkOut() {
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

extension ExchangeMachine.AbortCause {
    init(_ loss: SessionLoss) {
        switch loss {
        case .byDaemon(.maxRequestTime): self = .timeLimit
        case .byDaemon(.processDetached): self = .detached
        case .daemonLost: self = .daemonLost
        }
    }
}
