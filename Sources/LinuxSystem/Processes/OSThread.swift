// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A thread of the operating system, for work that waits in system calls.
package final class OSThread: Sendable {
    private let thread: pthread_t

    private init(_ thread: pthread_t) { self.thread = thread }

    /// Starts a thread with all signals blocked.
    ///
    /// The name is cut to 15 bytes.
    package static func start(
        name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> OSThread {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { runThread($0) }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError(call: "pthread_create", code: code, subject: name)
        }
        return OSThread(thread)
    }

    /// Starts a thread, like ``start(name:_:)``, whose end nobody waits for: what it used is freed then.
    package static func startDetached(
        name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        pthread_detach(try self.start(name: name, body).thread)
    }

    /// Waits for its end; exactly once, or its stack is kept as long as the process lives.
    package func join() { pthread_join(thread, nil) }

    /// Which thread of this process it is; another one may be the same once it has ended.
    package struct Identity: Equatable, Sendable {
        private let thread: pthread_t

        /// The calling thread; costs no system call.
        package static var current: Identity { Identity(thread: pthread_self()) }
    }

    /// Number of the calling thread in /proc/self/task.
    package static var currentID: Int { fp_thread_id() }
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    fp_block_all_signals()
    fp_name_thread(start.name)
    start.body()
    return nil
}
