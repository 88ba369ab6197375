// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Which signals are held back.
package enum SignalMask {
    /// Blocks all signals but those of the program's own faults, in this thread and those it starts later.
    ///
    /// The first thing a `main` does: signals then arrive only where a `SignalStream` reads them.
    package static func blockAll() { fp_block_all_signals() }

    /// Writing to a closed socket is an error, not the end of the process.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

/// Signals of this process, handed one by one to a closure on a thread of its own (signalfd(2)).
///
/// The signals must be blocked in every thread. Several arrivals of one signal may be merged into one call.
package final class SignalStream: Sendable {
    private let wakeUp: SharedWakeUp
    private let thread: OSThread

    package init(_ signals: [Signal], _ handler: @escaping @Sendable (Signal) -> Void) throws(SystemError) {
        let set = signals.map(\.rawValue)
        let descriptor = SharedDescriptor(
            Descriptor(owning: try checked("signalfd") { fp_signal_descriptor(set, set.count) })
        )
        let wakeUp = SharedWakeUp(try WakeUp())
        self.wakeUp = wakeUp
        self.thread = try OSThread.start(name: "signals") {
            SignalStream.run(descriptor, wakeUp, handler)
        }
    }

    /// Ends the thread; the handler is not called again once this returns.
    ///
    /// Not from within the handler.
    package func stop() {
        wakeUp.wakeUp.wake()
        thread.join()
    }

    private static func run(
        _ descriptor: SharedDescriptor,
        _ wakeUp: SharedWakeUp,
        _ handler: @Sendable (Signal) -> Void
    ) {
        var info = signalfd_siginfo()
        while true {
            let wanted = [(descriptor.rawValue, Poll.Readiness.readable), (wakeUp.wakeUp.rawValue, .readable)]
            // poll fails only for lack of memory: try again.
            guard let ready = try? Poll.wait(wanted, timeout: nil) else { continue }
            if ready[1] != [] { return }
            let size = MemoryLayout<signalfd_siginfo>.size
            guard Glibc.read(descriptor.rawValue, &info, size) == size else { continue }
            handler(Signal(rawValue: Int32(bitPattern: info.ssi_signo)))
        }
    }
}

private final class SharedWakeUp: Sendable {
    let wakeUp: WakeUp
    init(_ wakeUp: consuming WakeUp) { self.wakeUp = wakeUp }
}
