// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// Keeps the threads of this program from waiting for sockets that somebody else lets linger (`SO_LINGER`, socket(7)).
///
/// Where descriptors cannot be refused (``DescriptorPassing/refuse(on:)``), whoever writes to a Unix socket of ours can send a
/// TCP socket with the bytes. The thread that reads them closes it, and would wait for as long as the sender likes; or until a
/// signal comes. A thread of its own looks where the others wait, and sends it.
package enum LingerGuard {
    private static let interval = Duration.milliseconds(100)
    /// For a while after it found one: who sends one sends more.
    private static let alertInterval = Duration.milliseconds(2)
    private static let alertTime: UInt64 = 10_000_000_000
    /// The functions of the kernel that a thread is in then (/proc/PID/wchan), by its version.
    ///
    /// Others that wait there are interrupted in vain, and go on.
    private static let places: Set<String> = ["wait_woken", "sk_stream_wait_close", "__tcp_close", "tcp_close"]

    /// Does nothing where descriptors can be refused.
    ///
    /// Threads that block all signals must have done so by `OSThread` or `SignalStream`.
    package static func startIfNeeded() throws(SystemError) {
        let pair = try SocketPair.make()
        if !DescriptorPassing.refuse(on: pair.firstEnd) { try start() }
    }

    static func start() throws(SystemError) {
        _ = try checked("sigaction") { fp_prepare_interrupting() }
        try OSThread.startDetached(name: "linger-guard") {
            var alertUntil: UInt64 = 0
            while true {
                let now = MonotonicClock.now
                if interruptAll() { alertUntil = now + alertTime }
                // However many threads there are, the look takes a tenth of a processor at most.
                let taken = Duration.nanoseconds(Int64(clamping: MonotonicClock.now - now))
                let pause = max(now < alertUntil ? alertInterval : interval, taken * 9)
                // Fails for lack of memory only: the next look comes at once then.
                _ = try? Poll.wait([], timeout: pause)
            }
        }
    }

    /// True if one waited.
    private static func interruptAll() -> Bool {
        let tasks = "/proc/self/task"
        var found = false
        // A thread may end while it is looked at.
        for thread in (try? Files.list(tasks)) ?? [] {
            guard let number = Int32(thread), let bytes = try? Files.read("\(tasks)/\(thread)/wchan", limit: 128),
                places.contains(String(decoding: bytes, as: UTF8.self))
            else { continue }
            found = fp_interrupt_thread(number) == 0 || found
        }
        return found
    }
}
