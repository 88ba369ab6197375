// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText

/// The file with the PID of the main process; locked while the daemon lives, removed at its end.
struct PIDFile: ~Copyable {
    private let lock: FileLock

    static func open(_ path: String) throws(StartProblem) -> PIDFile {
        do throws(SinkProblem) {
            let lock = try FileLock.acquirePIDFile(path)
            try self.write("\(CurrentProcess.pid)\n", to: lock)
            return PIDFile(lock: lock)
        } catch {
            throw self.startProblem(error, path)
        }
    }

    /// What would keep this process from writing one there; nil: nothing.
    static func problem(at path: String) -> SinkProblem? { FileLock.problem(ofPIDFile: path) }

    private init(lock: consuming FileLock) {
        self.lock = lock
    }

    consuming func remove() {
        self.lock.removeAndRelease()
    }

    private static func write(_ text: String, to lock: borrowing FileLock) throws(SinkProblem) {
        do throws(SystemError) {
            try lock.write(text)
        } catch {
            throw .system(error)
        }
    }

    private static func startProblem(_ problem: SinkProblem, _ path: String) -> StartProblem {
        switch problem {
        case .system(let error) where error.isWouldBlock:
            let holder = FileLock.content(of: path).flatMap { SocketFile.pid($0) }.map { " (PID \($0))" } ?? ""
            return StartProblem("The PID file \(path) is in use by another daemon\(holder).")
        case .system(let error) where error.isAlreadyExists:
            return StartProblem(
                "Cannot write the PID file \(path): there is something that is not a file of this user's."
            )
        case .system, .unsafe:
            let remedies = problem.remedies.map(\.description)
            let first = "Cannot write the PID file \(path): \(problem.reason)."
            return StartProblem(([first] + remedies).joined(separator: "\n  "))
        }
    }
}
