// SPDX-License-Identifier: MIT

/// A thread with an ``EpollLoop``.
///
/// It is told what to do through a `Mailbox` that its loop listens to; to stop is one of the messages.
package final class EpollThread: Sendable {
    /// What sets the thread up, on the thread itself.
    package typealias SetUp = @Sendable (EpollLoop) throws(SystemError) -> Void

    private let thread: OSThread

    private init(_ thread: OSThread) { self.thread = thread }

    /// Returns once the thread waits for events, or `setUp` has failed.
    ///
    /// `failed` is called on the thread when it cannot wait any more; it ends when that returns.
    package static func start(
        name: String,
        failed: @escaping @Sendable (SystemError) -> Void,
        _ setUp: @escaping SetUp
    ) throws(SystemError) -> EpollThread {
        let outcome = try Mailbox<SystemError?>()
        let thread = try OSThread.start(name: name) { run(outcome, failed, setUp) }
        if let error = try wait(for: outcome) {
            thread.join()
            throw error
        }
        return EpollThread(thread)
    }

    /// Like ``start(name:failed:_:)``, for a thread whose end nobody waits for.
    package static func startDetached(
        name: String,
        failed: @escaping @Sendable (SystemError) -> Void,
        _ setUp: @escaping SetUp
    ) throws(SystemError) {
        let outcome = try Mailbox<SystemError?>()
        try OSThread.startDetached(name: name) { run(outcome, failed, setUp) }
        if let error = try wait(for: outcome) { throw error }
    }

    /// Waits for the end of its loop; exactly once.
    package func join() { thread.join() }

    private static func run(
        _ outcome: Mailbox<SystemError?>,
        _ failed: @Sendable (SystemError) -> Void,
        _ setUp: SetUp
    ) {
        let loop: EpollLoop
        do {
            loop = try EpollLoop()
            try setUp(loop)
        } catch {
            outcome.post(error)
            return
        }
        outcome.post(nil)
        defer { loop.removeAll() }
        do {
            try loop.run()
        } catch {
            failed(error)
        }
    }

    private static func wait(for outcome: Mailbox<SystemError?>) throws(SystemError) -> SystemError? {
        while true {
            _ = try Poll.wait(outcome.descriptor, for: .readable, timeout: nil)
            if let first = outcome.takeAll().first { return first }
        }
    }
}
