// SPDX-License-Identifier: MIT

/// One application group in a `StatusReport`.
package struct GroupReport: Codable, Hashable, Sendable {
    /// `app_group_name`, by default the app root.
    package var name: String
    package var appRoot: String
    package var appType: String?
    package var environment = "production"
    /// Requests that wait for a process of this group.
    package var queue = 0
    /// Requests that wait because the pool has no room for its first process; nil from older daemons.
    package var topLevelQueue: Int?
    package var queuedRequests: [QueuedRequestReport] = []
    /// Known once the first process has been spawned or tried.
    package var user: String?
    package var uid: UInt32?
    package var gid: UInt32?
    /// "runs as joe because joe owns config.ru".
    package var userReason: String?
    package var isRestarting = false
    package var processesBeingSpawned = 0
    /// Counts the restarts of this group.
    package var generation = 0
    package var minInstances = 1
    package var maxInstances = 0
    package var lastError: SpawnErrorReport?
    /// Its processes end young, so the next start waits for so long; nil: it does not, or the daemon is older.
    package var nextStartMilliseconds: Int?
    /// Seconds for which it is neither looked at nor started, because that ended cores; nil: it is served.
    package var quarantinedSeconds: Int?
    /// nil from older daemons.
    package var leases: LeaseReport?
    /// nil if there is none.
    package var preloader: PreloaderReport?
    /// nil as long as the memory of one of its processes is not known, and from older daemons.
    package var memory: MemorySumReport?
    package var processes: [ProcessReport] = []

    /// The rest is as declared above, or as `fill` sets it.
    package init(name: String, appRoot: String, _ fill: (inout Self) -> Void = { _ in }) {
        self.name = name
        self.appRoot = appRoot
        fill(&self)
    }

    enum CodingKeys: String, CodingKey {
        case name, environment, queue, user, uid, gid, generation, processes, leases, preloader, memory
        case quarantinedSeconds = "quarantined_for"
        case appRoot = "app_root"
        case appType = "app_type"
        case topLevelQueue = "top_level_queue"
        case queuedRequests = "queued_requests"
        case userReason = "user_reason"
        case isRestarting = "restarting"
        case processesBeingSpawned = "processes_being_spawned"
        case minInstances = "min_instances"
        case maxInstances = "max_instances"
        case lastError = "last_error"
        case nextStartMilliseconds = "next_start_ms"
    }
}

/// Sessions of a group that fronts use for their next requests without asking.
package struct LeaseReport: Codable, Hashable, Sendable {
    /// At the moment.
    package var held: Int
    /// Since the daemon knows the group, as are those below.
    package var granted: Int
    /// Requests that came without asking.
    package var reused: Int
    /// Asked back before their time was over.
    package var recalled: Int
    /// Requests that were granted a session while their front used a lease for them.
    package var duplicates: Int
    /// Sessions of any kind whose answer nobody waited for.
    package var abandoned: Int

    package init(held: Int, granted: Int, reused: Int, recalled: Int, duplicates: Int, abandoned: Int) {
        self.held = held
        self.granted = granted
        self.reused = reused
        self.recalled = recalled
        self.duplicates = duplicates
        self.abandoned = abandoned
    }
}

/// A request that waits for a process.
package struct QueuedRequestReport: Codable, Hashable, Sendable {
    package var method: String
    package var path: String
    package var waitingMilliseconds: Int

    package init(method: String, path: String, waitingMilliseconds: Int) {
        self.method = method
        self.path = path
        self.waitingMilliseconds = waitingMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case method, path
        case waitingMilliseconds = "waiting_ms"
    }
}

/// A request that a process works on.
package struct RunningRequestReport: Codable, Hashable, Sendable {
    package var method: String
    /// Empty if the front did not say it.
    package var host: String
    /// Without the query, cut to 2 KiB.
    package var path: String
    /// Since the front asked for a process.
    package var ageMilliseconds: Int

    package init(method: String, host: String, path: String, ageMilliseconds: Int) {
        self.method = method
        self.host = host
        self.path = path
        self.ageMilliseconds = ageMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case method, host, path
        case ageMilliseconds = "age_ms"
    }
}

/// The last failed spawn of a group, or the last process that ended by itself.
package struct SpawnErrorReport: Codable, Hashable, Sendable {
    /// The ID that page and log show, 8 hexadecimal digits.
    package var id: String
    /// Such as "missing-gem" or "crash"; nil from older daemons.
    package var kind: String?
    package var summary: String
    package var ageSeconds: Int?
    /// Microseconds since 1970.
    package var time: Int64?
    /// A file of the daemon's machine that only the daemon's user may read; nil if there is none.
    package var detailsFile: String?
    /// Failed starts and early deaths in a row; nil from older daemons.
    package var failuresInARow: Int?
    /// No start begins before; nil: the next request starts it, or the daemon is older.
    package var nextTryMilliseconds: Int?

    /// The rest is as declared above, or as `fill` sets it.
    package init(id: String, summary: String, _ fill: (inout Self) -> Void = { _ in }) {
        self.id = id
        self.summary = summary
        fill(&self)
    }

    enum CodingKeys: String, CodingKey {
        case id, kind, summary, time
        case ageSeconds = "age"
        case detailsFile = "details_file"
        case failuresInARow = "failures_in_a_row"
        case nextTryMilliseconds = "next_try_ms"
    }
}

/// One process of an application group.
package struct ProcessReport: Codable, Hashable, Sendable {
    /// What the pool does with a process.
    package enum State: String, Codable, Sendable {
        case enabled
        case disabling
        case disabled
        case shuttingDown = "shutting_down"
    }

    package var pid: Int32
    /// Leased ones as well, which may carry no request at the moment.
    package var sessions = 0
    /// nil from older daemons.
    package var leased: Int?
    package var processed = 0
    /// How many requests it may handle at a time, 0 without limit.
    package var concurrency = 1
    package var state = State.enabled
    package var uptimeSeconds = 0
    package var lastUsedSeconds = 0
    package var spawnedAt: Int64 = 0
    package var generation = 0
    /// Whole percent of one CPU; nil where it could not be read.
    package var cpuPercent: Int?
    /// Private dirty memory and swap; nil where neither it nor the resident size could be read.
    package var memoryKilobytes: Int?
    /// All that is known of its memory; nil if the process is gone, and from older daemons.
    package var memory: MemoryReport?
    /// Seconds since the memory was read, if that is worth saying: reading it can take long.
    package var memoryAgeSeconds: Int?
    /// A preloader forked it, so that it shares memory; nil from older daemons.
    package var isForked: Bool?
    /// The oldest of the requests that it works on; nil from older daemons.
    package var requests: [RunningRequestReport]?

    /// The rest is as declared above, or as `fill` sets it.
    package init(pid: Int32, _ fill: (inout Self) -> Void = { _ in }) {
        self.pid = pid
        fill(&self)
    }

    enum CodingKeys: String, CodingKey {
        case pid, sessions, leased, processed, concurrency, state, generation, requests
        case uptimeSeconds = "uptime"
        case lastUsedSeconds = "last_used"
        case spawnedAt = "spawned_at"
        case cpuPercent = "cpu"
        case memoryKilobytes = "memory"
        case memory = "memory_use"
        case memoryAgeSeconds = "memory_age"
        case isForked = "forked"
    }
}
