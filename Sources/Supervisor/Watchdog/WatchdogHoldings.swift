// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import WireProtocol

/// What outlives every core: locks, files, the listening socket, the instance directory.
struct WatchdogHoldings: ~Copyable {
    private let socket: SocketFile
    private let pidFile: PIDFile?
    private let instance: InstanceDirectory.Held

    var directory: InstanceDirectory { self.instance.directory }
    var listener: Int32 { self.socket.descriptor }

    /// Takes everything, or nothing; `sweep` ends the processes of daemons that could not do so themselves.
    static func take(
        _ options: ProcessOptions,
        users: DaemonUsers,
        logger: Logger,
        sweep: (InstanceDirectory) -> Void
    ) throws(StartProblem) -> WatchdogHoldings {
        let socket = try SocketFile.open(options, users: users)
        do throws(StartProblem) {
            let pidFile = try self.openPIDFile(options.pidFile)
            do throws(StartProblem) {
                let instance = try self.makeDirectory(options, logger: logger, sweep: sweep)
                return WatchdogHoldings(socket: socket, pidFile: pidFile, instance: instance)
            } catch {
                pidFile?.remove()
                throw error
            }
        } catch {
            socket.remove()
            throw error
        }
    }

    private init(
        socket: consuming SocketFile,
        pidFile: consuming PIDFile?,
        instance: consuming InstanceDirectory.Held
    ) {
        self.socket = socket
        self.pidFile = pidFile
        self.instance = instance
    }

    /// Leaves nothing behind.
    consuming func remove(logger: Logger) {
        self.socket.remove()
        self.pidFile?.remove()
        InstanceGroup.find(for: self.instance.directory)?.remove()
        do throws(SystemError) {
            try Files.removeTree(self.instance.directory.path)
        } catch {
            logger.warning("cannot remove the instance directory", metadata: [LogKeys.error: "\(error)"])
        }
    }

    private static func openPIDFile(_ path: String?) throws(StartProblem) -> PIDFile? {
        guard let path else { return nil }
        return try PIDFile.open(path)
    }

    private static func makeDirectory(
        _ options: ProcessOptions,
        logger: Logger,
        sweep: (InstanceDirectory) -> Void
    ) throws(StartProblem) -> InstanceDirectory.Held {
        let place = InstanceRegistry.place(
            option: options.instanceRegistryDir,
            uid: CurrentProcess.effectiveUID,
            environment: CurrentProcess.environment
        )
        let registry = Registry(place: place, logger: logger)
        try registry.prepare()
        return try registry.locked { () throws(StartProblem) in
            registry.removeLeftovers(sweep: sweep)
            return try self.makeDirectory(in: place.path, options)
        }
    }

    private static func makeDirectory(
        in registry: String,
        _ options: ProcessOptions
    ) throws(StartProblem) -> InstanceDirectory.Held {
        do {
            let instance = try InstanceDirectory.create(in: registry)
            try instance.directory.publish(self.record(of: instance.directory, options))
            return instance
        } catch {
            throw StartProblem("Cannot make an instance directory in \(registry): \(error).")
        }
    }

    private static func record(of directory: InstanceDirectory, _ options: ProcessOptions) -> InstanceRecord {
        InstanceRecord(
            name: directory.name,
            pid: CurrentProcess.pid,
            processStartTime: ProcInfo(pid: CurrentProcess.pid)?.startTime ?? 0,
            uid: CurrentProcess.effectiveUID,
            version: Product.version,
            socketPath: options.socketFile,
            startedAt: WallClock.microseconds
        )
    }
}
