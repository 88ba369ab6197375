// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// One request and its answer: route, body, app, answer and account meet here; lives as long as the request.
///
/// Its client is behind `DownstreamConnection`, which owns it; its app behind an `AppCall`, which it owns, and which
/// outlives it when the client leaves before the app has answered. What it owns refers back to it until the answer has ended or
/// the client is gone, and one of both happens to every exchange.
final class Exchange {
    private let loop: WorkerLoopContext
    /// nil once it is gone.
    private var client: (any DownstreamConnection)?
    private let request: ClientRequest
    private let answer: AnswerWriter
    private var route = RouteModel.nothing
    private var intake = IntakeMachine(limit: 0)
    /// What was collected of the body.
    private var body: RequestBody?
    /// Once an app was asked.
    private var call: AppCall?
    private let begun = NIODeadline.now()
    /// Microseconds since 1970.
    private var arrival: UInt64 = 0
    /// Of the failure that was answered.
    private var errorID: String?

    init(loop: WorkerLoopContext, client: any DownstreamConnection, request: ClientRequest) {
        self.loop = loop
        self.client = client
        self.request = request
        answer = AnswerWriter(loop: loop, request: request, client: client)
        answer.source = self
    }

    /// A client that shut its side can be asked whether it is there: it knows interim answers.
    var isProbeable: Bool { request.head.version == .http11 && answer.isPending }

    /// Decides who answers: a fixed answer, a file, or an app.
    ///
    /// `isBodyHere`: a part of the body came with the head.
    func begin(in hosts: VirtualHosts, isBodyHere: Bool) {
        arrival = UInt64(clamping: WallClock.microseconds)
        let found = request.route(in: hosts)
        take(found ?? hosts.route(host: "", path: "/"))
        request.findOrigin(by: route)
        if request.origin.hasIgnoredFields {
            loop.forwardingNotes.ignoredFields(of: request.addresses.peer, loop.logger)
        }
        guard found != nil else { return fail(RequestError(.invalidPath)) }
        if let action = route.returns { return answer.respond(with: action) }
        if case .bytes(let count) = request.head.body, intake.isTooLarge(count) { return failTooLarge() }
        if request.isForFile, answerWithFile() { return }
        guard let app = route.app else {
            let isMethodTheReason = !request.isForFile && route.documentRoot != nil
            return fail(RequestError(isMethodTheReason ? .methodNotAllowed : .notFound))
        }
        beginCall(to: app, isBodyHere: isBodyHere)
    }

    /// Answers a head that could not be read.
    func refuse(_ error: RequestError, in hosts: VirtualHosts) {
        take(hosts.route(host: "", path: "/"))
        fail(error)
    }

    private func take(_ route: RouteModel) {
        self.route = route
        answer.route = route
        intake = IntakeMachine(limit: route.clientMaxBodySize)
        client?.routed(to: route)
    }

    /// True if the request was answered (or refused) as one for a file.
    private func answerWithFile() -> Bool {
        var lookup = loop.findFile(request.path, in: route)
        if case .failed(let error) = lookup, error.isTooManyDescriptors, loop.makeRoom() > 0 {
            lookup = loop.findFile(request.path, in: route)
        }
        switch lookup {
        case .none, .closed: return false
        case .forbidden, .refused: fail(RequestError(.forbidden))
        case .failed(let error):
            let reason = "\(error)"
            fail(RequestError(error.isTooManyDescriptors ? .noDescriptor(reason) : .fileFailed(reason)))
        case .found(let file): answer.respond(with: file)
        }
        return true
    }

    // MARK: Request body

    private func beginCall(to app: FrontApp, isBodyHere: Bool) {
        guard request.head.body != .none else { return start(app, .none) }
        if request.head.expectsContinue, !isBodyHere { answer.writeContinue() }
        var length: Int?
        if case .bytes(let count) = request.head.body { length = count }
        guard route.requestBuffering else {
            intake.began(.stream)
            return start(app, .streamed(length: length))
        }
        intake.began(.collect)
        let (loop, address) = (self.loop, request.origin.address)
        body = RequestBody(
            expected: length,
            allocator: ByteBufferAllocator(),
            memoryShare: loop.shares.share(of: address, in: .memory)
        ) {
            loop.makeSpoolFile(for: address)
        }
        client?.setDeadline(after: .init(route.clientBodyTimeout))
    }

