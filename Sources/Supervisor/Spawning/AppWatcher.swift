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

    enum Order: Sendable {
        case watch(StartingProcess, @Sendable (AppEvent) -> Void)
        case terminate(ProcessID)
        case kill(ProcessID)
        case beginOutOfBandWork(ProcessID)
        /// Calls the closure on the watcher's thread.
        case lend(ProcessID, @Sendable (OrderChannel?) -> Void)
        case stop
    }

    private let orders: Mailbox<Order>
    private let thread = Mutex<EpollThread?>(nil)

    private init() throws(SystemError) { self.orders = try Mailbox() }

    package static func start(output: @escaping OutputSink) throws(SystemError) -> AppWatcher {
        let watcher = try AppWatcher()
        let thread = try EpollThread.start(name: "apps", failed: CoreFailure.handler(.watcher)) {
            loop throws(SystemError) in
            _ = try AppWatchLoop(loop, watcher.orders, output)
        }
        watcher.thread.withLock { $0 = thread }
        return watcher
    }

    /// Ends what is left, and the thread once all of it was collected; for the end of the program, and for tests.
    ///
    /// Nobody else collects these: what the core inherits is looked for behind them.
    package func stop() {
        self.order(.stop)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    func order(_ order: Order) { self.orders.post(order) }
}

/// The way to a process that serves, for as long as somebody has an order for it.
struct OrderChannel: Sendable {
    let handle: ProcessHandle
    let control: SharedDescriptor
}

/// What the watcher tells about a process; each process ends with `failed` or `ended`, never both.
enum AppEvent: Sendable {
    /// It serves; the facts are complete now.
    case ready(AppProcessFacts, StartContext)
    /// Before it was ready; it is being ended.
    case failed(SpawnFailure)
    /// On its control channel, while it serves.
    case said(ServiceMessages.Message)
    /// After it was ready.
    case ended(ExitStatus?, limit: ReachedLimit?, wasExpected: Bool, lastOutput: String)
}
