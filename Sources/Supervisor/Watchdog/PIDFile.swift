// SPDX-License-Identifier: MIT

import LinuxSystem

/// The file with the PID of the main process; locked while the daemon lives, removed at its end.
struct PIDFile: ~Copyable {
    private let lock: FileLock

    static func open(_ path: String) throws(StartProblem) -> PIDFile {
        do throws(SystemError) {
            let lock = try FileLock.acquire(path, mode: 0o644)
            try lock.write("\(CurrentProcess.pid)\n")
            return PIDFile(lock: lock)
        } catch  where error.isWouldBlock {
            let holder = FileLock.content(of: path).flatMap { SocketFile.pid($0) }.map { " (PID \($0))" } ?? ""
            throw StartProblem("The PID file \(path) is in use by another daemon\(holder).")
        } catch {
            throw StartProblem("Cannot write the PID file \(path): \(error.reason).")
        }
    }

    private init(lock: consuming FileLock) {
        self.lock = lock
    }

    consuming func remove() {
        self.lock.removeAndRelease()
    }
}
