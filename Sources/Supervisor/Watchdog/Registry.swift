// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import WireProtocol

/// The directory that holds the instance directories of all daemons of a user.
struct Registry {
    let place: InstanceRegistry.Place
    let logger: Logger

    /// Bytes below the registry of the longest socket path: `/passenger.Ab3dE5g/apps/0123456789abcdef.sock`.
    private static let longestSocketName = 45

    /// Makes the directory if it is missing, and refuses one that somebody else could fill.
    func prepare() throws(StartProblem) {
        let limit = UnixSocket.maxPathLength - Self.longestSocketName
        guard self.place.path.utf8.count <= limit else {
            throw StartProblem(
                "The path of the instance registry directory is \(self.place.path.utf8.count) bytes long; sockets in it "
                    + "allow \(limit) at most: \(self.place.path)"
            )
        }
        let status: FileStatus
        do throws(SystemError) {
            try Files.makeDirectories(self.place.path, mode: 0o755)
            status = try FileStatus(path: self.place.path, followingLinks: self.place.owner == nil)
        } catch {
            throw StartProblem(
                "Cannot use the instance registry directory \(self.place.path): \(error.reason). "
                    + "Name another with --instance-registry-dir."
            )
        }
        try self.check(status)
    }

    private func check(_ status: FileStatus) throws(StartProblem) {
        guard status.kind == .directory else {
            throw StartProblem("The instance registry directory \(self.place.path) is no directory.")
        }
        guard let owner = self.place.owner else { return }
        guard status.owner == owner, !status.isWritableByOthers, !status.isWritableByGroup else {
            throw StartProblem(
                "The instance registry directory \(self.place.path) belongs to uid \(status.owner) and has mode "
                    + "\(String(status.mode, radix: 8)); it must belong to uid \(owner) and be writable by nobody else. "
                    + "Remove it, or name another with --instance-registry-dir."
            )
        }
    }

    /// Removes what daemons left behind that could not clean up; `sweep` ends their processes first.
    ///
    /// A daemon that is just starting is kept apart by the lock of the registry.
    func removeLeftovers(sweep: (InstanceDirectory) -> Void) {
        // What cannot be listed or looked at cannot be cleaned up either.
        for name in (try? Files.list(self.place.path)) ?? [] where name.hasPrefix(InstanceRecord.directoryPrefix) {
            let directory = InstanceDirectory(path: self.place.path + "/" + name)
            guard let status = try? FileStatus(path: directory.path, followingLinks: false),
                status.kind == .directory, status.owner == CurrentProcess.effectiveUID
            else { continue }
            self.removeIfDead(directory, sweep: sweep)
        }
    }

    private func removeIfDead(_ directory: InstanceDirectory, sweep: (InstanceDirectory) -> Void) {
        do throws(SystemError) {
            // Whoever gets the lock knows that its daemon is gone.
            let lock = try FileLock.acquire(directory.lockPath)
            self.logger.notice(
                "removing what a daemon left behind",
                metadata: [LogKeys.path: "\(directory.path)"]
            )
            sweep(directory)
            InstanceGroup.find(for: directory)?.remove()
            try Files.removeTree(directory.path)
            lock.removeAndRelease()
        } catch  where error.isWouldBlock {
            return
        } catch {
            self.logger.warning(
                "cannot remove what a daemon left behind",
                metadata: [LogKeys.path: "\(directory.path)", LogKeys.error: "\(error)"]
            )
        }
    }

    /// Keeps other daemons of this registry from creating or sweeping meanwhile.
    func locked<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let lock = self.acquireLock()
        do {
            let result = try body()
            lock?.removeAndRelease()
            return result
        } catch {
            lock?.removeAndRelease()
            throw error
        }
    }

    private func acquireLock() -> FileLock? {
        let path = self.place.path + "/.lock"
        for _ in 0..<100 {
            do throws(SystemError) {
                return try FileLock.acquire(path)
            } catch  where error.isWouldBlock {
                // Another daemon is starting: it holds the lock for milliseconds.
                Pause.wait(.milliseconds(50))
            } catch {
                // A registry shared with other users: nothing of theirs is swept, so nothing is lost.
                return nil
            }
        }
        return nil
    }
}
