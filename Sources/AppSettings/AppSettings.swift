// SPDX-License-Identifier: MIT

/// The settings of one app, checked and typed, with defaults applied.
package struct AppSettings: Sendable, Equatable {
    package struct EnvironmentVariable: Sendable, Hashable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What was pushed; the properties below are its meaning.
    package var list: SettingsList
    /// Absolute, as configured: symbolic links are not resolved.
    package var appRoot: String
    /// The configured name, else the app root.
    package var groupName: String
    /// nil: detected from the files in the app root.
    package var appType: AppType?
    package var startupFile: String?
    package var appStartCommand: String?
    package var user: String?
    package var group: String?
    package var ruby: String
    package var python: String
    package var nodejs: String
    package var environment: String
    /// `/`, or a prefix without slash at the end.
    package var baseURI: String
    package var environmentVariables: [EnvironmentVariable]
    /// Absolute, or relative to the app root.
    package var environmentFile: String?
    /// nil: on only in the environment `development`.
    package var friendlyErrorPages: Bool?
    package var minInstances: Int
    /// 0: no limit.
    package var maxInstances: Int
    /// 0: no limit.
    package var maxRequests: Int
    /// 0: no limit.
    package var maxRequestQueueSize: Int
    /// Zero: no limit.
    package var maxRequestTime: Duration
    package var startTimeout: Duration
    package var shutdownTimeout: Duration
    /// How long an app may work on an answer that nobody waits for; as `shutdownTimeout` if it was not said.
    package var abandonedTimeout: Duration
    /// Upgraded connections of a process that is to end are cut instead of waited for.
    package var abortWebsocketsOnProcessShutdown: Bool
    /// Relative to the app root, or absolute.
    package var restartDirectory: String
    /// nil: the daemon's.
    package var statThrottleRate: Duration?
    /// -1: what the process says; 0: unlimited.
    package var forceMaxConcurrentRequestsPerProcess: Int
    package var appKeepalive: Bool
    /// Fronts may use a process for their next requests without asking each time.
    package var leases: Bool
    package var loadShellEnvvars: Bool
    package var preloadBundler: Bool
    /// Requests that a Ruby process takes at a time, each in a thread of its own; 1 unless `concurrency_model` says so.
    package var threadCount: Int
    /// Rack applications may send headers ahead of an answer.
    package var earlyHints: Bool
    /// nil: what is usual for the app's language.
    package var spawnMethod: SpawnMethod?
    /// How long a preloader that forks nothing stays; zero: for ever.
    package var maxPreloaderIdleTime: Duration
    /// Requests after which a forked process becomes what others are forked from; 0: never.
    package var reforkAfter: Int
    package var appFileDescriptorUlimit: Int?
    /// Bytes that all processes of the app have together; 0: no limit, nil: the daemon's.
    package var memoryMax: Int?
    /// Processes and threads that the app has in all; 0: no limit, nil: the daemon's.
    package var pidsMax: Int?
    package var directInstanceRequestAddress: String

    /// Requests that may wait for a process.
    package static let defaultMaxRequestQueueSize = 100

    /// Reads and checks settings; unknown names and names that are not pushed are refused.
    package init(_ list: SettingsList) throws(SettingsError) {
        let reader = try SettingsReader(list)
        self.list = list
        guard let appRoot = reader.text(SettingName.appRoot) else {
            throw SettingsError(setting: SettingName.appRoot, value: "", reason: "is missing")
        }
        self.appRoot = appRoot
        groupName = reader.text(SettingName.appGroupName) ?? appRoot
        appType = reader.text(SettingName.appType).flatMap(AppType.init(settingValue:))
        startupFile = reader.text(SettingName.startupFile)
        appStartCommand = reader.text(SettingName.appStartCommand)
        user = reader.text(SettingName.user)
        group = reader.text(SettingName.group)
        ruby = reader.text(SettingName.ruby) ?? "ruby"
        python = reader.text(SettingName.python) ?? "python3"
        nodejs = reader.text(SettingName.nodejs) ?? "node"
        environment = reader.text(SettingName.appEnvironment) ?? "production"
        baseURI = reader.text(SettingName.baseURI) ?? "/"
        environmentVariables = list.values(of: SettingName.environmentVariable).compactMap(Self.variable)
        environmentFile = reader.text(SettingName.environmentFile)
        friendlyErrorPages = reader.text(SettingName.friendlyErrorPages).map { $0 == "on" }
        minInstances = reader.integer(SettingName.minInstances) ?? 1
        maxInstances = reader.integer(SettingName.maxInstances) ?? 0
        maxRequests = reader.integer(SettingName.maxRequests) ?? 0
        maxRequestQueueSize = reader.integer(SettingName.maxRequestQueueSize) ?? Self.defaultMaxRequestQueueSize
        maxRequestTime = reader.duration(SettingName.maxRequestTime) ?? .zero
        startTimeout = reader.duration(SettingName.startTimeout) ?? .seconds(90)
        shutdownTimeout = reader.duration(SettingName.shutdownTimeout) ?? .seconds(600)
        abandonedTimeout = reader.duration(SettingName.abandonedTimeout) ?? shutdownTimeout
        abortWebsocketsOnProcessShutdown = reader.flag(SettingName.abortWebsockets) ?? true
        restartDirectory = reader.text(SettingName.restartDirectory) ?? "tmp"
        statThrottleRate = reader.duration(SettingName.statThrottleRate)
        forceMaxConcurrentRequestsPerProcess = reader.integer(SettingName.forceMaxConcurrentRequests) ?? -1
        appKeepalive = reader.flag(SettingName.appKeepalive) ?? false
        leases = reader.flag(SettingName.leases) ?? true
        loadShellEnvvars = reader.flag(SettingName.loadShellEnvironment) ?? true
        preloadBundler = reader.flag(SettingName.preloadBundler) ?? false
        let hasThreads = reader.text(SettingName.concurrencyModel) == "thread"
        threadCount = hasThreads ? reader.integer(SettingName.threadCount) ?? 1 : 1
        earlyHints = reader.flag(SettingName.earlyHints) ?? false
        spawnMethod = reader.text(SettingName.spawnMethod).flatMap(SpawnMethod.init(rawValue:))
        maxPreloaderIdleTime = reader.duration(SettingName.maxPreloaderIdleTime) ?? .seconds(300)
        reforkAfter = reader.integer(SettingName.refork) ?? 0
        appFileDescriptorUlimit = reader.integer(SettingName.appFileDescriptorLimit)
        memoryMax = reader.integer(SettingName.memoryMax)
        pidsMax = reader.integer(SettingName.pidsMax)
        directInstanceRequestAddress = reader.text(SettingName.directInstanceRequestAddress) ?? "127.0.0.1"
        try checkCombinations()
    }

    package static let leastMemory = 4 << 20
    package static let leastProcesses = 4

    private func checkCombinations() throws(SettingsError) {
        if let startupFile, appType == nil {
            throw SettingsError(setting: SettingName.startupFile, value: startupFile, reason: "needs app_type as well")
        }
        if let appType, appType != .generic, let appStartCommand {
            throw SettingsError(
                setting: SettingName.appStartCommand,
                value: appStartCommand,
                reason: "makes an app generic, but app_type is \(appType.rawValue)"
            )
        }
        if appType == .generic, appStartCommand == nil {
            throw SettingsError(setting: SettingName.appType, value: "generic", reason: "needs app_start_command")
        }
        // With less nothing comes up, which looks like anything but a limit.
        if let memoryMax, memoryMax != 0, memoryMax < Self.leastMemory {
            throw SettingsError(setting: SettingName.memoryMax, value: String(memoryMax), reason: "is less than 4m")
        }
        if let pidsMax, pidsMax != 0, pidsMax < Self.leastProcesses {
            throw SettingsError(
                setting: SettingName.pidsMax,
                value: String(pidsMax),
                reason: "is less than \(Self.leastProcesses)"
            )
        }
        if maxInstances > 0, minInstances > maxInstances {
            throw SettingsError(
                setting: SettingName.minInstances,
                value: String(minInstances),
                reason: "is more than max_instances (\(maxInstances))"
            )
        }
    }

    private static func variable(_ entry: String) -> EnvironmentVariable? {
        guard let separator = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return EnvironmentVariable(
            name: String(entry[..<separator]),
            value: String(entry[entry.utf8.index(after: separator)...])
        )
    }
}
