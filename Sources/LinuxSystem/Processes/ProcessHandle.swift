// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A process by descriptor (pidfd_open(2)): signals and waits can never reach another one that got the same PID.
///
/// The descriptor becomes readable when the process ends. Safe from any thread.
package final class ProcessHandle: Sendable {
    package let pid: Int32
    private let descriptor: Descriptor
    /// Only for what the launcher has started; other handles leave the registry alone.
    private let registration: ChildRegistry.Registration?

    /// For epoll.
    package var rawValue: Int32 { descriptor.rawValue }

    /// Any process; waiting for its status works for children only.
    ///
    /// `ESRCH` when there is none.
    package convenience init(pid: Int32) throws(SystemError) {
        let number = try checked("pidfd_open", "process \(pid)") { fp_open_process(pid) }
        self.init(pid: pid, Descriptor(owning: number), nil)
    }

    /// A child that this program inherited, as a subreaper does: from now on nobody but its handle collects it.
    ///
    /// nil: it is no child of this process, it was collected already, or another handle has it.
    package static func adopting(pid: Int32) throws(SystemError) -> ProcessHandle? {
        // First: whatever becomes of the number afterwards, this is one process.
        let descriptor = Descriptor(owning: try checked("pidfd_open", "process \(pid)") { fp_open_process(pid) })
        let number = descriptor.rawValue
        let registration = ChildRegistry.adopting(pid) {
            var ended = fp_exit()
            return fp_wait_process(number, false, true, &ended) >= 0
        }
        guard let registration else { return nil }
        return ProcessHandle(pid: pid, descriptor, registration)
    }

    init(pid: Int32, _ descriptor: consuming Descriptor, _ registration: ChildRegistry.Registration?) {
        self.pid = pid
        self.descriptor = descriptor
        self.registration = registration
    }

    deinit {
        // A child nobody waits for any more may be collected by the reaper.
        if let registration { ChildRegistry.remove(pid, registration) }
    }

    /// False when the process has been waited for already.
    @discardableResult
    package func signal(_ signal: Signal) throws(SystemError) -> Bool {
        do {
            _ = try checked("pidfd_send_signal", "process \(pid)") {
                fp_signal_process(descriptor.rawValue, signal.rawValue)
            }
            return true
        } catch  where error.isNoSuchProcess {
            return false
        }
    }

    /// Collects the status of an ended child; `nil` while it runs.
    ///
    /// `ECHILD` when it is not a child or was collected before.
    package func collect() throws(SystemError) -> ExitStatus? { try wait(block: false, peek: false) }

    /// Waits for the end of a child and collects its status.
    package func waitForExit() throws(SystemError) -> ExitStatus {
        while true {
            if let status = try wait(block: true, peek: false) { return status }
        }
    }

    /// The status of an ended child, which stays to be collected; `nil` while it runs.
    package func peek() throws(SystemError) -> ExitStatus? { try wait(block: false, peek: true) }

    private func wait(block: Bool, peek: Bool) throws(SystemError) -> ExitStatus? {
        var ended = fp_exit()
        let result = try checked("waitid", "process \(pid)") {
            fp_wait_process(descriptor.rawValue, block, peek, &ended)
        }
        guard result == 1 else { return nil }
        if !peek, let registration { ChildRegistry.remove(pid, registration) }
        return ExitStatus(ended)
    }

    /// True once the process has ended (also for processes that are not children).
    package func hasEnded(within timeout: Duration = .zero) throws(SystemError) -> Bool {
        try Poll.wait(descriptor.rawValue, for: .readable, timeout: timeout) != []
    }
}

/// Signals to whole process groups.
package enum ProcessGroup {
    /// False when no process of the group is left.
    ///
    /// Group 0 and 1 are refused: they would mean others than asked.
    @discardableResult
    package static func signal(_ group: Int32, _ signal: Signal) throws(SystemError) -> Bool {
        guard group > 1 else { throw SystemError(call: "kill", code: EINVAL, subject: "process group \(group)") }
        do {
            _ = try checked("kill", "process group \(group)") { kill(-group, signal.rawValue) }
            return true
        } catch  where error.isNoSuchProcess {
            return false
        }
    }

    /// Whether a process of the group is left (zombies count).
    package static func exists(_ group: Int32) -> Bool {
        group > 1 && (kill(-group, 0) == 0 || errno == EPERM)
    }
}