    /// False once the body has failed, which was answered.
    private func store(_ bytes: ByteBuffer) -> Bool {
        guard let body else { return false }
        body.append(bytes)
        // Known only after what came before was tried; the client need not send the rest.
        guard let failure = body.failure else { return true }
        fail(RequestError(failure))
        return false
    }

    private func awaitMoreBody() {
        client?.setDeadline(after: .init(route.clientBodyTimeout))
        guard let body, body.isCongested else { return }
        client?.pauseInput()
        body.whenRelieved { [weak self] in self?.client?.resumeInput() }
    }

    private func endStoring() {
        client?.clearDeadline()
        body?
            .end { [weak self] outcome in
                guard let self, intake.stored() else { return }
                body = nil
                client?.resumeInput()
                switch outcome {
                case .complete(let content): if let app = route.app { start(app, content) }
                case .failed(let failure): fail(RequestError(failure))
                }
            }
    }

    private func pass(_ bytes: ByteBuffer, isLast: Bool) {
        call?.sendBody(bytes, isLast: isLast)
        if isLast { restartAppClock() } else { restartBodyClock() }
    }

    /// Sets the clock of whoever the body waits for: of a client that must send, or of an app that must take it.
    private func restartBodyClock() {
        if isClientAwaited {
            client?.setDeadline(after: .init(route.clientBodyTimeout))
        } else {
            restartAppClock()
        }
    }

    /// The body is not all here, and the client is who must go on.
    private var isClientAwaited: Bool {
        switch intake.state {
        case .collecting: true
        case .streaming: call?.takesBody ?? false && answer.isPending
        case .none, .storing, .complete, .dropped: false
        }
    }

    private func restartAppClock() {
        // While bytes wait for the client, its time limit counts.
        if !answer.machine.isClientAwaited { client?.setDeadline(after: .init(route.readTimeout)) }
    }

    private func dropBody() {
        switch intake.state {
        case .none, .complete, .dropped: intake.dropped()
        case .collecting, .storing, .streaming:
            intake.dropped()
            body?.discard()
            body = nil
            client?.resumeInput()
        }
    }

    // MARK: App

    /// The body, if any, is here (or will be streamed): asks for a session.
    private func start(_ app: FrontApp, _ content: RequestContent) {
        client?.clearDeadline()
        let isReplayable = content.isReplayable && !request.head.wantsUpgrade
        let call = AppCall(
            loop: loop,
            owner: self,
            app: app,
            request: AppCall.Request(
                host: request.hostName,
                method: request.method,
                path: request.rawPath,
                isHead: request.head.method == .head,
                clientVersion: request.head.version,
                wantsUpgrade: request.head.wantsUpgrade,
                content: content,
                traits: ExchangeMachine.Traits(
                    isIdempotent: request.head.method.isIdempotent,
                    isReplayable: isReplayable,
                    ignoresClientAbort: route.ignoreClientAbort
                )
            )
        )
        self.call = call
        call.start()
    }

    // MARK: Failures

    /// Answers for whoever could not; breaks the answer off if its head went out already.
    private func fail(_ error: RequestError, facts: Logger.Metadata = [:], page: OwnPage = .short) {
        call?.leave()
        dropBody()
        guard answer.isPending else { return breakOff(error, facts) }
        var errorAnswer = error.answer(overflowStatus: route.overflowStatus, spawnErrorStatus: route.spawnErrorStatus)
        if errorAnswer.status >= 500, errorAnswer.errorID == nil { errorAnswer.errorID = Self.makeErrorID() }
        errorID = errorAnswer.errorID
        var facts = facts
        facts[RequestLogKeys.status] = .stringConvertible(errorAnswer.status)
        log(errorAnswer.level, "request answered by the front", error, facts)
        answer.respond(with: errorAnswer, page: page)
    }

    private func failTooLarge() { fail(RequestError(.bodyTooLarge(limit: route.clientMaxBodySize))) }

