// SPDX-License-Identifier: MIT

import FrontConfiguration
import NIOCore
import WireProtocol

/// Where a configuration comes from.
enum ConfigurationSource: Equatable, Sendable {
    /// Absolute paths of the main files.
    case files([String])
    case commandLine(CommandLineApp)

    func read(_ files: any ConfigurationFiles) throws(ConfigurationError) -> FrontConfiguration {
        switch self {
        case .files(let paths): try FrontConfiguration(paths: paths, files: files)
        case .commandLine(let app): try FrontConfiguration(app, files: files)
        }
    }
}

/// Everything a worker starts with, apart from descriptors.
///
/// Descriptors follow: one listener per entry of `listens`.
struct WorkerBootstrap: Equatable, Sendable {
    var source: ConfigurationSource
    /// The worker reads the configuration again from this, because it may not read the files.
    var snapshot: ConfigurationSnapshot
    /// Path of the daemon's socket; nil if there are no apps.
    var flyWith: String?
    var frontName: String
    var token: WorkerToken
    /// Number of event loops.
    var threads: Int
    var logLevel: Int
    /// Apps are spoken to over their own sockets, where the daemon hands them over.
    var takesAppSockets = true
    var listens: [ListenAddress]
}

/// An order to drain.
struct DrainOrder: Equatable, Sendable {
    /// Listeners that nobody will accept from any more: what waits in their queues is accepted before the end.
    var closingListens: [ListenAddress]
}
