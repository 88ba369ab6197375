// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import WireProtocol

/// A configuration in force for at least one worker, with the sockets and files that belong to it.
final class Deployment: Sendable {
    let configuration: LoadedConfiguration
    let listeners: ListenerTable
    let accessLogs: [LogFile]
    /// What writes them for workers.
    let accessLogFiles: AccessLogFiles

    /// Binds what `older` has not bound and opens the access logs.
    init(_ configuration: LoadedConfiguration, replacing older: ListenerTable, logger: Logger) throws {
        self.configuration = configuration
        listeners = try older.updated(for: configuration.model.listens)
        accessLogs = try configuration.model.accessLogs.map { log in
            do throws(SinkProblem) {
                return try LogFile(path: log.path)
            } catch {
                throw StartError("cannot open the access log \(log.path)", because: error)
            }
        }
        accessLogFiles = AccessLogFiles(
            files: accessLogs,
            names: configuration.model.accessLogs.map(\.path),
            logger: logger
        )
    }

    var model: FrontModel { configuration.model }

    /// Addresses in the order of the file, as the bootstrap lists them.
    var addresses: [ListenAddress] { model.listens.map(\.address) }

    /// The listeners.
    var descriptors: [SharedDescriptor] { addresses.compactMap { listeners.entries[$0]?.socket } }

    /// Addresses that nobody will listen on once this is over; those in `newer` go on.
    func closingListens(newer: Deployment?) -> [ListenAddress] {
        addresses.filter { address in
            listeners.entries[address]?.isInherited == false && newer?.listeners.entries[address] == nil
        }
    }

    /// Files of Unix sockets that are not needed any more.
    func removeSocketFiles(newer: Deployment?) {
        for (address, entry) in listeners.entries where newer?.listeners.entries[address] == nil {
            entry.unixListener?.unlinkIfOwn()
        }
    }

    var manifestApps: [ManifestApp] {
        model.apps.map { ManifestApp(groupName: $0.groupName, settings: $0.settings, preStart: false) }
    }
}