    /// Eight hexadecimal digits, like those of the daemon.
    private static func makeErrorID() -> String {
        let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// An answer whose head went out cannot be completed.
    private func breakOff(_ error: RequestError, _ facts: Logger.Metadata) {
        guard answer.machine.state != .ended else { return }
        var facts = facts
        facts[RequestLogKeys.status] = .stringConvertible(answer.status)
        facts[RequestLogKeys.sentBytes] = .stringConvertible(answer.bytesSent)
        if error.isCutConnection {
            log(.notice, "upgraded connection cut", error, facts)
        } else {
            errorID = Self.makeErrorID()
            log(error.source == .downstream ? .info : .error, "answer broken off", error, facts)
        }
        answer.breakOff()
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message, _ error: RequestError, _ facts: Logger.Metadata)
    {
        guard loop.logger.logLevel <= level else { return }
        var facts = facts
        facts[RequestLogKeys.reason] = .string("\(error)")
        facts[RequestLogKeys.client] = .string(request.origin.address)
        if let app = route.app { facts[RequestLogKeys.app] = .string(app.groupName) }
        if let errorID { facts[RequestLogKeys.errorID] = .string(errorID) }
        if request.isComplete {
            facts[RequestLogKeys.host] = .string(request.hostName)
            facts[RequestLogKeys.method] = .string(request.method)
            facts[RequestLogKeys.path] = .string(request.rawPath)
        }
        if let topic = error.throttleTopic(app: route.app?.groupName ?? "") {
            // It would fill the log: once in a while, with the number of those in between.
            guard let suppressed = loop.throttle.admit(topic, at: .now()) else { return }
            if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        }
        loop.logger.log(level: level, message, metadata: facts)
    }

    private func recordAccess() {
        guard let log = route.accessLog else { return }
        if let condition = route.accessLogCondition {
            let value = condition.expanded { request.value(of: $0, status: answer.status) }
            guard !value.isEmpty, value != "0" else { return }
        }
        let now = NIODeadline.now()
        let pid = call?.pid
        let entry = AccessLogEntry(
            remoteAddress: request.origin.address,
            requestLine: request.slice(request.head.requestLine) ?? ByteBuffer(),
            status: answer.status,
            bytesSent: answer.bytesSent,
            referer: request.head.field(.referer).flatMap { request.slice($0.value) },
            userAgent: request.head.field(.userAgent).flatMap { request.slice($0.value) },
            pid: pid,
            queueTime: call?.queueTime,
            appTime: pid == nil ? nil : call.map { now - $0.grantedAt },
            totalTime: now - begun,
            host: request.head.host.flatMap { request.slice($0) },
            errorID: errorID
        )
        loop.accessLog.record(entry, in: log)
    }
}

// MARK: - From the client

extension Exchange: DownstreamExchange {
    var bodyDemand: BodyDemand {
        switch intake.state {
        case .collecting: .now
        case .streaming: call?.takesBody ?? false ? .now : .later
        case .none, .storing, .complete, .dropped: .never
        }
    }

    func bodyReceived(_ bytes: ByteBuffer, isLast: Bool) {
        switch intake.received(bytes.readableBytes, isLast: isLast) {
        case .ignored: break
        case .refuse: failTooLarge()
        case .store: if store(bytes) { awaitMoreBody() }
        case .storeLast: if store(bytes) { endStoring() }
        case .pass: pass(bytes, isLast: false)
        case .passLast: pass(bytes, isLast: true)
        }
    }

    func bodyBroken(_ error: FramingError) { fail(RequestError(.framing(error))) }

    func tunnelReceived(_ bytes: ByteBuffer) {
        guard let call else { return }
        if !call.tunnel(bytes) { client?.pauseInput() }
    }

    func tunnelInputEnded() { call?.endTunnelOutput() }

    func writable() { answer.writable() }

    func deadlineReached() {
        if isClientAwaited { fail(RequestError(.bodyTimeout)) } else { call?.deadlineReached() }
    }

