// SPDX-License-Identifier: MIT

import FrontConfiguration
import ProgramLog

/// What the command line says, checked; flags win over the configuration.
struct MasterOptions: Sendable {
    var source: ConfigurationSource
    var flyWith: String?
    var user: String?
    var threads: Int?
    var pidFile: String?
    var logFile: String?
    /// nil: as the configuration says.
    var logScale: LogScale?
    var isDaemon: Bool
    /// Master and worker may leave core dumps, and be traced by others of their user.
    var keepsCoreDumps = false
    /// Workers speak to apps over the apps' own sockets, where the daemon hands them over.
    var takesAppSockets = true
    /// How long a graceful stop may take before it becomes a quick one.
    var shutdownTimeout: Duration

    /// How much is logged with a configuration: the flag, else the level of `error_log`.
    func logScale(with model: FrontModel) -> LogScale {
        logScale ?? model.errorLogLevel.map { LogScale($0) } ?? .standard
    }
}

/// Why the front cannot start; the text is one for people.
struct StartError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
