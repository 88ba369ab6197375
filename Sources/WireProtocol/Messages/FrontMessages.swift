// SPDX-License-Identifier: MIT

package import AppSettings

/// The complete list of a front's apps, sent by its master at connect and after each reload.
package struct Manifest: Hashable, Sendable {
    package var front: String
    /// Only grows; a manifest with a lower one than the daemon knows is ignored.
    package var generation: UInt64
    package var workerUID: UInt32
    package var workerToken: WorkerToken
    package var apps: [ManifestApp]

    package init(
        front: String,
        generation: UInt64,
        workerUID: UInt32,
        workerToken: WorkerToken,
        apps: [ManifestApp]
    ) {
        self.front = front.clampedTail(toUTF8: WireLimits.frontNameBytes)
        self.generation = generation
        self.workerUID = workerUID
        self.workerToken = workerToken
        self.apps = apps
    }
}

/// One app of a manifest.
package struct ManifestApp: Hashable, Sendable {
    package var groupName: String
    package var settings: SettingsList
    /// Processes are started without waiting for a request.
    package var preStart: Bool

    package init(groupName: String, settings: SettingsList, preStart: Bool) {
        self.groupName = groupName
        self.settings = settings
        self.preStart = preStart
    }
}

/// Gives a number to an app on this connection and tells all of its settings; again to change them.
package struct DefineApp: Hashable, Sendable {
    package var app: AppNumber
    package var groupName: String
    package var settings: SettingsList

    package init(app: AppNumber, groupName: String, settings: SettingsList) {
        self.app = app
        self.groupName = groupName
        self.settings = settings
    }
}

/// Asks for a session; answered by exactly one `Granted` or `Refused`, unless cancelled.
package struct Checkout: Hashable, Sendable {
    package var request: RequestID
    package var app: AppNumber
    /// The process wanted by a sticky session; 0 for any.
    package var stickyID: UInt32
    /// How long to wait in queues; 0 for no limit of the front's.
    package var deadlineMilliseconds: UInt32
    /// For status only; cut to 64 bytes.
    package var method: String
    /// For status only; cut to 2 KiB.
    package var path: String
    /// For status only; cut to 256 bytes; sent where `WireFeature.requestHosts` is in force.
    package var host: String?

    package init(
        request: RequestID,
        app: AppNumber,
        stickyID: UInt32 = 0,
        deadlineMilliseconds: UInt32 = 0,
        method: String,
        path: String,
        host: String? = nil
    ) {
        self.request = request
        self.app = app
        self.stickyID = stickyID
        self.deadlineMilliseconds = deadlineMilliseconds
        self.method = method.clamped(toUTF8: WireLimits.methodBytes)
        self.path = path.clamped(toUTF8: WireLimits.pathBytes)
        self.host = host?.clamped(toUTF8: WireLimits.hostBytes)
    }
}

/// Takes a checkout back; crossing its grant, the front releases the late session.
package struct Cancel: Hashable, Sendable {
    package var request: RequestID
    package init(request: RequestID) { self.request = request }
}

/// How a session ended.
package struct ReleaseOutcome: Hashable, Sendable {
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// The app answered completely.
        case ok = 0
        /// The app broke off, or its answer was no HTTP.
        case upstreamFailed = 1
        /// The client left; the app had answered or its stream was closed.
        case clientGone = 2
        /// No byte was sent to the app: a grant that came too late.
        case unused = 3
    }

    package var kind: Kind
    /// The app asked for out-of-band work in its answer.
    package var outOfBandWorkRequested: Bool

    package init(_ kind: Kind, outOfBandWorkRequested: Bool = false) {
        self.kind = kind
        self.outOfBandWorkRequested = outOfBandWorkRequested
    }

    package static let ok = ReleaseOutcome(.ok)
    package static let upstreamFailed = ReleaseOutcome(.upstreamFailed)
    package static let clientGone = ReleaseOutcome(.clientGone)
    package static let unused = ReleaseOutcome(.unused)
}

