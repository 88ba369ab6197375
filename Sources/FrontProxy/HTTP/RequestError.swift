// SPDX-License-Identifier: MIT

import AppSettings
import HTTPFraming
import Logging
import WireProtocol

/// Why a request is answered by the front instead of an app or a file.
struct RequestError: Error {
    /// Whose doing it is; decides between 4xx, 5xx and what the log makes of it.
    enum Source: Equatable {
        case downstream, upstream, `internal`
    }

    /// What is known about the request having reached an app.
    enum RetrySafety: Equatable {
        /// No byte of it was written to an app.
        case safe
        /// An app may have begun to work on it.
        case unsafe
    }

    enum Kind {
        case framing(FramingError)
        case invalidPath
        case bodyTooLarge(limit: Int)
        case headTimeout
        case bodyTimeout
        case forbidden
        case notFound
        case methodNotAllowed
        case refused(LinkRefusal)
        /// No stream to the process.
        case connectFailed(String)
        /// This process has no descriptor left.
        case noDescriptor(String)
        /// A file exists and cannot be opened, for another reason than its permissions.
        case fileFailed(String)
        /// The app ended the stream before its head was complete.
        case incompleteAnswer(bytesSeen: Int)
        /// The app ended the stream in the middle of its body.
        case incompleteBody
        case malformedAnswer(FramingError)
        /// The app switched protocols, which the client had not asked for.
        case unaskedUpgrade
        case readTimeout
        case aborted(SessionLoss)
        /// A temporary file could not be written or read.
        case spoolFailed(String)
        /// The client has as much here as it may, for now.
        case overShare(String)
        case unencodable
    }

    var kind: Kind
    var source: Source
    var retrySafety: RetrySafety

    init(_ kind: Kind, retrySafety: RetrySafety = .safe) {
        self.kind = kind
        self.retrySafety = retrySafety
        self.source =
            switch kind {
            case .framing, .invalidPath, .bodyTooLarge, .headTimeout, .bodyTimeout, .forbidden, .notFound,
                .methodNotAllowed, .overShare:
                .downstream
            case .refused, .connectFailed, .incompleteAnswer, .incompleteBody, .malformedAnswer, .unaskedUpgrade,
                .readTimeout,
                .aborted:
                .upstream
            case .noDescriptor, .fileFailed, .spoolFailed, .unencodable: .internal
            }
    }
}

extension RequestError {
    /// Of what was to be stored of a request.
    init(_ failure: SpoolFile.Failure) {
        self.init(failure.isOverShare ? .overShare(failure.description) : .spoolFailed(failure.description))
    }

    /// The front could not even begin: the process has nothing to do with it.
    var isOurs: Bool { self.source == .internal && self.retrySafety == .safe }

    /// The end of an upgraded connection whose process is to end: nothing that failed.
    var isCutConnection: Bool {
        guard case .aborted(.byDaemon(.processDetached)) = self.kind else { return false }
        return true
    }

    /// The app could not be started: the page is not about one request, and may tell more than the short one.
    var isFailedStart: Bool {
        guard case .refused(let refusal) = self.kind else { return false }
        return refusal.kind == .daemon(.spawnFailed) || refusal.kind == .daemon(.backoff)
    }
}

/// How a request error is answered and logged.
struct ErrorAnswer: Equatable {
    var status: Int
    /// One or two sentences for whoever reads the page.
    var message: String
    /// For the operator of the website, one paragraph each.
    var hints: [String] = []
    var errorID: String?
    /// Seconds; 0: no `Retry-After`.
    var retryAfter = 0
    var level: Logger.Level
}

