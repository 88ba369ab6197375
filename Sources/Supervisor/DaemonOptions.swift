// SPDX-License-Identifier: MIT

package import AppSettings
package import ArgumentParser
package import ProgramLog
package import SpawnPlan
import WireProtocol

/// The command line of `flying-passenger`; the same words start the watchdog and, behind `--core`, the core.
package struct DaemonOptions: ParsableArguments {
    @OptionGroup(title: "Socket and process") package var process: ProcessOptions
    @OptionGroup(title: "Pool") package var pool: PoolOptions
    @OptionGroup(title: "Users") package var users: UserOptions
    @OptionGroup(title: "Fronts") package var fronts: FrontOptions

    package init() {}

    package mutating func validate() throws {
        guard !self.process.daemonize || self.process.logFile != nil else {
            throw ValidationError(
                "--daemonize needs --log-file: a daemon in the background has no terminal to write to."
            )
        }
    }
}

/// `--help`, `--version` and usage of `flying-passenger`.
package struct DaemonCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "flying-passenger",
        abstract: "Application server daemon: runs apps as their own users and lends their processes to fronts.",
        discussion: """
            Started as root, every app runs as the owner of its startup file (or as the front's configuration says); \
            nothing ever runs as root. Started as another user, all apps run as that user.
            Signals: TERM or INT stop gracefully, a second one hurries, a third ends at once; HUP or USR1 reopen the log; \
            QUIT writes the state to the log.
            """,
        version: Product.nameAndVersion
    )

    @Flag(
        help: """
            Start nothing: ask the daemon that runs for its apps, and list those, and the logs and document roots, that one \
            with these flags would refuse. For use before an upgrade (exit status 0: none).
            """
    )
    package var checkApps = false

    @OptionGroup package var options: DaemonOptions

    package init() {}
}

package struct ProcessOptions: ParsableArguments {
    @Option(
        help: .init(
            "Unix socket on which the daemon listens for fronts, such as \(SocketDirectory.standardSocket) (required).",
            valueName: "path"
        )
    )
    package var socketFile: String

    @Flag(help: "Run in the background; needs --log-file. Returns once the socket listens, or fails with the reason.")
    package var daemonize = false

    @Flag(help: "Let watchdog and core leave core dumps, and be traced by others of their user; for debugging.")
    package var coreDumps = false

    @Option(help: .init("Log to this file instead of stderr; HUP and USR1 reopen it.", valueName: "path"))
    package var logFile: String?

    @Option(help: .init("Write the PID of the main process to this file, and hold a lock on it.", valueName: "path"))
    package var pidFile: String?

    @Option(
        help: .init("How much is logged, 0 to 7: \(LogScale.explanation)", valueName: "level"),
        transform: { text in try parsed(text, LogScale.init(text:)) }
    )
    package var logLevel = LogScale.standard

    @Option(
        help: .init("Mode of the socket, in octal (default: 0660).", valueName: "mode"),
        transform: { text in try parsed(text, FlagValues.mode) }
    )
    package var socketMode: UInt32 = 0o660

    @Option(help: .init("Owner of the socket (default: the daemon's user).", valueName: "user"))
    package var socketUser: String?

    @Option(help: .init("Group of the socket (default: primary group of --front-user).", valueName: "group"))
    package var socketGroup: String?

    @Option(
        help: .init("Length of the queue of connections that wait to be accepted (default: 2048).", valueName: "n"),
        transform: { text in try parsed(text) { try ValueParsers.integer($0, in: 1...65_535) } }
    )
    package var socketBacklog = 2048

    @Option(
        help: .init(
            "Where the instance directory is made (default: $\(InstanceRegistry.environmentVariable), else "
                + "/run/flying-passenger for root, else $XDG_RUNTIME_DIR/flying-passenger, else /tmp/flying-passenger-UID).",
            valueName: "dir"
        )
    )
    package var instanceRegistryDir: String?

    @Option(
        help: .init("How long a graceful stop may take before it is hurried (default: 60s).", valueName: "time"),
        transform: { text in try parsed(text, ValueParsers.duration) }
    )
    package var shutdownTimeout = Duration.seconds(60)

    @Option(
        help: .init("Use the loaders in this directory instead of those built in.", valueName: "dir")
    )
    package var loadersDir: String?

    @Flag(help: "Copy the bytes between fronts and apps instead of giving fronts the sockets of apps.")
    package var noHandover = false

    package init() {}
}

