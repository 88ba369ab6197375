// SPDX-License-Identifier: MIT

package import NIOCore

/// The settings of an app are in force.
package struct AppAccepted: Hashable, Sendable {
    package var app: AppNumber
    package init(app: AppNumber) { self.app = app }
}

/// The settings of an app are not valid or not allowed; its checkouts are refused, everything else goes on.
package struct AppRejected: Hashable, Sendable {
    package var app: AppNumber
    package var reason: String

    package init(app: AppNumber, reason: String) {
        self.app = app
        self.reason = reason.clamped(toUTF8: WireLimits.reasonBytes)
    }
}

/// How requests are written on a stream to an app.
package enum AppTransportKind: UInt8, CaseIterable, Sendable {
    /// Length-prefixed CGI pairs, kept alive (loaders for Ruby and Python).
    case session = 0
    /// HTTP/1.1, kept alive.
    case http = 1
    /// HTTP/1.1, one connection per request.
    case httpOneShot = 2
    /// As `session`, but that a request body of unknown length is in HTTP's chunks, so that its end can be told from a
    /// broken stream; needs `WireFeature.framedBodies`.
    case framedSession = 3

    /// Requests are blocks of CGI pairs; such an app does not take the end of its stream for a client that left.
    package var isSession: Bool {
        switch self {
        case .session, .framedSession: true
        case .http, .httpOneShot: false
        }
    }
}

/// A session: the right to use `process` once.
package struct Granted: Hashable, Sendable {
    package var request: RequestID
    package var session: SessionID
    package var process: ProcessID
    package var streamToken: StreamToken
    package var pid: Int32
    package var stickyID: UInt32
    package var queueTimeMicroseconds: UInt64
    /// Requests the process takes at once; 0 for unlimited.
    package var concurrency: UInt32
    package var transport: AppTransportKind
    /// Requests of the app that the session may carry, one after the other; needs `WireFeature.keptSessions`, else one.
    package var uses: UInt32?

    package init(
        request: RequestID,
        session: SessionID,
        process: ProcessID,
        streamToken: StreamToken,
        pid: Int32,
        stickyID: UInt32,
        queueTimeMicroseconds: UInt64,
        concurrency: UInt32,
        transport: AppTransportKind,
        uses: UInt32? = nil
    ) {
        self.request = request
        self.session = session
        self.process = process
        self.streamToken = streamToken
        self.pid = pid
        self.stickyID = stickyID
        self.queueTimeMicroseconds = queueTimeMicroseconds
        self.concurrency = concurrency
        self.transport = transport
        self.uses = uses
    }
}

/// Why there is no session.
package enum RefusalReason: UInt8, CaseIterable, Sendable {
    case queueFull = 1
    case queueTimeout = 2
    case spawnFailed = 3
    /// The app root holds nothing that could be started.
    case noApplication = 4
    case shuttingDown = 5
    /// The number was not defined on this connection.
    case unknownApp = 6
    case notAllowed = 7
    /// Starts failed lately; the report is that of the last one.
    case backoff = 8
    /// The app's settings were rejected; the report's summary says why.
    case settingsRejected = 9
    /// A limit of the connection is reached.
    case tooManyCheckouts = 10
}

/// What a front may show of a failed spawn.
package struct SpawnReport: Hashable, Sendable {
    /// 8 hexadecimal digits that lead to the daemon's log; empty if there is no entry.
    package var errorID: String
    package var summary: String
    /// `ReportQuery` brings a `FailureReport`, as long as this is the app's last failure and its friendly pages are on.
    package var hasDetails: Bool

    package init(errorID: String, summary: String, hasDetails: Bool = false) {
        self.errorID = errorID.clamped(toUTF8: WireLimits.errorIDBytes)
        self.summary = summary.clamped(toUTF8: WireLimits.summaryBytes)
        self.hasDetails = hasDetails
    }
}

/// The answer to a checkout that is not granted.
package struct Refused: Hashable, Sendable {
    package var request: RequestID
    package var reason: RefusalReason
    /// 0 if there is nothing to say.
    package var retryAfterSeconds: UInt32
    package var report: SpawnReport?

    package init(
        request: RequestID,
        reason: RefusalReason,
        retryAfterSeconds: UInt32 = 0,
        report: SpawnReport? = nil
    ) {
        self.request = request
        self.reason = reason
        self.retryAfterSeconds = retryAfterSeconds
        self.report = report
    }
}

/// The answer to a `ReportQuery`.
package struct Report: Hashable, Sendable {
    package var app: AppNumber
    package var errorID: String
    /// A `FailureReport`; empty if there is none to be shown.
    package var json: ByteBuffer

    package init(app: AppNumber, errorID: String, json: ByteBuffer) {
        self.app = app
        self.errorID = errorID.clamped(toUTF8: WireLimits.errorIDBytes)
        self.json = json
    }

    package static func none(for query: ReportQuery) -> Report {
        Report(app: query.app, errorID: query.errorID, json: ByteBuffer())
    }
}

/// A process ended; its sessions are over and need no release.
package struct ProcessGone: Hashable, Sendable {
    package var process: ProcessID
    package var exitCode: Int32?
    package var signal: Int32?

    package init(process: ProcessID, exitCode: Int32? = nil, signal: Int32? = nil) {
        self.process = process
        self.exitCode = exitCode
        self.signal = signal
    }
}

/// A process gets no new sessions; idle streams to it are of no more use.
package struct Draining: Hashable, Sendable {
    package var process: ProcessID
    /// Time until the daemon stops it whatever runs; 0 for no limit.
    package var deadlineMilliseconds: UInt32

    package init(process: ProcessID, deadlineMilliseconds: UInt32) {
        self.process = process
        self.deadlineMilliseconds = deadlineMilliseconds
    }
}

/// The daemon ended a session.
package struct Abort: Hashable, Sendable {
    package enum Reason: UInt8, CaseIterable, Sendable {
        /// The request took longer than the app's `max_request_time`; it must not be tried again.
        case maxRequestTime = 1
        /// The process takes no more requests, and connections that were upgraded are not waited for.
        case processDetached = 2
    }

    package var session: SessionID
    package var reason: Reason

    package init(session: SessionID, reason: Reason) {
        self.session = session
        self.reason = reason
    }
}

/// Asks for a kept session back; needs `WireFeature.keptSessions`.
package struct Recall: Hashable, Sendable {
    package var session: SessionID
    package init(session: SessionID) { self.session = session }
}

/// Why a stream ended; needs `WireFeature.streamFates`.
package struct StreamFate: Hashable, Sendable {
    package enum Verdict: UInt8, CaseIterable, Sendable {
        /// The process has ended, or will not be waited for: it may have had the request.
        case ended = 0
        /// The process had read all that was sent, closed the stream, and lives on `WireLimits.fateMilliseconds` later.
        case alive = 1
        /// Bytes that were sent were not read, because the process had closed its end, or ended.
        case unread = 2
    }

    package var stream: StreamNumber
    package var verdict: Verdict

    package init(stream: StreamNumber, verdict: Verdict) {
        self.stream = stream
        self.verdict = verdict
    }
}

/// The daemon will not answer further checkouts on this connection; sessions that are open go on.
package struct Goodbye: Hashable, Sendable {
    package var reason: String
    package init(reason: String) { self.reason = reason.clamped(toUTF8: WireLimits.reasonBytes) }
}