/// Ends a session.
package struct Release: Hashable, Sendable {
    package var session: SessionID
    /// Of the last request.
    package var outcome: ReleaseOutcome
    /// Needs `WireFeature.keptSessions`; without it, one request.
    package var carried: Carried?

    package init(session: SessionID, outcome: ReleaseOutcome, carried: Carried? = nil) {
        self.session = session
        self.outcome = outcome
        self.carried = carried
    }
}

/// What a session was used for since it was granted, or since that was said of it last.
package struct Carried: Hashable, Sendable {
    /// Requests that are over, whatever became of them.
    package var uses: UInt32
    /// Time that they took together.
    package var busyMicroseconds: UInt64
    /// Time since the end of the last one.
    package var idleMicroseconds: UInt32

    package init(uses: UInt32, busyMicroseconds: UInt64 = 0, idleMicroseconds: UInt32 = 0) {
        self.uses = uses
        self.busyMicroseconds = busyMicroseconds
        self.idleMicroseconds = idleMicroseconds
    }
}

/// A kept session was used for a checkout that waits; it gets no answer, unless one is on its way.
///
/// Needs `WireFeature.keptSessions`.
package struct Reuse: Hashable, Sendable {
    package var session: SessionID
    package var request: RequestID

    package init(session: SessionID, request: RequestID) {
        self.session = session
        self.request = request
    }
}

/// The request that a kept session carries takes long: from now on it is a session like any other, with that request.
///
/// Needs `WireFeature.keptSessions`.
package struct Lasting: Hashable, Sendable {
    package var session: SessionID
    /// What it carried before.
    package var carried: Carried
    /// For status and log only; cut as those of a checkout.
    package var method: String
    package var path: String
    package var host: String

    package init(session: SessionID, carried: Carried, method: String, path: String, host: String) {
        self.session = session
        self.carried = carried
        self.method = method.clamped(toUTF8: WireLimits.methodBytes)
        self.path = path.clamped(toUTF8: WireLimits.pathBytes)
        self.host = host.clamped(toUTF8: WireLimits.hostBytes)
    }
}

/// The session's connection was upgraded: no request clock any more.
package struct Upgraded: Hashable, Sendable {
    package var session: SessionID
    package init(session: SessionID) { self.session = session }
}

/// The front has shut the stream of a session before the app had answered: nobody waits for the answer any more.
///
/// The session is the daemon's to end, and gets no `Release`. Needs `WireFeature.abandonedSessions`.
package struct Abandoned: Hashable, Sendable {
    package var session: SessionID
    /// A stream that was handed over, when it was closed without shutting it: the daemon reads it to its end.
    package var stream: StreamNumber?

    package init(session: SessionID, stream: StreamNumber? = nil) {
        self.session = session
        self.stream = stream
    }
}

/// Asks why a stream ended before a byte of the answer came; answered by exactly one `StreamFate`.
///
/// The session it was used for is still held. Needs `WireFeature.streamFates`.
package struct FateQuery: Hashable, Sendable {
    package var process: ProcessID
    package var stream: StreamNumber

    package init(process: ProcessID, stream: StreamNumber) {
        self.process = process
        self.stream = stream
    }
}

/// Asks for the details of an app's last failure; answered by exactly one `Report`.
///
/// Needs `WireFeature.failureReports`.
package struct ReportQuery: Hashable, Sendable {
    package var app: AppNumber
    package var errorID: String

    package init(app: AppNumber, errorID: String) {
        self.app = app
        self.errorID = errorID.clamped(toUTF8: WireLimits.errorIDBytes)
    }
}

/// Continues sessions and waiting checkouts after a reconnect; needs `WireFeature.resume`.
package struct Resume: Hashable, Sendable {
    package var sessions: [SessionID]
    package var requests: [RequestID]

    package init(sessions: [SessionID], requests: [RequestID]) {
        self.sessions = sessions
        self.requests = requests
    }
}