package struct PoolOptions: ParsableArguments {
    @Option(
        help: .init("Most application processes at a time, over all apps (default: 6).", valueName: "n"),
        transform: { text in try parsed(text) { try ValueParsers.integer($0, in: 1...100_000) } }
    )
    package var maxPoolSize = DaemonDefaults.maxPoolSize

    @Option(
        help: .init("Stop processes that were not used for this long; 0 = never (default: 300s).", valueName: "time"),
        transform: { text in try parsed(text, ValueParsers.duration) }
    )
    package var poolIdleTime = Duration.seconds(300)

    @Option(
        help: .init("Most processes of any one app; 0 = no limit but the pool size (default: 0).", valueName: "n"),
        transform: { text in try parsed(text) { try ValueParsers.integer($0, in: 0...100_000) } }
    )
    package var maxInstancesPerApp = 0

    @Option(
        help: .init(
            "Look at restart.txt and always_restart.txt at most once in this time; 0 = at every request (default: 0).",
            valueName: "time"
        ),
        transform: { text in try parsed(text, ValueParsers.duration) }
    )
    package var statThrottleRate = Duration.zero

    @Option(
        help: .init("Limit on open files of app processes that have none of their own.", valueName: "n"),
        transform: { text in try parsed(text) { try ValueParsers.integer($0, in: 16...1_073_741_816) } }
    )
    package var appFileDescriptorUlimit: Int?

    @Option(
        help: .init(
            "Limit on the memory of each app that has none of its own, such as 512m (default: none).",
            valueName: "size"
        ),
        transform: { text in try parsed(text, FlagValues.memoryMax) }
    )
    package var memoryMax: Int?

    @Option(
        help: .init(
            "Limit on processes and threads of each app that has none of its own (default: none).",
            valueName: "n"
        ),
        transform: { text in
            try parsed(text) { try ValueParsers.integer($0, in: AppSettings.leastProcesses...4_194_304) }
        }
    )
    package var pidsMax: Int?

    @Option(
        help: .init(
            "Processes that may do out-of-band work at a time, at most one of each app; 0 = one of each (default: 0).",
            valueName: "n"
        ),
        transform: { text in try parsed(text) { try ValueParsers.integer($0, in: 0...100_000) } }
    )
    package var oobwLimit = 0

    @Option(
        help: .init(
            "How long a process may take for out-of-band work before it is replaced (default: 60s).",
            valueName: "time"
        ),
        transform: { text in try parsed(text, FlagValues.outOfBandTimeout) }
    )
    package var oobwTimeout = Duration.seconds(60)

    @Flag(help: "Log the output of apps without \"App PID output:\" in front of it.")
    package var disableLogPrefix = false

    package init() {}
}

package struct UserOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: "Run each app as its own user; without, all apps run as --default-user. Has no effect unless root."
    )
    package var userSwitching = true

    @Option(help: .init("User for apps whose files belong to root or to no account.", valueName: "user"))
    package var defaultUser = "nobody"

    @Option(help: .init("Group for them (default: primary group of --default-user).", valueName: "group"))
    package var defaultGroup: String?

    @Option(
        help: .init("Lowest user ID that an app may run as (default: 1).", valueName: "uid"),
        transform: { text in try parsed(text) { UInt32(try ValueParsers.integer($0, in: 1...4_294_967_294)) } }
    )
    package var minUID: UInt32 = 1

    @Option(
        name: .customLong("allowed-users"),
        help: .init(
            "Users that apps may run as, separated by commas (default: all). May be repeated.",
            valueName: "users"
        )
    )
    package var allowedUserLists: [String] = []

    @Option(
        help: .init(
            "strict (default) refuses apps whose directories others could change; warn only logs it, unless all may write.",
            valueName: "strict|warn"
        ),
        transform: { text in try parsed(text, OwnershipCheck.init(flag:)) }
    )
    package var ownershipCheck = OwnershipCheck.strict

    @Option(
        name: .customLong("trust-owner"),
        help: .init(
            "User whose directories and links may lead to apps of any other user, or a group that may write there, with a "
                + "colon in front (:deployers). Can run code as all of these users. May be repeated.",
            valueName: "user|:group"
        )
    )
    package var trustOwners: [String] = []

    /// nil when all users are allowed.
    package var allowedUsers: Set<ExactText>? {
        guard !self.allowedUserLists.isEmpty else { return nil }
        return Set(
            self.allowedUserLists.flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }.map {
                ExactText(Substring($0))
            }
        )
    }

    package init() {}
}

package struct FrontOptions: ParsableArguments {
    @Option(
        help: .init(
            "User of the workers of fronts; may use the socket (default: flying-front, www-data and nobody, all that exist).",
            valueName: "user"
        )
    )
    package var frontUser: String?

    @Option(
        name: .customLong("trust-user"),
        help: .init(
            "User who may push any settings, and so run programs as any user but root: as good as root. May be repeated.",
            valueName: "user"
        )
    )
    package var trustUsers: [String] = []

    @Option(
        name: .customLong("app-root-allow"),
        help: .init(
            "Directory below which a front without a manifest may name app roots. May be repeated.",
            valueName: "dir"
        )
    )
    package var appRootAllow: [String] = []

    package init() {}
}
