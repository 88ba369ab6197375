// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Synchronization

/// A worker process as the master holds it: launched, talked to and waited for on a thread of its own.
final class WorkerProcess: Sendable {
    enum Event: Sendable {
        case launched(pid: Int32)
        case ready
        /// It says why it cannot start.
        case failed(String)
        /// The process is gone, or there never was one.
        case ended(String)
    }

    private struct Order {
        let frame: ControlFrame
        let descriptors: [SharedDescriptor]
    }

    private let process = Mutex<ProcessHandle?>(nil)
    private let channel: ControlChannel
    /// Orders that came before the worker was told what it starts with, which has to be first; nil from then on.
    private let early = Mutex<[Order]?>([])

    private init(_ channel: ControlChannel) {
        self.channel = channel
    }

    /// Starts a worker; `event` is called on the worker's thread, the last time with `ended`.
    static func launch(
        _ plan: WorkerLaunch,
        launcher: Launcher,
        event: @escaping @Sendable (Event) -> Void
    ) throws(SystemError) -> WorkerProcess {
        var pair = try SocketPair.make()
        guard let own = pair.takeFirst(), let other = pair.takeSecond() else {
            throw SystemError(call: "socketpair", code: 0)
        }
        let worker = WorkerProcess(ControlChannel(own))
        let start = WorkerStart(plan, otherEnd: other)
        try OSThread.startDetached(name: "worker") { event(.ended(worker.run(start, launcher, event))) }
        return worker
    }

    /// Sends an order; an error means that the process is about to end, which is reported as such.
    func send(_ frame: ControlFrame, descriptors: [SharedDescriptor] = []) {
        let order = Order(frame: frame, descriptors: descriptors)
        early.withLock { early in
            if early == nil { send(order) } else { early?.append(order) }
        }
    }

    private func send(_ order: Order) {
        try? channel.send(order.frame, descriptors: order.descriptors.map(\.rawValue))
    }

    func kill() {
        // It may have ended just now.
        _ = try? process.withLock { try $0?.signal(.kill) }
    }

    /// Lives as long as the process; returns how it ended.
    private func run(_ start: WorkerStart, _ launcher: Launcher, _ event: (Event) -> Void) -> String {
        let launched: LaunchedProcess
        do throws(LaunchFailure) {
            launched = try start.launch(launcher)
        } catch {
            return "it could not be started: \(error)"
        }
        process.withLock { $0 = launched.handle }
        event(.launched(pid: launched.pid))
        do throws(SystemError) {
            try handOver(start.takePlan())
        } catch {
            event(.failed("it could not be told what to do: \(error)"))
            kill()
        }
        let reader = ControlReader(channel)
        while let frame = reader.next() {
            switch frame.kind {
            case .ready: event(.ready)
            case .failed: event(.failed(String(buffer: frame.payload)))
            case .descriptors, .bootstrap, .reopenLogs, .drain, .quit: break
            }
        }
        do throws(SystemError) {
            return try launched.handle.waitForExit().description
        } catch {
            return "\(error)"
        }
    }

    /// Tells the worker what it starts with, then what was ordered meanwhile.
    private func handOver(_ plan: WorkerLaunch?) throws(SystemError) {
        guard let plan else { return }
        let bootstrap = ControlFrame(kind: .bootstrap, payload: plan.bootstrap.encoded())
        try early.withLock { early throws(SystemError) in
            try channel.send(bootstrap, descriptors: plan.descriptors.map(\.rawValue))
            for order in early ?? [] { send(order) }
            early = nil
        }
    }
}

/// What a worker is started with and its end of the channel, for the thread that starts it.
///
/// Each part is let go as soon as the worker has it. What stayed here would be open in the master for as long as the worker
/// lives: a log that was moved away meanwhile, and an end of the channel that hides the worker's end.
private final class WorkerStart: Sendable {
    private let plan: Mutex<WorkerLaunch?>
    private let otherEnd: Mutex<SharedDescriptor?>

    init(_ plan: WorkerLaunch, otherEnd: consuming Descriptor) {
        self.plan = Mutex(plan)
        self.otherEnd = Mutex(SharedDescriptor(otherEnd))
    }

    func launch(_ launcher: Launcher) throws(LaunchFailure) -> LaunchedProcess {
        defer { otherEnd.withLock { $0 = nil } }
        guard let plan = plan.withLock({ $0 }), let channel = otherEnd.withLock({ $0 }) else {
            throw LaunchFailure(step: .plan, code: 0, subject: "")
        }
        return try launcher.launch(plan.launchPlan(channel: channel.rawValue))
    }

    func takePlan() -> WorkerLaunch? { plan.withLock { $0.take() } }
}

/// What a worker is started with.
struct WorkerLaunch: Sendable {
    let bootstrap: WorkerBootstrap
    /// Listeners, then access logs; kept open until they were sent.
    let descriptors: [SharedDescriptor]
    let account: WorkerAccount
    /// Limit on open files (`worker_rlimit_nofile`); nil: the master's.
    let openFiles: Int?
    /// The program file of the master itself, so that an upgrade on disk does not mix versions.
    let program: SharedDescriptor
    let errorLog: SharedDescriptor
    let nullDevice: SharedDescriptor

    /// Variables of the master that a worker keeps.
    private static let keptVariables = [
        "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "JOURNAL_STREAM", "FLYING_PASSENGER_WITHOUT",
    ]

    func launchPlan(channel: Int32) -> LaunchPlan {
        var plan = LaunchPlan(
            program: .open(program.rawValue),
            arguments: ["front-proxy", WorkerProgram.flag] + account.arguments,
            environment: Self.keptVariables.compactMap { name in
                CurrentProcess.environment(name).map { (name, $0) }
            },
            workingDirectory: .path("/"),
            descriptors: [
                .init(source: nullDevice.rawValue, target: 0), .init(source: errorLog.rawValue, target: 1),
                .init(source: errorLog.rawValue, target: 2),
                .init(source: channel, target: WorkerProgram.channelDescriptor),
            ],
            umask: 0o077
        )
        // The account is not in the plan: the worker gives up root itself, see WorkerProgram.
        plan.noNewPrivileges = true
        if let openFiles {
            let limit = UInt64(openFiles)
            plan.limits[.openFiles] = Limits.Limit(soft: limit, hard: limit)
        }
        return plan
    }
}
