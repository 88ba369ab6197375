// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore
import WireProtocol

// From a complete head to the decision who answers: a fixed answer, a file, or an app.
extension ClientConnectionHandler {
    func beginAccount() {
        self.account = Account(begun: .now())
        self.route = self.hosts.route(host: "", path: "/")
    }

    func beginRequest() {
        self.machine.headCompleted(allowsKeepAlive: self.head.allowsKeepAlive, hasBody: self.head.body != .none)
        self.account = Account(begun: .now())
        self.arrival = UInt64(clamping: WallClock.microseconds)
        self.incoming =
            switch self.head.body {
            case .bytes(let count): .bytes(remaining: count)
            case .chunked: .chunked(ChunkedDecoder())
            case .none, .untilClose: .none
            }
        guard self.findRoute() else { return self.fail(RequestError(.invalidPath)) }
        if self.route.keepaliveTimeout == .zero { self.machine.answerEndsConnection() }
        if let action = self.route.returns { return self.answer(action) }
        if case .bytes(let count) = self.head.body, self.isTooLarge(count) { return self.failTooLarge() }
        if self.head.method == .get || self.head.method == .head, self.answerWithFile() { return }
        guard let app = self.route.app else {
            let isFileRequest = self.head.method == .get || self.head.method == .head
            return self.fail(
                RequestError(isFileRequest || self.route.documentRoot == nil ? .notFound : .methodNotAllowed)
            )
        }
        self.beginExchange(app)
    }

    /// Decodes the path and looks the route up; false if the path holds a NUL.
    private func findRoute() -> Bool {
        self.headBytes.withUnsafeReadableBytes { bytes in
            let raw = UnsafeRawBufferPointer(rebasing: bytes[self.head.path])
            self.path.clear()
            guard PercentDecoding.decode(raw, into: &self.path) else { return false }
            if raw.isEmpty { self.path.writeStaticString("/") }
            let host = UnsafeRawBufferPointer(rebasing: bytes[self.head.host ?? 0..<0])
            let isNormal = self.path.withUnsafeReadableBytes { path in
                guard PathSegments.areNormal(path) else { return false }
                self.route = self.hosts.route(host: host, path: path)
                return true
            }
            if !isNormal { self.findRouteOfNormalPath(host) }
            return true
        }
    }

    /// Locations hold paths as apps understand them, so that `//admin` and `/x/../admin` lead where `/admin` does.
    ///
    /// The app gets the path as it was sent, unless its base URI could not be taken off that.
    private func findRouteOfNormalPath(_ host: UnsafeRawBufferPointer) {
        var normal = ByteBuffer()
        self.path.withUnsafeReadableBytes { PathSegments.normalize($0, into: &normal) }
        self.route = normal.withUnsafeReadableBytes { self.hosts.route(host: host, path: $0) }
        let base = self.route.baseURI.utf8
        let path = self.path.readableBytesView
        guard !base.isEmpty, !path.starts(with: base) || path.dropFirst(base.count).first != UInt8(ascii: "/") else {
            return
        }
        self.path = normal
    }

    func isTooLarge(_ count: Int) -> Bool {
        self.route.clientMaxBodySize > 0 && count > self.route.clientMaxBodySize
    }

    func failTooLarge() { self.fail(RequestError(.bodyTooLarge(limit: self.route.clientMaxBodySize))) }

    private func beginExchange(_ app: FrontApp) {
        guard self.head.body != .none else { return self.start(app, .none) }
        if self.head.expectsContinue, self.inbound.readableBytes == 0 { self.sendContinue() }
        // An HTTP/1.0 app could not take a body of unknown length, but ours all speak 1.1.
        if self.route.requestBuffering {
            self.collectBody()
        } else if case .bytes(let count) = self.head.body {
            self.start(app, .streamed(length: count))
        } else {
            self.start(app, .streamed(length: nil))
        }
    }

    private func sendContinue() {
        self.outgoing.clear()
        self.outgoing.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        self.write(self.outgoing)
    }

    /// The body, if any, is here (or will be streamed): asks for a session.
    func start(_ app: FrontApp, _ content: RequestContent) {
        let exchange = self.exchange ?? AppExchange(loop: self.loop, client: self)
        self.exchange = exchange
        self.clearDeadline()
        self.account.usedApp = true
        let traits = ExchangeMachine.Traits(
            isIdempotent: self.head.method.isIdempotent,
            isReplayable: content.isReplayable && !self.head.wantsUpgrade,
            ignoresClientAbort: self.route.ignoreClientAbort
        )
        exchange.start(
            ExchangeRequest(
                route: self.route,
                app: app,
                method: self.text(self.head.methodName),
                path: self.text(self.head.path),
                isHead: self.head.method == .head,
                clientVersion: self.head.version,
                wantsUpgrade: self.head.wantsUpgrade,
                traits: traits,
                content: content
            )
        )
    }

    /// A piece of the head as text; empty if the head was never complete.
    func text(_ range: Range<Int>) -> String {
        self.headBytes.withUnsafeReadableBytes { bytes in
            guard range.upperBound <= bytes.count else { return "" }
            return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
    }

    /// Appends the request as the granted process wants it.
    func encodeRequest(
        _ request: ExchangeRequest,
        for transport: AppTransportKind,
        into buffer: inout ByteBuffer
    ) -> Bool {
        let facts = RequestFacts(
            remoteAddress: self.remoteAddress,
            remotePort: self.remotePort,
            localAddress: self.localAddress,
            localPort: self.localPort,
            scriptName: request.route.baseURI,
            documentRoot: request.route.documentRoot ?? "",
            arrival: self.arrival,
            contentLength: request.content.length,
            hasBody: request.content.hasBody
        )
        return self.headBytes.withUnsafeReadableBytes { bytes in
            switch transport {
            case .session:
                self.path.withUnsafeReadableBytes { path in
                    let info = UnsafeRawBufferPointer(rebasing: path.dropFirst(request.route.baseURI.utf8.count))
                    return SessionRequestEncoder.encode(self.head, bytes, pathInfo: info, facts: facts, into: &buffer)
                }
            case .http:
                HTTPRequestEncoder.encode(
                    self.head,
                    bytes,
                    reuse: request.wantsUpgrade ? .upgrade : .keepAlive,
                    facts: facts,
                    into: &buffer
                )
            case .httpOneShot:
                HTTPRequestEncoder.encode(
                    self.head,
                    bytes,
                    reuse: request.wantsUpgrade ? .upgrade : .close,
                    facts: facts,
                    into: &buffer
                )
            }
        }
    }
}
