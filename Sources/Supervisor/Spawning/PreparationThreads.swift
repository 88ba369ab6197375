// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import Synchronization

/// A thread for each spawn that is being prepared.
///
/// A file system that does not answer holds a thread for as long as it likes. With a fixed number of threads a few such
/// app roots would keep all others from starting; here they hold none but their own, and once one of them hangs the next
/// start of the same app root is refused.
package final class PreparationThreads: Sendable {
    enum Answer {
        case started
        case refused(SpawnFailure.Cause)
    }

    /// Hanging threads cost memory; so many app roots do not hang without bigger trouble.
    private static let maxCount = 512

    private struct Running {
        /// When the threads of an app root were started.
        var roots: [ExactText: [UInt64: UInt64]] = [:]
        var count = 0
        var lastNumber: UInt64 = 0
    }

    private let running = Mutex(Running())
    private let hangsAfter: UInt64

    /// Preparing takes a millisecond, with a slow account database a few seconds.
    package init(hangsAfter: Duration = .seconds(15)) {
        self.hangsAfter = UInt64(max(0, hangsAfter.wholeNanoseconds))
    }

    /// Runs `body` on a thread of its own; may be called from any thread.
    func run(appRoot: String, _ body: @escaping @Sendable () -> Void) -> Answer {
        let number: UInt64
        switch self.running.withLock({ self.enter(appRoot, in: &$0, at: MonotonicClock.now) }) {
        case .success(let entered): number = entered
        case .failure(let cause): return .refused(cause)
        }
        do throws(SystemError) {
            try OSThread.startDetached(name: "spawn") {
                body()
                self.leave(appRoot, number)
            }
            return .started
        } catch {
            self.leave(appRoot, number)
            return .refused(SpawnFailure.Cause(error, doing: "the process could not be started"))
        }
    }

    private func enter(
        _ appRoot: String,
        in running: inout Running,
        at now: UInt64
    ) -> Result<UInt64, SpawnFailure.Cause> {
        if let oldest = running.roots[ExactText(appRoot)]?.values.min(), now > oldest + self.hangsAfter {
            let timeout = StartTimeout(limit: .zero, appRoot: appRoot)
            let summary =
                "the app root \(appRoot) could not be looked at: an earlier look has waited for "
                + "\((now - oldest) / 1_000_000_000) seconds for its file system or the account database"
            return .failure(SpawnFailure.Cause(.timeout, .timeout, summary, remedies: timeout.remedies(at: .prepare)))
        }
        guard running.count < Self.maxCount else {
            let summary = "\(Self.maxCount) starts wait for file systems or account databases that do not answer"
            return .failure(SpawnFailure.Cause(.operatingSystem, .resources, summary))
        }
        running.count += 1
        running.lastNumber += 1
        running.roots[ExactText(appRoot), default: [:]][running.lastNumber] = now
        return .success(running.lastNumber)
    }

    private func leave(_ appRoot: String, _ number: UInt64) {
        self.running.withLock { running in
            running.count -= 1
            running.roots[ExactText(appRoot)]?[number] = nil
            if running.roots[ExactText(appRoot)]?.isEmpty == true { running.roots[ExactText(appRoot)] = nil }
        }
    }
}
