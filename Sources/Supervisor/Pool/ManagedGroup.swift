// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import SpawnPlan
import WireProtocol

/// What the driver knows of a group beyond what the pool decides by.
///
/// Confined to the core loop.
final class ManagedGroup {
    let key: GroupKey
    let id: Group.ID
    let mark: GroupMark
    /// What threads note that work on it.
    var work = WorkBoard.Subject.none
    /// nil: it is served.
    var quarantine: QuarantineTerm?
    var settings: AppSettings {
        didSet { self.restartFiles = RestartFiles(self.settings, as: self.fileIdentity) }
    }
    var authority: SettingsAuthority
    private(set) var restartFiles: RestartFiles
    var watch = RestartFileWatch()
    /// Requests that wait for a look at the restart files, in the order of their arrival.
    var held: [HeldRequest] = []
    /// Ends their wait; nil when requests are not held.
    var holdTimer: Scheduled<Void>?
    /// The next look at the restart files on account of leases; nil: nobody has any.
    var leaseTimer: Scheduled<Void>?
    var areLeasesSuspended = false
    /// Why its last spawn or process failed.
    var lastFailure: FiledFailure?
    /// As whom the last process runs, or was to run.
    var identity: RunningIdentity? {
        didSet { self.restartFiles = RestartFiles(self.settings, as: self.fileIdentity) }
    }
    var appType: AppType?
    var queueOverflow = LogThrottle()

    /// What fronts are told of the last failure.
    ///
    /// Whether there is more to be had is decided anew each time: settings change at any time.
    var spawnReport: SpawnReport? {
        self.lastFailure.map { failure in
            SpawnReport(
                errorID: failure.id.description,
                summary: failure.summary,
                hasDetails: failure.details != nil && self.settings.showsFriendlyErrorPages
            )
        }
    }

    /// As whom its restart files are looked at.
    private var fileIdentity: UserIdentity? {
        self.identity.map { UserIdentity(uid: $0.uid, gid: $0.gid, groups: $0.groups) }
    }

    init(key: GroupKey, id: Group.ID, settings: AppSettings, authority: SettingsAuthority) {
        self.key = key
        self.id = id
        self.mark = GroupMark(key)
        self.settings = settings
        self.authority = authority
        self.restartFiles = RestartFiles(settings)
    }
}

extension AppSettings {
    /// Whether visitors may see why the app does not start.
    var showsFriendlyErrorPages: Bool { self.friendlyErrorPages ?? (self.environment == "development") }
}

/// Lets one log line through per second and counts the others.
struct LogThrottle {
    private var last: Instant?
    private var held = 0

    /// How many events the line that is due stands for; nil: not due.
    mutating func event(at now: Instant) -> Int? {
        self.held += 1
        if let last, now.since(last) < .seconds(1) { return nil }
        defer { self.held = 0 }
        self.last = now
        return self.held
    }
}

/// A process that came up and has not ended.
struct RunningProcess {
    let spawned: SpawnedProcess
    let group: ManagedGroup
    /// Sessions at a time, as the pool counts; 0 = no limit.
    let concurrency: Int
    /// Microseconds since the epoch.
    let spawnedAt: Int64
    /// Why it was told to end, as far as that is known; the first reason counts.
    private(set) var reasonToEnd: ReasonToEnd?
    /// Why nobody could connect to it, until it is known whether that was its end.
    var connectFailure: String?
    /// Requests that it has answered.
    var served = 0
    /// When it was told to do its out-of-band work; nil when it has said that it is done.
    var worksOutOfBandSince: Instant?
    /// Answers that it broke off, the latest ones in a row: of its end the front may know before the kernel tells.
    private var brokenOff = UnfinishedRequests()
    private var brokeOffAt: Instant?

    init(spawned: SpawnedProcess, group: ManagedGroup, concurrency: Int, spawnedAt: Int64) {
        self.spawned = spawned
        self.group = group
        self.concurrency = concurrency
        self.spawnedAt = spawnedAt
    }

    mutating func isToEnd(_ reason: ReasonToEnd) {
        if self.reasonToEnd == nil { self.reasonToEnd = reason }
    }

    mutating func brokeOff(_ request: RequestFacts, at now: Instant) {
        self.brokenOff = self.brokenOff(before: now)
        self.brokenOff.add(request)
        self.brokeOffAt = now
    }

    /// Answers that broke off so shortly before its end that this is why.
    func brokenOff(before end: Instant) -> UnfinishedRequests {
        guard let brokeOffAt, end.since(brokeOffAt) < .seconds(1) else { return UnfinishedRequests() }
        return self.brokenOff
    }
}

/// Why the daemon ends a process.
struct ReasonToEnd {
    let text: String
    /// Of which request it is.
    var request: RequestFacts?
}

/// Requests that a process had when it ended: how many, and the first few that were added.
struct UnfinishedRequests {
    private static let shown = 5

    private(set) var count = 0
    private(set) var first: [RequestFacts] = []

    mutating func add(_ request: RequestFacts) {
        self.count += 1
        if self.first.count < Self.shown { self.first.append(request) }
    }
}

/// Who holds a session, and of which process.
struct SessionHolder {
    let client: any CheckoutClient
    let process: ProcessID
    /// The last one that the daemon knows of.
    var request: RequestFacts
    /// Its front may use it for further requests without asking.
    var isLease: Bool

    /// What it carries, as far as that is known.
    var latestRequest: RequestFacts {
        var request = self.request
        request.mayBeLater = self.isLease
        return request
    }
}

/// What a front says of a request, for log and status; never interpreted.
struct RequestFacts {
    let id: RequestID
    let method: String
    let host: String
    let path: String
    /// When the front asked for a session.
    let arrival: Instant
    /// It was carried by a session that may carry another one by now.
    var mayBeLater = false

    init(id: RequestID, method: String, host: String, path: String, arrival: Instant) {
        self.id = id
        self.method = method
        self.host = host
        self.path = path
        self.arrival = arrival
    }

    init(_ request: CheckoutRequest, at now: Instant) {
        self.id = request.id
        self.method = request.method
        self.host = request.host
        self.path = request.path
        self.arrival = now
    }

    var metadata: Logger.Metadata {
        [LogKeys.method: "\(self.method)", LogKeys.host: "\(self.host)", LogKeys.path: "\(self.plainPath)"]
    }

    /// Without the query, which may hold secrets.
    private var plainPath: String {
        let bytes = self.path.utf8
        return String(self.path[..<(bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex)])
    }

    /// "GET www.example /cart 3.207s", the last being the time since the front asked for a session.
    func line(at now: Instant) -> String {
        let host = self.host.isEmpty ? "-" : self.host
        let path = self.plainPath.clamped(toUTF8: Self.shownPathBytes)
        let line = "\(self.method) \(host) \(path) \(now.since(self.arrival).roundedForLog)"
        return self.mayBeLater ? line + " or one after it" : line
    }

    private static let shownPathBytes = 256
}

/// A spawn that has not ended.
struct SpawnUnderWay {
    let processID: ProcessID
    let group: ManagedGroup
    let since: Instant
    /// nil while the spawner is being called.
    var handle: (any SpawnHandle)?
    /// The process came up and ended before the news of its coming was here.
    var earlyExit: ProcessExit?
}

/// A request that has a ticket.
struct WaitingRequest {
    let facts: RequestFacts
    let client: any CheckoutClient
}

/// A request as its client names it.
struct ClientRequest: Hashable {
    let client: ObjectIdentifier
    let id: RequestID
}
