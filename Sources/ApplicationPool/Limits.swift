// SPDX-License-Identifier: MIT

package import AppSettings

/// What the daemon's flags say about the whole pool.
package struct PoolLimits: Equatable, Sendable {
    /// Processes in service or being spawned, over all groups; at least 1.
    package var maxPoolSize: Int
    /// Upper bound for every group; 0 = none.
    package var maxInstancesPerApp: Int
    /// Unused processes are detached after this time; nil = never.
    package var poolIdleTime: Duration?
    /// Slots for spawns in their first seconds (`Spawn.slotTime`), over all groups; at least 1.
    package var simultaneousSpawns: Int
    /// From being told to stop until SIGKILL.
    package var exitTimeout: Duration
    /// How often restart files are looked at, for apps that do not say; zero = at each request.
    package var statThrottleRate: Duration
    /// Processes that do out-of-band work at a time, over all groups, at most one of each; 0 = any number.
    package var outOfBandLimit: Int
    /// How long a process may take for its out-of-band work, and its sessions before that to end.
    package var outOfBandTimeout: Duration

    package init(
        maxPoolSize: Int = DaemonDefaults.maxPoolSize,
        maxInstancesPerApp: Int = 0,
        poolIdleTime: Duration? = .seconds(300),
        simultaneousSpawns: Int = 2,
        exitTimeout: Duration = .seconds(60),
        statThrottleRate: Duration = .zero,
        outOfBandLimit: Int = 0,
        outOfBandTimeout: Duration = .seconds(60)
    ) {
        self.maxPoolSize = max(1, maxPoolSize)
        self.maxInstancesPerApp = maxInstancesPerApp
        self.poolIdleTime = poolIdleTime
        self.simultaneousSpawns = max(1, simultaneousSpawns)
        self.exitTimeout = exitTimeout
        self.statThrottleRate = statThrottleRate
        self.outOfBandLimit = outOfBandLimit
        self.outOfBandTimeout = outOfBandTimeout
    }
}

/// What an app's settings say about its group; all of it may change while the group lives.
package struct GroupLimits: Equatable, Sendable {
    /// Processes that stay although idle, and come back after a crash, once the group has started.
    package var minInstances: Int
    /// 0 = none.
    package var maxInstances: Int
    /// Requests after which a process is replaced; 0 = never.
    package var maxRequests: Int
    /// Waiting requests; 0 = any number.
    package var maxQueueSize: Int
    /// How long a request may wait; nil = for ever.
    package var maxQueueTime: Duration?
    /// How long a session may last; nil = for ever.
    package var maxRequestTime: Duration?
    /// How long a detached process may finish its sessions.
    package var shutdownTimeout: Duration
    /// How long an app may work on an answer that nobody waits for.
    package var abandonedTimeout: Duration
    /// Upgraded sessions of a detached process are cut instead of waited for.
    package var abortsUpgradedSessions: Bool
    /// Sessions per process at a time, in place of what the process says; 0 = any number.
    package var concurrencyOverride: Int?
    /// Fronts may use a session for their next requests without asking.
    package var allowsLeases: Bool
    /// Requests after which a forked process becomes what others are forked from; 0 = never.
    package var reforkAfter: Int

    package init(
        minInstances: Int = 1,
        maxInstances: Int = 0,
        maxRequests: Int = 0,
        maxQueueSize: Int = 100,
        maxQueueTime: Duration? = nil,
        maxRequestTime: Duration? = nil,
        shutdownTimeout: Duration = .seconds(600),
        abandonedTimeout: Duration? = nil,
        abortsUpgradedSessions: Bool = true,
        concurrencyOverride: Int? = nil,
        allowsLeases: Bool = true,
        reforkAfter: Int = 0
    ) {
        self.minInstances = minInstances
        self.maxInstances = maxInstances
        self.maxRequests = maxRequests
        self.maxQueueSize = maxQueueSize
        self.maxQueueTime = maxQueueTime
        self.maxRequestTime = maxRequestTime
        self.shutdownTimeout = shutdownTimeout
        self.abandonedTimeout = abandonedTimeout ?? shutdownTimeout
        self.abortsUpgradedSessions = abortsUpgradedSessions
        self.concurrencyOverride = concurrencyOverride
        self.allowsLeases = allowsLeases
        self.reforkAfter = reforkAfter
    }

    package init(_ settings: AppSettings) {
        let concurrency = settings.forceMaxConcurrentRequestsPerProcess
        self.init(
            minInstances: settings.minInstances,
            maxInstances: settings.maxInstances,
            maxRequests: settings.maxRequests,
            maxQueueSize: settings.maxRequestQueueSize,
            maxRequestTime: settings.maxRequestTime > .zero ? settings.maxRequestTime : nil,
            shutdownTimeout: settings.shutdownTimeout,
            abandonedTimeout: settings.abandonedTimeout,
            abortsUpgradedSessions: settings.abortWebsocketsOnProcessShutdown,
            concurrencyOverride: concurrency >= 0 ? concurrency : nil,
            allowsLeases: settings.leases,
            reforkAfter: settings.reforkAfter
        )
    }
}
