// SPDX-License-Identifier: MIT

package import LinuxSystem
package import PathSafety
package import SpawnPlan

/// What all spawns of one daemon have in common.
package struct SpawnerOptions: Sendable {
    package var helperPath: String
    /// Holds the loaders, readable by everybody.
    package var loadersDirectory: String
    /// For the sockets of apps; only the daemon may enter it.
    package var appSocketsDirectory: String
    package var userSwitching: UserSwitching.Policy
    package var ownershipCheck: OwnershipCheck
    /// Who may decide what runs as any user besides root and that user (`--trust-owner`).
    package var trustedOwners: PathPolicy
    /// Such as "Flying Passenger/0.1.0".
    package var serverSoftware: String
    /// The daemon's own environment; what is not on the allow list goes no further.
    package var daemonEnvironment: [EnvironmentVariable]
    package var socketBacklog: Int32
    /// Limit on open files of apps that set none; nil: the daemon's own.
    package var openFilesLimit: Limits.Limit?
    /// Nil: nothing is kept for the next daemon.
    package var records: ProcessRecords?
    /// Where it is noted which app a process belongs to.
    package let sessions: AppSessions
    /// Users of the fronts' workers: no app should be theirs.
    package var workerUIDs: Set<UInt32>
    /// The instance that processes are marked with; nil: they are not.
    package var instance: String?
    /// Nil: processes have no control groups.
    package var appGroups: AppGroups?
    /// Of apps that have none of their own.
    package var limits: ProcessLimits
    /// Nil: what starts gets as much of the processors as what serves.
    package var startPriority: StartPriority?

    package init(
        helperPath: String,
        loadersDirectory: String,
        appSocketsDirectory: String,
        userSwitching: UserSwitching.Policy,
        ownershipCheck: OwnershipCheck = .strict,
        trustedOwners: PathPolicy = .rootOnly,
        serverSoftware: String,
        daemonEnvironment: [EnvironmentVariable] = [],
        socketBacklog: Int32 = 2048,
        openFilesLimit: Limits.Limit? = nil,
        records: ProcessRecords? = nil,
        sessions: AppSessions = AppSessions(),
        workerUIDs: Set<UInt32> = [],
        instance: String? = nil,
        appGroups: AppGroups? = nil,
        limits: ProcessLimits = ProcessLimits(),
        startPriority: StartPriority? = nil
    ) {
        self.helperPath = helperPath
        self.loadersDirectory = loadersDirectory
        self.appSocketsDirectory = appSocketsDirectory
        self.userSwitching = userSwitching
        self.ownershipCheck = ownershipCheck
        self.trustedOwners = trustedOwners
        self.serverSoftware = serverSoftware
        self.daemonEnvironment = daemonEnvironment
        self.socketBacklog = socketBacklog
        self.openFilesLimit = openFilesLimit
        self.records = records
        self.sessions = sessions
        self.workerUIDs = workerUIDs
        self.instance = instance
        self.appGroups = appGroups
        self.limits = limits
        self.startPriority = startPriority
    }
}
