// SPDX-License-Identifier: MIT

import HTTPFraming
import Logging
import Testing
import WireProtocol

@testable import FrontProxy

struct RequestErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let kind: RequestError.Kind
        let status: Int
        let level: Logger.Level
        let source: RequestError.Source
        var retryAfter = 0

        init(
            _ kind: RequestError.Kind,
            _ status: Int,
            _ level: Logger.Level,
            _ source: RequestError.Source,
            retryAfter: Int = 0
        ) {
            self.kind = kind
            self.status = status
            self.level = level
            self.source = source
            self.retryAfter = retryAfter
        }

        var testDescription: String { "\(kind) → \(status)" }
    }

    private static func refused(_ reason: RefusalReason, retryAfter: Int = 0) -> RequestError.Kind {
        .refused(LinkRefusal(.daemon(reason), retryAfterSeconds: retryAfter))
    }

    static let table: [Row] = [
        Row(.framing(.malformedRequestLine), 400, .debug, .downstream),
        Row(.framing(.headTooLarge), 431, .debug, .downstream),
        Row(.invalidPath, 400, .debug, .downstream),
        Row(.bodyTooLarge(limit: 5), 413, .info, .downstream),
        Row(.headTimeout, 408, .debug, .downstream),
        Row(.bodyTimeout, 408, .info, .downstream),
        Row(.forbidden, 403, .info, .downstream),
        Row(.notFound, 404, .debug, .downstream),
        Row(.methodNotAllowed, 405, .debug, .downstream),
        Row(.connectFailed("x"), 502, .error, .upstream),
        Row(.noDescriptor("x"), 503, .error, .internal, retryAfter: 1),
        Row(.fileFailed("x"), 500, .error, .internal),
        Row(.incompleteAnswer(bytesSeen: 3), 502, .error, .upstream),
        Row(.malformedAnswer(.malformedStatusLine), 502, .error, .upstream),
        Row(.incompleteBody, 502, .error, .upstream),
        Row(.unaskedUpgrade, 502, .error, .upstream),
        Row(.readTimeout, 504, .error, .upstream),
        Row(.aborted(.byDaemon(.maxRequestTime)), 504, .error, .upstream),
        Row(.aborted(.byDaemon(.processDetached)), 502, .error, .upstream),
        Row(.aborted(.daemonLost), 502, .error, .upstream),
        Row(.spoolFailed("x"), 500, .error, .internal),
        Row(.overShare("x"), 503, .warning, .downstream, retryAfter: 1),
        Row(.unencodable, 500, .error, .internal),
        Row(.refused(LinkRefusal(.daemonUnavailable)), 503, .error, .upstream, retryAfter: 1),
        Row(.refused(LinkRefusal(.versionMismatch("x"))), 502, .error, .upstream),
        Row(.refused(LinkRefusal(.settingsRejected("x"))), 502, .error, .upstream),
        Row(refused(.queueFull), 529, .warning, .upstream),
        Row(refused(.queueTimeout, retryAfter: 7), 529, .warning, .upstream, retryAfter: 7),
        Row(refused(.tooManyCheckouts), 529, .warning, .upstream),
        Row(refused(.spawnFailed), 598, .error, .upstream),
        Row(refused(.backoff, retryAfter: 2), 598, .error, .upstream, retryAfter: 2),
        Row(refused(.noApplication), 404, .warning, .upstream),
        Row(refused(.shuttingDown), 503, .warning, .upstream, retryAfter: 1),
        Row(refused(.unknownApp), 502, .error, .upstream),
        Row(refused(.notAllowed), 502, .error, .upstream),
        Row(refused(.settingsRejected), 502, .error, .upstream),
    ]

    @Test(arguments: table) func `every error has its answer`(_ row: Row) {
        let error = RequestError(row.kind)
        let answer = error.answer(overflowStatus: 529, spawnErrorStatus: 598)
        #expect(answer.status == row.status)
        #expect(answer.level == row.level)
        #expect(answer.retryAfter == row.retryAfter)
        #expect(error.source == row.source)
        #expect(!answer.message.isEmpty && !"\(error)".isEmpty)
    }

    @Test func `only an error of ours before the first byte spares the process`() {
        #expect(RequestError(.noDescriptor("x")).isOurs)
        #expect(!RequestError(.spoolFailed("x"), retrySafety: .unsafe).isOurs)
        #expect(!RequestError(.connectFailed("x")).isOurs)
    }

    @Test func `a connection that is cut with its process is no failure`() {
        #expect(RequestError(.aborted(.byDaemon(.processDetached))).isCutConnection)
        #expect(RequestError(.aborted(.byDaemon(.processDetached))).throttleTopic(app: "a") == .cutConnections)
        #expect(!RequestError(.aborted(.byDaemon(.maxRequestTime))).isCutConnection)
        #expect(!RequestError(.aborted(.daemonLost)).isCutConnection)
    }

    @Test func `failed starts have pages of their own`() {
        let failed = Self.table.filter { RequestError($0.kind).isFailedStart }.map(\.status)
        #expect(failed == [598, 598])
    }
}
