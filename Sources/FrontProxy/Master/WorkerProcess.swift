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

    private let process = Mutex<ProcessHandle?>(nil)
    private let channel: ControlChannel

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
        let end = SharedEnd(other)
        try OSThread.startDetached(name: "worker") { event(.ended(worker.run(plan, launcher, end, event))) }
        return worker
    }

    /// Sends an order; an error means that the process is about to end, which is reported as such.
    func send(_ frame: ControlFrame, descriptors: [Int32] = []) {
        try? channel.send(frame, descriptors: descriptors)
    }

    func kill() {
        // It may have ended just now.
        _ = try? process.withLock { try $0?.signal(.kill) }
    }

    /// Lives as long as the process; returns how it ended.
    private func run(
        _ plan: WorkerLaunch,
        _ launcher: Launcher,
        _ end: SharedEnd,
        _ event: (Event) -> Void
    ) -> String {
        let launched: LaunchedProcess
        do throws(LaunchFailure) {
            launched = try launcher.launch(plan.launchPlan(channel: end.rawValue))
        } catch {
            return "it could not be started: \(error)"
        }
        end.close()
        process.withLock { $0 = launched.handle }
        event(.launched(pid: launched.pid))
        let bootstrap = ControlFrame(kind: .bootstrap, payload: plan.bootstrap.encoded())
        do throws(SystemError) {
            try channel.send(bootstrap, descriptors: plan.descriptors.map(\.rawValue))
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
}

/// The worker's end of the channel, closed in the master once the worker has it.
private final class SharedEnd: Sendable {
    let rawValue: Int32
    private let end: Mutex<SharedDescriptor?>

    init(_ descriptor: consuming Descriptor) {
        rawValue = descriptor.rawValue
        end = Mutex(SharedDescriptor(descriptor))
    }

    func close() { end.withLock { $0 = nil } }
}

/// What a worker is started with.
struct WorkerLaunch: Sendable {
    let bootstrap: WorkerBootstrap
    /// Listeners, then access logs; kept open until they were sent.
    let descriptors: [SharedDescriptor]
    let account: WorkerAccount
    /// The program file of the master itself, so that an upgrade on disk does not mix versions.
    let program: SharedDescriptor
    let errorLog: SharedDescriptor
    let nullDevice: SharedDescriptor

    /// Variables of the master that a worker keeps.
    private static let keptVariables = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"]

    func launchPlan(channel: Int32) -> LaunchPlan {
        var plan = LaunchPlan(
            program: .open(program.rawValue),
            arguments: ["front-proxy", WorkerProgram.flag],
            environment: Self.keptVariables.compactMap { name in
                CurrentProcess.environment(name).map { (name, $0) }
            },
            identity: account.identity,
            workingDirectory: .path("/"),
            descriptors: [
                .init(source: nullDevice.rawValue, target: 0), .init(source: errorLog.rawValue, target: 1),
                .init(source: errorLog.rawValue, target: 2),
                .init(source: channel, target: WorkerProgram.channelDescriptor),
            ],
            umask: 0o077
        )
        plan.noNewPrivileges = true
        return plan
    }
}
