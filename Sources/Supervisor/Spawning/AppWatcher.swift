// SPDX-License-Identifier: MIT

package import LinuxSystem
import SpawnPlan
import Synchronization
import WireProtocol

/// The thread that listens to app processes: their end (pidfd), their output, their control channels.
///
/// It also has the clock of those that are starting, and never waits for any of them.
package final class AppWatcher: Sendable {
    /// Takes one line of an app's output; called on the watcher's thread, and must not block for long.
    package typealias OutputSink = @Sendable (_ app: String, _ pid: Int32, _ line: [UInt8]) -> Void

    enum Command: Sendable {
        case adopt(LaunchedApp, @Sendable (AppEvent) -> Void)
        case terminate(ProcessID)
        case kill(ProcessID)
        case stop
    }

    private let commands = Mutex<[Command]>([])
    private let wakeUp: WakeUp
    private let thread = Mutex<OSThread?>(nil)

    private init() throws(SystemError) { self.wakeUp = try WakeUp() }

    package static func start(output: @escaping OutputSink) throws(SystemError) -> AppWatcher {
        let watcher = try AppWatcher()
        let epoll = try Epoll()
        try epoll.add(watcher.wakeUp.rawValue, for: .readable, token: AppWatchLoop.wakeToken)
        let shared = WatchEpoll(epoll)
        let thread = try OSThread.start(name: "apps") { AppWatchLoop(shared, watcher, output).run() }
        watcher.thread.withLock { $0 = thread }
        return watcher
    }

    /// Ends the thread without ending any process; for the end of the program, and for tests.
    package func stop() {
        self.post(.stop)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    func post(_ command: Command) {
        self.commands.withLock { $0.append(command) }
        self.wakeUp.wake()
    }

    func takeCommands() -> [Command] {
        self.wakeUp.clear()
        return self.commands.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }
}

/// What the watcher tells about a process; each process ends with `failed` or `ended`, never both.
enum AppEvent: Sendable {
    case ready(concurrency: Int, readsFramedBodies: Bool, address: AppAddress, start: StartRecord)
    /// Before it was ready; its process group has been killed.
    case failed(StartFailure)
    /// After it was ready.
    case ended(ExitStatus?, wasExpected: Bool, lastOutput: String)
}

struct StartFailure: Sendable {
    let failure: Handshake.Failure
    let journey: Journey
    let output: String
    let program: SpawnFailure.Program
    let limits: [SpawnFailure.ReportedLimit]
    /// Somebody else took the port: another one may work.
    let mayTryAnotherPort: Bool
}

final class WatchEpoll: Sendable {
    let epoll: Epoll

    init(_ epoll: consuming Epoll) { self.epoll = epoll }
}
