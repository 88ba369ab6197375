// SPDX-License-Identifier: MIT

/// One application group in a `StatusReport`.
package struct GroupReport: Codable, Hashable, Sendable {
    /// `app_group_name`, by default the app root.
    package var name: String
    package var appRoot: String
    package var appType: String?
    package var environment: String
    /// Requests that wait for a process of this group.
    package var queue: Int
    /// Requests that wait because the pool has no room for its first process; nil from older daemons.
    package var topLevelQueue: Int?
    package var queuedRequests: [QueuedRequestReport]
    /// Known once the first process has been spawned or tried.
    package var user: String?
    package var uid: UInt32?
    package var gid: UInt32?
    /// "runs as joe because joe owns config.ru".
    package var userReason: String?
    package var isRestarting: Bool
    package var processesBeingSpawned: Int
    /// Counts the restarts of this group.
    package var generation: Int
    package var minInstances: Int
    package var maxInstances: Int
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
    package var processes: [ProcessReport]

    package init(
        name: String,
        appRoot: String,
        appType: String? = nil,
        environment: String = "production",
        queue: Int = 0,
        topLevelQueue: Int? = nil,
        queuedRequests: [QueuedRequestReport] = [],
        user: String? = nil,
        uid: UInt32? = nil,
        gid: UInt32? = nil,
        userReason: String? = nil,
        isRestarting: Bool = false,
        processesBeingSpawned: Int = 0,
        generation: Int = 0,
        minInstances: Int = 1,
        maxInstances: Int = 0,
        lastError: SpawnErrorReport? = nil,
        nextStartMilliseconds: Int? = nil,
        quarantinedSeconds: Int? = nil,
        leases: LeaseReport? = nil,
        preloader: PreloaderReport? = nil,
        memory: MemorySumReport? = nil,
        processes: [ProcessReport] = []
    ) {
        self.name = name
        self.appRoot = appRoot
        self.appType = appType
        self.environment = environment
        self.queue = queue
        self.topLevelQueue = topLevelQueue
        self.queuedRequests = queuedRequests
        self.user = user
        self.uid = uid
        self.gid = gid
        self.userReason = userReason
        self.isRestarting = isRestarting
        self.processesBeingSpawned = processesBeingSpawned
        self.generation = generation
        self.minInstances = minInstances
        self.maxInstances = maxInstances
        self.lastError = lastError
        self.nextStartMilliseconds = nextStartMilliseconds
        self.quarantinedSeconds = quarantinedSeconds
        self.leases = leases
        self.preloader = preloader
        self.memory = memory
        self.processes = processes
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

    package init(
        id: String,
        kind: String? = nil,
        summary: String,
        ageSeconds: Int? = nil,
        time: Int64? = nil,
        detailsFile: String? = nil,
        failuresInARow: Int? = nil,
        nextTryMilliseconds: Int? = nil
    ) {
        self.id = id
        self.kind = kind
        self.summary = summary
        self.ageSeconds = ageSeconds
        self.time = time
        self.detailsFile = detailsFile
        self.failuresInARow = failuresInARow
        self.nextTryMilliseconds = nextTryMilliseconds
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
    package var sessions: Int
    /// nil from older daemons.
    package var leased: Int?
    package var processed: Int
    /// How many requests it may handle at a time, 0 without limit.
    package var concurrency: Int
    package var state: State
    package var uptimeSeconds: Int
    package var lastUsedSeconds: Int
    package var spawnedAt: Int64
    package var generation: Int
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

    package init(
        pid: Int32,
        sessions: Int = 0,
        leased: Int? = nil,
        processed: Int = 0,
        concurrency: Int = 1,
        state: State = .enabled,
        uptimeSeconds: Int = 0,
        lastUsedSeconds: Int = 0,
        spawnedAt: Int64 = 0,
        generation: Int = 0,
        cpuPercent: Int? = nil,
        memoryKilobytes: Int? = nil,
        memory: MemoryReport? = nil,
        memoryAgeSeconds: Int? = nil,
        isForked: Bool? = nil,
        requests: [RunningRequestReport]? = nil
    ) {
        self.pid = pid
        self.sessions = sessions
        self.leased = leased
        self.processed = processed
        self.concurrency = concurrency
        self.state = state
        self.uptimeSeconds = uptimeSeconds
        self.lastUsedSeconds = lastUsedSeconds
        self.spawnedAt = spawnedAt
        self.generation = generation
        self.cpuPercent = cpuPercent
        self.memoryKilobytes = memoryKilobytes
        self.memory = memory
        self.memoryAgeSeconds = memoryAgeSeconds
        self.isForked = isForked
        self.requests = requests
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
