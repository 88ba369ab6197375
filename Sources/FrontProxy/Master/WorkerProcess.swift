// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import ProgramLog
import Synchronization

/// A worker process as the master holds it: launched, talked to and waited for on a thread of its own; another one writes what it
/// has for access logs.
final class WorkerProcess: Sendable {
    enum Event: Sendable {
        case launched(pid: Int32)
        case ready
        /// It says why it cannot start.
        case failed(String)
        /// It does what no worker does, and is killed.
        case brokeRules(String)
        /// The process is gone, or there never was one.
        case ended(String)
    }

    /// Where the lines of a worker go.
    struct Logs: Sendable {
        let errors: LogOutput
        let access: AccessLogFiles
    }

    private let process = Mutex<ProcessHandle?>(nil)
    private let outbox: WorkerOutbox

    private init() throws(SystemError) {
        outbox = try WorkerOutbox()
    }

    /// Starts a worker; `event` is called on threads of the worker's, the last time with `ended`.
    static func launch(
        _ plan: WorkerLaunch,
        launcher: Launcher,
        logs: Logs,
        event: @escaping @Sendable (Event) -> Void
    ) throws(SystemError) -> WorkerProcess {
        let worker = try WorkerProcess()
        let start = WorkerStart(plan, try WorkerLaunch.makeEnds())
        try OSThread.startDetached(name: "worker") { event(.ended(worker.run(start, launcher, logs, event))) }
        return worker
    }

    /// Sends an order, without waiting for the worker.
    func send(_ frame: ControlFrame) { outbox.add(frame) }

    func kill() {
        // It may have ended just now.
        _ = try? process.withLock { try $0?.signal(.kill) }
    }

    /// Lives as long as the process; returns how it ended.
    private func run(
        _ start: WorkerStart,
        _ launcher: Launcher,
        _ logs: Logs,
        _ event: @escaping @Sendable (Event) -> Void
    ) -> String {
        let launched: LaunchedProcess
        do throws(LaunchFailure) {
            launched = try start.launch(launcher)
        } catch {
            return "it could not be started: \(error)"
        }
        process.withLock { $0 = launched.handle }
        event(.launched(pid: launched.pid))
        let heard: @Sendable (Event) -> Void = { news in
            event(news)
            if case .brokeRules = news { self.kill() }
        }
        do throws(SystemError) {
            let receiver = try AccessLogReceiver.start(start.ends.accessLog, logs.access) { heard(.brokeRules($0)) }
            // Lines that are on their way are written before anybody hears of the end.
            defer { receiver.waitForEnd(within: .seconds(1)) }
            let link = WorkerLink(launched.handle, start.ends, outbox: outbox, log: logs.errors, event: heard)
            if let plan = start.takePlan() {
                let bootstrap = ControlFrame(kind: .bootstrap, payload: plan.bootstrap.encoded())
                try link.run(bootstrap, descriptors: plan.descriptors)
            }
            return try launched.handle.waitForExit().description
        } catch {
            // Out of memory or threads: a worker that nobody listens to is worse than none.
            event(.failed("it cannot be looked after: \(error)"))
            kill()
            return (try? launched.handle.waitForExit().description) ?? "\(error)"
        }
    }
}

/// What a worker is started with, and the ends of its channels, for the thread that starts it.
///
/// Each part is let go as soon as the worker has it. What stayed here would be open in the master for as long as the worker
/// lives.
private final class WorkerStart: Sendable {
    let ends: WorkerLaunch.MasterEnds
    private let plan: Mutex<WorkerLaunch?>
    private let workerEnds: Mutex<WorkerLaunch.WorkerEnds?>

    init(_ plan: WorkerLaunch, _ ends: (master: WorkerLaunch.MasterEnds, worker: WorkerLaunch.WorkerEnds)) {
        self.plan = Mutex(plan)
        self.ends = ends.master
        workerEnds = Mutex(ends.worker)
    }

    func launch(_ launcher: Launcher) throws(LaunchFailure) -> LaunchedProcess {
        guard let plan = plan.withLock({ $0 }), let ends = workerEnds.withLock({ $0.take() }) else {
            throw LaunchFailure(step: .plan, code: 0, subject: "")
        }
        return try launcher.launch(plan.launchPlan(ends))
    }

    func takePlan() -> WorkerLaunch? { plan.withLock { $0.take() } }
}
