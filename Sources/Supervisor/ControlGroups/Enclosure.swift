// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// The control group of one app process, which it cannot leave, nor can what it starts.
///
/// Safe from any thread.
package final class Enclosure: Sendable {
    /// How the process gets into it.
    private enum Entry: Sendable {
        /// The helper writes itself into this open file.
        case file(SharedDescriptor)
        /// The helper waits until it was moved.
        case gate(reader: SharedDescriptor, writer: SharedDescriptor)
        case passed
    }

    private struct State: Sendable {
        var entry: Entry
        var leaf: ControlGroupLeaf?
    }

    let limits: ProcessLimits
    private let owner: AppGroups
    private let state: Mutex<State>

    /// A group that exists.
    init(_ group: ControlGroup, _ limits: ProcessLimits, owner: AppGroups) throws(SystemError) {
        self.limits = limits
        self.owner = owner
        let file = SharedDescriptor(try group.openForEntering())
        self.state = Mutex(State(entry: .file(file), leaf: ControlGroupLeaf(group)))
    }

    /// A group that can only be made once there is a process.
    init(gatedWith limits: ProcessLimits, owner: AppGroups) throws(SystemError) {
        self.limits = limits
        self.owner = owner
        var pipe = try Pipe.make()
        guard let reader = pipe.takeReadEnd(), let writer = pipe.takeWriteEnd() else {
            throw SystemError(call: "pipe2", code: 0)
        }
        self.state = Mutex(
            State(entry: .gate(reader: SharedDescriptor(reader), writer: SharedDescriptor(writer)), leaf: nil)
        )
    }

    /// Before the launch; this is kept until it has begun.
    func enter(into plan: inout LaunchPlan) {
        switch self.state.withLock({ $0.entry }) {
        case .file(let file): plan.controlGroup = file.rawValue
        case .gate(let reader, _): plan.gate = reader.rawValue
        case .passed: return
        }
    }

    /// The helper runs, with its own copy of the descriptor; one that waits is let go on once `place` has moved it.
    func launched(_ place: () -> ControlGroup?) {
        let entry = self.state.withLock { state in
            defer { state.entry = .passed }
            return state.entry
        }
        guard case .gate(_, let writer) = entry else { return }
        let leaf = place().map(ControlGroupLeaf.init)
        self.state.withLock { $0.leaf = leaf }
        // A helper that was killed meanwhile reads nothing more.
        _ = try? writer.descriptor.writeAll([1])
    }

    private var leaf: ControlGroupLeaf? { self.state.withLock { $0.leaf } }

    /// Ends all that is in it, however fast it forks.
    func kill() { self.leaf?.kill() }

    /// The process has ended, or was never started: nothing of it stays.
    func end() {
        guard let leaf = self.leaf else { return }
        leaf.kill()
        self.owner.remove(leaf.group)
    }

    /// Where it is, as far as that is known yet.
    var path: String? { self.leaf?.group.path }

    /// Says so if the kernel has ended a process in it for lack of memory; it counts that only where there is a limit.
    var causeOfKill: String? {
        guard let count = self.leaf?.group.event("oom_kill", in: "memory.events"), count > 0 else { return nil }
        let limit = self.limits.memoryText.map { " (passenger_memory_max \($0))" } ?? ""
        return "killed by the kernel: it is out of memory\(limit)"
    }
}
