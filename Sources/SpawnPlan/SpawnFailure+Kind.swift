// SPDX-License-Identifier: MIT

extension SpawnFailure {
    /// What kind of failure it is, as far as whoever met it could tell; raw values are what loaders write and what pages
    /// and details files show.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        // Before the process.
        case appRootMissing = "app-root-missing"
        case startupFileMissing = "startup-file-missing"
        /// Somebody else could decide what runs as the app's user (DESIGN §5).
        case ownership
        /// No user, or one that the daemon's flags do not allow.
        case noUser = "no-user"
        /// Settings that do not go together.
        case configuration

        // On the way to the program.
        /// A directory, or the startup file, is closed to the app's user.
        case access
        case interpreterMissing = "interpreter-missing"
        case loginShell = "login-shell"
        case environmentFile = "environment-file"
        /// Too many processes, files or too little memory for the kernel.
        case resources
        /// The app has reached a limit of its own, on memory or processes.
        case limit = "limit-reached"

        // In the program.
        /// An interpreter older than supported.
        case interpreterUnsupported = "interpreter-unsupported"
        case frameworkUnsupported = "framework-unsupported"
        case missingGem = "missing-gem"
        case missingModule = "missing-module"
        case syntaxError = "syntax-error"
        case exception
        case outOfMemory = "out-of-memory"
        case permissionDenied = "permission-denied"
        case earlyExit = "early-exit"
        case killed
        case timeout
        /// Garbage on the control channel, a closed channel or listener.
        case protocolViolation = "protocol-violation"
        case portTaken = "port-taken"
        /// The interpreter is none that can preload an app.
        case cannotFork = "cannot-fork"
        /// The app was loaded, but no process could be had of the preloader.
        case preloaderFailed = "preloader-failed"
        /// A process that was in service ended by itself, again and again.
        case crash

        case internalError = "internal-error"
        /// Not tried: earlier looks or starts ended the daemon's core.
        case quarantine
        case cancelled

        /// Those that a loader may claim.
        package var isForLoaders: Bool {
            switch self {
            case .interpreterUnsupported, .frameworkUnsupported, .missingGem, .missingModule, .syntaxError, .exception,
                .outOfMemory, .permissionDenied, .earlyExit, .configuration, .cannotFork:
                true
            default: false
            }
        }
    }
}