    func clientGone() {
        client = nil
        call?.leave()
        dropBody()
        if answer.clientGone() { recordAccess() }
    }
}

// MARK: - From the app

extension Exchange: AppCallOwner {
    /// Appends the request as the granted process wants it.
    func encodeRequest(_ content: RequestContent, for transport: AppTransportKind, into buffer: inout ByteBuffer)
        -> Bool
    {
        var facts = RequestFacts(
            origin: request.origin,
            peerAddress: request.addresses.peer.address,
            untrustedField: route.realIPHeader,
            localAddress: request.addresses.local,
            localPort: request.addresses.localPort,
            scriptName: route.baseURI,
            documentRoot: route.documentRoot ?? "",
            arrival: arrival,
            contentLength: content.length,
            hasBody: content.hasBody,
            bodyFraming: transport == .framedSession ? .chunks : .untilEnd
        )
        if !route.setHeaders.isEmpty {
            facts.setFields = route.setHeaders.map { header in
                SetField(name: header.name, value: request.fieldValue(of: header.value))
            }
        }
        let reuse: HTTPRequestEncoder.Reuse =
            request.head.wantsUpgrade ? .upgrade : transport == .http ? .keepAlive : .close
        return request.bytes.withUnsafeReadableBytes { bytes in
            switch transport {
            case .session, .framedSession:
                let info = request.pathInfo(below: route.baseURI)
                return info.decoded.withUnsafeReadableBytes { path in
                    SessionRequestEncoder.encode(
                        request.head,
                        bytes,
                        pathInfo: path,
                        rawPathInfo: info.sent,
                        facts: facts,
                        into: &buffer
                    )
                }
            case .http, .httpOneShot:
                return HTTPRequestEncoder.encode(request.head, bytes, reuse: reuse, facts: facts, into: &buffer)
            }
        }
    }

    func appIsActive() { restartAppClock() }

    func appTakesBody() {
        if case .streaming = intake.state { restartBodyClock() }
        client?.resumeInput()
    }

    func appSent(
        _ head: borrowing ResponseHead,
        _ bytes: ByteBuffer,
        _ framing: ClientFraming,
        _ piece: BodyRelay.Piece
    )
        -> Bool
    {
        // The clock was that of the client's body.
        if case .streaming = intake.state { restartAppClock() }
        return answer.relayHead(head, bytes, framing, piece)
    }

    func appSent(interim head: borrowing ResponseHead, _ bytes: ByteBuffer) { answer.relayInterim(head, bytes) }

    func appSent(body bytes: ByteBuffer, payload: Int) { answer.relayBody(bytes, payload: payload) }

    func appSwitched(_ head: borrowing ResponseHead, _ bytes: ByteBuffer) { answer.switchProtocols(head, bytes) }

    func appAnswered() {
        dropBody()
        answer.produced()
    }

    func appFailed(_ error: RequestError, facts: Logger.Metadata) {
        if answer.isPending { fail(error, facts: facts) } else { breakOff(error, facts) }
    }

    // What a page about a failed start needs may be with the daemon or on a disk: nobody else waits for it, and a client
    // that leaves meanwhile is forgotten.
    func appRefused(_ refusal: LinkRefusal, facts: Logger.Metadata) {
        let error = RequestError(.refused(refusal))
        guard let app = route.app, let report = refusal.report, report.hasDetails else {
            return answerWithoutDetails(error, facts)
        }
        loop.link.details(of: report.errorID, app: app) { details in
            guard self.isWaiting else { return }
            guard let details else { return self.answerWithoutDetails(error, facts) }
            self.fail(error, facts: facts, page: .friendly(details))
        }
    }

    private func answerWithoutDetails(_ error: RequestError, _ facts: Logger.Metadata) {
        guard error.isFailedStart, let path = route.customErrorPage, request.welcomesHTML else {
            return fail(error, facts: facts)
        }
        let page = loop.customPages.page(at: path, on: loop.eventLoop)
        page.assumeIsolated().whenSuccess { page in
            guard self.isWaiting else { return }
            self.fail(error, facts: facts, page: page.map { .custom($0) } ?? .short)
        }
    }

    /// Whether the request is still without an answer, and its client there.
    private var isWaiting: Bool { client != nil && answer.isPending }
}

// MARK: - From the answer

extension Exchange: AnswerSource {
    func answerIsCongested() { call?.pauseReading() }
    func answerIsWanted() { call?.resumeReading() }

    func clientClockChanged() {
        if answer.machine.isClientAwaited {
            client?.setDeadline(after: .init(route.sendTimeout))
        } else {
            restartAppClock()
        }
    }

    func answerLost(_ failure: SpoolFile.Failure) {
        breakOff(RequestError(.spoolFailed(failure.description)), [:])
    }

    func answerEnded() {
        recordAccess()
        // The app may still be at work.
        call?.leave()
        dropBody()
    }
}
