// SPDX-License-Identifier: MIT

/// What the daemon tells about itself, as the payload of an admin response.
///
/// JSON keys are those below in snake case and are part of the outside contract (`passenger-status --show=json`): keys are added, never
/// changed. Times are microseconds since the epoch, durations whole seconds, memory kilobytes.
package struct StatusReport: Codable, Hashable, Sendable {
    /// Product version, "0.1.0".
    package var version: String
    /// Name of the instance directory.
    package var instance: String
    /// Path of the daemon's socket as it was given.
    package var socketPath: String
    /// The main process (watchdog) and the core.
    package var watchdogPID: Int32
    package var corePID: Int32
    package var startedAt: Int64
    /// When the report was made.
    package var time: Int64
    package var maxPoolSize: Int
    /// Processes that count against the pool size, of all groups, also of those that are not shown to the asker.
    package var processCount: Int
    package var topLevelQueue: Int
    /// Groups left out because they run as other users than the asker.
    package var hiddenGroups = 0
    /// Groups left out because the report would be too long; nil: none, and from older daemons.
    package var omittedGroups: Int?
    package var groups: [GroupReport] = []
    package var connections: [ConnectionReport] = []
    /// What is shared among users, for those who may see everything; nil from older daemons.
    package var budgets: [BudgetReport]?

    /// The rest is as declared above, or as `fill` sets it.
    package init(
        version: String,
        instance: String,
        socketPath: String,
        watchdogPID: Int32,
        corePID: Int32,
        startedAt: Int64,
        time: Int64,
        maxPoolSize: Int,
        processCount: Int,
        topLevelQueue: Int,
        _ fill: (inout Self) -> Void = { _ in }
    ) {
        self.version = version
        self.instance = instance
        self.socketPath = socketPath
        self.watchdogPID = watchdogPID
        self.corePID = corePID
        self.startedAt = startedAt
        self.time = time
        self.maxPoolSize = maxPoolSize
        self.processCount = processCount
        self.topLevelQueue = topLevelQueue
        fill(&self)
    }

    enum CodingKeys: String, CodingKey {
        case version, instance, time, groups, connections, budgets
        case socketPath = "socket_path"
        case watchdogPID = "watchdog_pid"
        case corePID = "core_pid"
        case startedAt = "started_at"
        case maxPoolSize = "max_pool_size"
        case processCount = "process_count"
        case topLevelQueue = "top_level_queue"
        case hiddenGroups = "hidden_groups"
        case omittedGroups = "omitted_groups"
    }
}

/// Something that there is only so much of, and how often somebody was refused or had to wait because of it.
package struct BudgetReport: Codable, Hashable, Sendable {
    package var name: String
    /// What is taken, and of how much; nil where only a rate is limited.
    package var used: Int?
    package var limit: Int?
    /// Since the core started.
    package var refused: UInt64

    package init(name: String, used: Int? = nil, limit: Int? = nil, refused: UInt64) {
        self.name = name
        self.used = used
        self.limit = limit
        self.refused = refused
    }
}

/// A connection of a front.
package struct ConnectionReport: Codable, Hashable, Sendable {
    /// What the front calls itself.
    package var front: String
    package var pid: Int32
    package var uid: UInt32
    /// "full" or "owner", by the peer's rights over settings.
    package var authority: String
    package var sessions: Int
    package var waitingCheckouts: Int

    package init(front: String, pid: Int32, uid: UInt32, authority: String, sessions: Int, waitingCheckouts: Int) {
        self.front = front
        self.pid = pid
        self.uid = uid
        self.authority = authority
        self.sessions = sessions
        self.waitingCheckouts = waitingCheckouts
    }

    enum CodingKeys: String, CodingKey {
        case front, pid, uid, authority, sessions
        case waitingCheckouts = "waiting_checkouts"
    }
}
