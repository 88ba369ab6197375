// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// Units that systemd makes for us while it runs (org.freedesktop.systemd1(5)), for limits where the tree of control groups
/// is its own.
package enum TransientScope {
    /// Of all processes in a slice together; nil: no limit.
    package struct Limits: Hashable, Sendable {
        package let memory: UInt64?
        /// From here on processes are slowed down, and memory is taken back.
        package let memoryHigh: UInt64?
        package let swap: UInt64?
        /// Processes and threads.
        package let tasks: UInt64?

        package init(memory: UInt64?, memoryHigh: UInt64?, swap: UInt64?, tasks: UInt64?) {
            self.memory = memory
            self.memoryHigh = memoryHigh
            self.swap = swap
            self.tasks = tasks
        }
    }

    /// Why systemd did not do what it was asked for.
    package struct Failure: Error, CustomStringConvertible {
        package let code: Int32
        /// In the words of systemd; empty if it has not said any.
        package let reason: String

        package var description: String {
            let error = SystemError.reason(forCode: code)
            return reason.isEmpty ? "systemd: \(error)" : "systemd: \(error) (\(reason))"
        }
    }

    /// Puts a process into a new scope below a slice, which gets these limits; it is in there when this returns.
    ///
    /// Blocks as long as systemd needs, a few milliseconds usually, ten seconds for each of three questions at most.
    package static func start(
        _ scope: String,
        below slice: String,
        limits: Limits,
        holding pid: Int32
    ) throws(Failure) {
        var numbers = fp_slice_limits(
            memory_max: limits.memory ?? .max,
            memory_high: limits.memoryHigh ?? .max,
            memory_swap_max: limits.swap ?? .max,
            tasks_max: limits.tasks ?? .max
        )
        var reason = [CChar](repeating: 0, count: 256)
        let result = fp_start_scope(pid, scope, slice, &numbers, &reason, reason.count)
        guard result < 0 else { return }
        let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        throw Failure(code: -result, reason: String(decoding: bytes, as: UTF8.self))
    }

    /// Stops a slice with all its scopes; that it is not there is as good.
    package static func stop(slice: String) { _ = fp_stop_unit(slice) }
}