extension RequestError {
    /// The one mapping from request errors to status and log level.
    ///
    /// `overflowStatus` and `spawnErrorStatus` are those that the route's settings name.
    func answer(overflowStatus: Int = 503, spawnErrorStatus: Int = 500) -> ErrorAnswer {
        switch self.kind {
        case .framing(let error): Self.plain(error.status, "The request cannot be understood: \(error).", .debug)
        case .invalidPath: Self.plain(400, "The path of the request is not valid.", .debug)
        case .bodyTooLarge(let limit):
            Self.plain(413, "The body of the request is larger than the limit of \(limit) bytes.", .info)
        case .headTimeout: Self.plain(408, "The request was not complete in time.", .debug)
        case .bodyTimeout: Self.plain(408, "The body of the request did not arrive in time.", .info)
        case .forbidden: Self.plain(403, "This file may not be read.", .info)
        case .notFound: Self.plain(404, "There is nothing at this address.", .debug)
        case .methodNotAllowed: Self.plain(405, "This address cannot be asked for in this way.", .debug)
        case .refused(let refusal): Self.refusal(refusal, overflowStatus, spawnErrorStatus)
        case .connectFailed:
            Self.plain(502, "The application could not be reached. The reason is in the log of front-proxy.", .error)
        case .noDescriptor, .overShare:
            ErrorAnswer(
                status: 503,
                message: "This website is under heavy load. Please try again in a moment.",
                retryAfter: 1,
                level: self.source == .downstream ? .warning : .error
            )
        case .fileFailed:
            Self.plain(500, "The file could not be read. The reason is in the log of front-proxy.", .error)
        case .incompleteAnswer, .incompleteBody:
            Self.plain(
                502,
                "The application ended before it had answered. The reason is in the log of front-proxy.",
                .error
            )
        case .malformedAnswer, .unaskedUpgrade:
            Self.plain(
                502,
                "The application's answer is not valid HTTP. Details are in the log of front-proxy.",
                .error
            )
        case .readTimeout: Self.plain(504, "The application did not answer in time.", .error)
        case .aborted(.byDaemon(.maxRequestTime)):
            Self.plain(504, "The application took longer for the request than it is allowed to.", .error)
        case .aborted(.byDaemon(.processDetached)), .aborted(.daemonLost):
            Self.plain(
                502,
                "The application server ended the request. The reason is in the log of front-proxy.",
                .error
            )
        case .spoolFailed:
            Self.plain(500, "The request could not be stored. The reason is in the log of front-proxy.", .error)
        case .unencodable: Self.plain(500, "The request could not be passed on.", .error)
        }
    }

    private static func plain(_ status: Int, _ message: String, _ level: Logger.Level) -> ErrorAnswer {
        ErrorAnswer(status: status, message: message, level: level)
    }

    private static func refusal(
        _ refusal: LinkRefusal,
        _ overflowStatus: Int,
        _ spawnErrorStatus: Int
    ) -> ErrorAnswer {
        switch refusal.kind {
        case .daemon(let reason): self.refusal(by: reason, refusal, overflowStatus, spawnErrorStatus)
        case .daemonUnavailable:
            Self.unavailable(503, "The application server is not reachable at the moment.", refusal, .error)
        case .versionMismatch(let text):
            Self.plain(502, "The front and the application server cannot work together: \(text)", .error)
        case .settingsRejected:
            Self.plain(
                502,
                "The application server does not accept the settings of this application. "
                    + "The reason is in the logs of front-proxy and flying-passenger.",
                .error
            )
        }
    }

    private static func refusal(
        by reason: RefusalReason,
        _ refusal: LinkRefusal,
        _ overflowStatus: Int,
        _ spawnErrorStatus: Int
    ) -> ErrorAnswer {
        switch reason {
        case .queueFull, .queueTimeout, .tooManyCheckouts:
            return self.unavailable(
                overflowStatus,
                "This website is under heavy load. Please try again in a moment.",
                refusal,
                .warning
            )
        case .spawnFailed, .backoff:
            var answer = self.unavailable(
                spawnErrorStatus,
                "We're sorry, but the application could not be started.",
                refusal,
                .error
            )
            answer.hints = self.hints(errorID: answer.errorID)
            return answer
        case .noApplication: return self.plain(404, "There is no application at this address.", .warning)
        case .shuttingDown:
            return self.unavailable(503, "The application server is being stopped.", refusal, .warning)
        case .unknownApp, .notAllowed, .settingsRejected:
            return self.plain(
                502,
                "The application server does not accept this application. "
                    + "The reason is in the logs of front-proxy and flying-passenger.",
                .error
            )
        }
    }

    private static func hints(errorID: String?) -> [String] {
        guard let errorID else { return ["If you operate this website: the log of flying-passenger says why."] }
        return [
            "If you operate this website: the log of flying-passenger says why, under the error ID \(errorID). "
                + "Everything that is known about it is in the file failures/\(errorID).txt of its instance directory.",
            "To see that on this page, set \"passenger_friendly_error_pages on;\" for the application, "
                + "as long as its visitors may see it too.",
        ]
    }

