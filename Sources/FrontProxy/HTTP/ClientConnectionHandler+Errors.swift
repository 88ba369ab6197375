// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import Logging
import NIOCore

// Answers of the front itself: error pages and `return`.
extension ClientConnectionHandler {
    /// What a page of the front is made of, where there is a choice.
    enum OwnPage {
        case short
        /// Everything that is known about a failed start.
        case friendly(FailureDetails)
        /// A page of the operator's, as HTML.
        case custom(ByteBuffer)
    }

    /// Answers for whoever could not; breaks the answer off if its head went out already.
    func fail(_ error: RequestError, facts: Logger.Metadata = [:], page: OwnPage = .short) {
        self.leaveExchange()
        self.dropBody()
        // A late word about a request that has its answer.
        guard self.machine.isAnswering else { return }
        guard !self.machine.hasAnswerBegun else { return self.breakAnswer() }
        let answer = error.answer(
            overflowStatus: self.route.overflowStatus,
            spawnErrorStatus: self.route.spawnErrorStatus
        )
        var facts = facts
        facts[RequestLogKeys.status] = .stringConvertible(answer.status)
        if let errorID = answer.errorID { facts[RequestLogKeys.errorID] = .string(errorID) }
        self.log(answer.level, "request answered by the front", error, facts)
        var lines = "Cache-Control: no-cache, no-store, must-revalidate\r\n"
        if answer.retryAfter > 0 { lines += "Retry-After: \(answer.retryAfter)\r\n" }
        if answer.status == 405 { lines += "Allow: GET, HEAD\r\n" }
        switch page {
        case .short: self.respondWithPage(Pages.Content(answer), lines: lines)
        case .friendly(let details):
            let format = self.pageFormat
            let body = details.page(as: format, status: answer.status, by: self.loop.pages)
            self.respond(answer.status, as: format, body: body, lines: lines)
        case .custom(let body):
            lines += "X-Content-Type-Options: nosniff\r\nVary: Accept\r\n"
            self.respond(answer.status, contentType: "text/html; charset=utf-8", body: body, lines: lines)
        }
    }

    /// The rest of the request, if there is one under way, will never come.
    func abandonRequest() {
        self.leaveExchange()
        self.dropBody()
        self.closeAfterOutput()
    }

    private func leaveExchange() {
        guard let exchange = self.exchange else { return }
        // The access log still wants to know which process it was.
        guard !exchange.isIdle else { return exchange.request = nil }
        self.exchange = nil
        exchange.clientGone()
    }

    func log(_ level: Logger.Level, _ message: Logger.Message, _ error: RequestError, _ facts: Logger.Metadata) {
        guard self.loop.logger.logLevel <= level else { return }
        var facts = facts
        facts[RequestLogKeys.reason] = .string("\(error)")
        facts[RequestLogKeys.client] = .string(self.remoteAddress)
        if let topic = error.throttleTopic {
            // It would fill the log: once in a while, with the number of those in between.
            guard let suppressed = self.loop.throttle.admit(topic, at: .now()) else { return }
            if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        }
        self.loop.logger.log(level: level, message, metadata: facts)
    }

    private func respondWithPage(_ content: Pages.Content, lines: String) {
        let format = self.pageFormat
        var page = ByteBuffer()
        self.loop.pages.render(content, as: format, into: &page)
        self.respond(content.status, as: format, body: page, lines: lines)
    }

    private func respond(_ status: Int, as format: PageFormat, body: ByteBuffer, lines: String) {
        let lines = "\(lines)\(format.protection)Vary: Accept\r\n"
        self.respond(status, contentType: "\(format.contentType)", body: body, lines: lines)
    }

    private var pageFormat: PageFormat { PageFormat.choice(for: self.acceptField, sendsJSON: self.sendsJSON) }

    /// Whether a page that exists as HTML only will do.
    var welcomesHTML: Bool { self.acceptField.welcomesHTML(sendsJSON: self.sendsJSON) }

    private var acceptField: AcceptField {
        // Positions in a head that was never complete mean nothing.
        guard self.headBytes.readableBytes > 0 else { return AcceptField([]) }
        return AcceptField(self.head.fields(.accept).map { self.text($0.value) })
    }

