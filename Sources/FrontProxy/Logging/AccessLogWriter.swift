// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOPosix
import Synchronization

/// Sends batches of access log lines to the master, which writes them, on a thread of its own: a slow disk never holds an event
/// loop.
///
/// What does not fit into the backlog is lost, counted and reported.
final class AccessLogWriter: Sendable {
    /// Bytes that may wait for the master, and so for the disk.
    private static let maxBacklog = 8 << 20

    private struct State {
        var waiting = 0
        var loss = AccessLogLoss()
    }

    let logCount: Int
    /// Blocks.
    private let pipe: SharedDescriptor?
    private let names: [String]
    private let state = Mutex(State())
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let logger: Logger

    /// `names` are the paths of the logs, in the order of the configuration; `pipe` may be nil if there are none.
    init(pipe: SharedDescriptor?, names: [String], logger: Logger) {
        self.pipe = pipe
        logCount = names.count
        self.names = names
        self.logger = logger
        thread.start()
    }

    /// From any event loop.
    func submit(_ lines: [UInt8], to log: Int) {
        let accepted = state.withLock { state in
            guard state.waiting + lines.count <= Self.maxBacklog else {
                let count = AccessLogFiles.lineCount(lines)
                state.loss.add(lines: count, log: log, reason: "the disk is too slow")
                return false
            }
            state.waiting += lines.count
            return true
        }
        if accepted { thread.submit { _ in self.send(lines, of: log) } }
    }

    /// Runs `body` on the writer's thread once everything that was submitted is sent.
    func whenWritten(_ body: @escaping @Sendable () -> Void) {
        thread.submit { _ in body() }
    }

    private func send(_ lines: [UInt8], of log: Int) {
        // Without the master nobody writes any more, and this worker is about to end.
        try? pipe?.descriptor.writeAll(AccessLogFrame.frames(lines, of: log))
        let now = Int64(clamping: MonotonicClock.now / 1_000_000)
        let report = state.withLock { state -> AccessLogLoss.Report? in
            state.waiting -= lines.count
            return state.loss.report(at: now)
        }
        if let report { report.log(logger, names: names) }
    }
}
