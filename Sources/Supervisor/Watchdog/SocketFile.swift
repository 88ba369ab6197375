// SPDX-License-Identifier: MIT

import LinuxSystem

/// The socket that fronts connect to, with the lock beside it.
///
/// The lock tells two daemons on one path apart, whatever state the socket file is in. Both files are removed at the
/// end, the socket only if it is still the one that was made here.
struct SocketFile: ~Copyable {
    /// How long a core whose watchdog has died may take to let go of the socket.
    private static let patience = Duration.seconds(5)

    private let lock: FileLock
    private let listener: UnixListener

    /// For handing it to the core.
    var descriptor: Int32 { self.listener.rawValue }

    static func open(_ options: ProcessOptions, users: DaemonUsers) throws(StartProblem) -> SocketFile {
        let path = options.socketFile
        guard path.utf8.count <= UnixSocket.maxPathLength else {
            throw StartProblem(
                "The socket path is \(path.utf8.count) bytes long; a Unix socket's path can have "
                    + "\(UnixSocket.maxPathLength) at most: \(path)"
            )
        }
        try SocketDirectory.make(for: path)
        let lock = try self.lock(path)
        try self.refuseIfSomebodyListens(path)
        do throws(SystemError) {
            let listener = try UnixListener.bind(
                path: path,
                mode: options.socketMode,
                owner: users.socketUID,
                group: users.socketGID,
                backlog: Int32(options.socketBacklog)
            )
            return SocketFile(lock: lock, listener: listener)
        } catch {
            lock.removeAndRelease()
            throw self.problem(error, path: path)
        }
    }

    private init(lock: consuming FileLock, listener: consuming UnixListener) {
        self.lock = lock
        self.listener = listener
    }

    /// Removes both files.
    consuming func remove() {
        self.listener.unlinkIfOwn()
        self.lock.removeAndRelease()
    }

    private static func lock(_ path: String) throws(StartProblem) -> FileLock {
        let lockPath = path + ".lock"
        do throws(SystemError) {
            let lock = try FileLock.acquire(lockPath)
            try lock.write("\(CurrentProcess.pid)\n")
            return lock
        } catch  where error.isWouldBlock {
            let holder = FileLock.content(of: lockPath).flatMap { self.pid($0) }
            throw self.inUse(path, pid: holder)
        } catch {
            throw StartProblem("Cannot create the socket \(path): \(self.remedy(for: error, path: path))")
        }
    }

    /// Why no file can be made beside the socket, and what to do.
    private static func remedy(for error: SystemError, path: String) -> String {
        let directory = SocketDirectory.directory(of: path)
        if error.isNotFound {
            return "the directory \(directory) does not exist. Create it, or choose another --socket-file."
        }
        if error.isPermissionDenied {
            return "uid \(CurrentProcess.effectiveUID) may not write in \(directory). "
                + "Start the daemon as a user who may, or choose another --socket-file."
        }
        return "\(error.reason) (\(error.call) of \(path).lock)."
    }

    /// A socket that answers although nobody holds the lock belongs to another program, or to a core that is about to end.
    private static func refuseIfSomebodyListens(_ path: String) throws(StartProblem) {
        let deadline = MonotonicClock.now + UInt64(self.patience.wholeNanoseconds)
        while let pid = self.listenerPID(path) {
            guard MonotonicClock.now < deadline else { throw self.inUse(path, pid: pid == 0 ? nil : pid) }
            Pause.wait(.milliseconds(50))
        }
    }

    /// 0 when somebody listens who cannot be told; nil when nobody does.
    private static func listenerPID(_ path: String) -> Int32? {
        do throws(SystemError) {
            let connection = try UnixSocket.connect(path: path, nonBlocking: true)
            return try UnixSocket.peerCredentials(connection.rawValue).pid
        } catch  where error.isWouldBlock {
            // A full backlog is somebody's.
            return 0
        } catch {
            return nil
        }
    }

    static func pid(_ text: String) -> Int32? {
        Int32(text.prefix { $0 != "\n" })
    }

    private static func inUse(_ path: String, pid: Int32?) -> StartProblem {
        let who = pid.map { "Another Flying Passenger daemon (PID \($0))" } ?? "Another daemon"
        return StartProblem(
            "\(who) is already using the socket \(path). Stop it first, or choose another --socket-file."
        )
    }

    private static func problem(_ error: SystemError, path: String) -> StartProblem {
        if error.call == "bind", error.isAlreadyExists {
            return StartProblem(
                "Cannot listen on \(path): there is a file of that name which is no socket. "
                    + "Remove it, or choose another --socket-file."
            )
        }
        let hint =
            error.call == "chown"
            ? " Without root rights the socket's group must be one of the daemon's; see --socket-user and --socket-group."
            : ""
        return StartProblem("Cannot listen on \(path): \(error.reason) (\(error.call)).\(hint)")
    }
}