    /// The client speaks JSON if its request does.
    private var sendsJSON: Bool {
        guard let field = self.head.field(.contentType), self.headBytes.readableBytes > 0 else { return false }
        let type = self.text(field.value).lowercased()
        return type.hasPrefix("application/json") || type.contains("+json")
    }

    /// Writes a whole answer of our own and completes it.
    func respond(_ status: Int, contentType: String, body: ByteBuffer, lines: String) {
        self.beginOwnAnswer(status)
        let hasNoBody = status == 204 || status == 304 || status < 200
        if !hasNoBody {
            self.outgoing.writeString("Content-Type: \(contentType)\r\nContent-Length: \(body.readableBytes)\r\n")
        }
        self.outgoing.writeString(lines)
        self.endOwnHead(status)
        if !hasNoBody, self.head.method != .head || self.headBytes.readableBytes == 0 {
            self.account.bytesSent = body.readableBytes
            self.outgoing.writeImmutableBuffer(body)
        }
        self.write(self.outgoing)
        self.completeAnswer()
    }

    /// Begins the head of an answer of our own in `outgoing`.
    func beginOwnAnswer(_ status: Int) {
        self.machine.answerBegun()
        self.account.status = status
        self.clearOutgoing()
        self.outgoing.writeString("HTTP/1.1 \(status) \(StatusText.of(status))\r\nDate: ")
        self.outgoing.writeImmutableBuffer(self.loop.httpDate(at: .now()))
        self.outgoing.writeStaticString("\r\n")
        self.outgoing.writeImmutableBuffer(self.loop.serverLine)
    }

    func endOwnHead(_ status: Int) {
        if let added = self.addedLines(status: status) { self.outgoing.writeImmutableBuffer(added) }
        if !self.machine.keepsAlive {
            self.outgoing.writeStaticString("Connection: close\r\n")
        } else if self.head.version == .http10 {
            self.outgoing.writeStaticString("Connection: keep-alive\r\n")
        }
        self.outgoing.writeStaticString("\r\n")
    }

    // MARK: return

    func answer(_ action: ReturnAction) {
        // nginx's way of hanging up without a word.
        if action.status == 444 { return self.breakAnswer() }
        let text = action.text.map { $0.expanded { self.value(of: $0, status: action.status) } }
        if action.isRedirect, let text {
            let location = String(
                String.UnicodeScalarView(text.unicodeScalars.filter { $0.value > 0x20 && $0.value != 0x7F })
            )
            let lines = "Location: \(location)\r\n"
            return self.respondWithPage(Self.page(action.status, "What you asked for is elsewhere."), lines: lines)
        }
        guard let text else {
            return self.respondWithPage(Self.page(action.status, StatusText.of(action.status)), lines: "")
        }
        let type = self.route.mimeTypes.type(ofPath: String(buffer: self.path))
        self.respond(
            action.status,
            contentType: type == self.route.mimeTypes.defaultType ? "text/plain; charset=utf-8" : type,
            body: ByteBuffer(string: text),
            lines: ""
        )
    }

    private static func page(_ status: Int, _ message: String) -> Pages.Content {
        Pages.Content(status: status, title: StatusText.of(status), message: message)
    }

    func value(of variable: VariableText.Variable, status: Int) -> String {
        switch variable {
        case .args, .queryString: return self.head.query.map(self.text) ?? ""
        case .isArgs: return self.head.query.map { $0.isEmpty ? "" : "?" } ?? ""
        case .host, .serverName:
            let host = self.head.host.map(self.text) ?? self.localAddress
            guard let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")), !host.hasSuffix("]") else { return host }
            return String(host[..<colon])
        case .remoteAddress: return self.remoteAddress
        case .requestMethod: return self.text(self.head.methodName)
        case .requestURI: return self.text(self.head.pathAndQuery)
        case .scheme: return "http"
        case .serverPort: return String(self.localPort)
        case .status: return String(status)
        case .uri: return String(buffer: self.path)
        }
    }
}