    private static func unavailable(
        _ status: Int,
        _ message: String,
        _ refusal: LinkRefusal,
        _ level: Logger.Level
    ) -> ErrorAnswer {
        ErrorAnswer(
            status: status,
            message: message,
            errorID: self.errorID(of: refusal),
            retryAfter: status == 503 ? max(1, refusal.retryAfterSeconds) : refusal.retryAfterSeconds,
            level: level
        )
    }

    /// The daemon has an ID for spawns that failed, not for processes that ended again and again.
    private static func errorID(of refusal: LinkRefusal) -> String? {
        refusal.report.flatMap { $0.errorID.isEmpty ? nil : $0.errorID }
    }
}

extension RequestError {
    /// nil: every one is logged; `app` is the app that the request was for.
    func throttleTopic(app: String) -> MessageThrottle.Topic? {
        switch self.kind {
        case .refused(let refusal):
            .refusal(
                app: ExactText(app),
                refusal.kind,
                errorID: Self.errorID(of: refusal).map { ExactText($0) }
            )
        case .spoolFailed: .temporaryFile
        case .overShare: .clientShare
        case .noDescriptor: .descriptors
        case .aborted(.byDaemon(.processDetached)): .cutConnections
        case .framing, .invalidPath, .bodyTooLarge, .headTimeout, .bodyTimeout, .forbidden, .notFound,
            .methodNotAllowed, .connectFailed, .fileFailed, .incompleteAnswer, .incompleteBody, .malformedAnswer,
            .unaskedUpgrade, .readTimeout, .aborted, .unencodable:
            nil
        }
    }
}

extension RequestError: CustomStringConvertible {
    var description: String {
        switch self.kind {
        case .framing(let error): "\(error)"
        case .invalidPath: "the path holds an encoded NUL"
        case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
        case .headTimeout: "the head was not complete in time"
        case .bodyTimeout: "the body did not arrive in time"
        case .forbidden: "the file may not be read"
        case .notFound: "neither a file nor an app is at this path"
        case .methodNotAllowed: "the method is not allowed for files"
        case .refused(let refusal): Self.describe(refusal)
        case .connectFailed(let reason): reason
        case .noDescriptor(let reason): "no descriptor is left (see the limit on open files): \(reason)"
        case .fileFailed(let reason): "a file cannot be opened: \(reason)"
        case .incompleteAnswer(let bytes):
            bytes == 0
                ? "the app closed its stream without a byte of an answer"
                : "the app closed its stream after \(bytes) bytes of an incomplete response head"
        case .incompleteBody: "the app closed its stream in the middle of the body of its answer"
        case .unaskedUpgrade:
            "the app switched protocols (status 101), which this client did not ask for or this way does not allow"
        case .malformedAnswer(let error): "the app's answer is malformed: \(error)"
        case .readTimeout: "the app sent nothing for the time of read_timeout"
        case .aborted(let reason): "the session is over: \(reason)"
        case .spoolFailed(let reason): "a temporary file failed, see data_buffer_dir: \(reason)"
        case .overShare(let reason): reason
        case .unencodable: "the request does not fit the size estimated for it"
        }
    }

    private static func describe(_ refusal: LinkRefusal) -> String {
        switch refusal.kind {
        case .daemon(let reason):
            "the daemon refused a session: \(Self.words(for: reason))"
                + (refusal.report.map { ": \($0.summary)" } ?? "")
        case .daemonUnavailable: "no connection to the daemon"
        case .versionMismatch(let text): text
        case .settingsRejected(let text): "the daemon rejected the app's settings: \(text)"
        }
    }

    private static func words(for reason: RefusalReason) -> String {
        switch reason {
        case .queueFull: "the request queue is full, see max_request_queue_size"
        case .queueTimeout: "the request waited too long in the queue"
        case .spawnFailed: "the app could not be started"
        case .backoff: "the next start of the app is held back after one that failed"
        case .noApplication: "there is no app at its app root"
        case .shuttingDown: "it is being stopped"
        case .unknownApp: "it does not know the app"
        case .notAllowed: "this front may not use the app"
        case .settingsRejected: "it does not accept the settings of the app"
        case .tooManyCheckouts: "too many requests of this front wait"
        }
    }
}
