// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
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
        var before = RefusalCounts()
    }

    /// What the kernel has counted where the limits of the app stand, for all of its processes.
    private struct RefusalCounts: Sendable {
        var outOfMemory: UInt64 = 0
        var kills: UInt64 = 0
        var processes: UInt64 = 0

        init() {}

        init(_ app: ControlGroup?) {
            self.outOfMemory = app?.event("oom", in: "memory.events") ?? 0
            self.kills = app?.event("oom_kill", in: "memory.events") ?? 0
            self.processes = app?.event("max", in: "pids.events") ?? 0
        }
    }

    let limits: ProcessLimits
    private let owner: AppGroups
    private let state: Mutex<State>

    /// A group that exists.
    init(_ group: ControlGroup, _ limits: ProcessLimits, owner: AppGroups) throws(SystemError) {
        self.limits = limits
        self.owner = owner
        let file = SharedDescriptor(try group.openForEntering())
        let before = limits.isEmpty ? RefusalCounts() : RefusalCounts(group.parent)
        self.state = Mutex(State(entry: .file(file), leaf: ControlGroupLeaf(group), before: before))
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
        let before = RefusalCounts(leaf?.group.parent)
        self.state.withLock { ($0.leaf, $0.before) = (leaf, before) }
        // A helper that was killed meanwhile reads nothing more.
        _ = try? writer.descriptor.writeAll([1])
    }

    /// Moves a process that runs already into a group that exists; one that is yet to be made takes it when it is made.
    func take(_ pid: Int32) throws(SystemError) {
        let (entry, leaf) = self.state.withLock { ($0.entry, $0.leaf) }
        guard case .file = entry, let leaf else { return }
        try leaf.group.take(pid)
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

    /// What the kernel has refused to its processes; it counts that only where there is a limit.
    ///
    /// systemd removes a scope with its last process, which may be before this is asked: then what was counted for the whole
    /// app since the process began has to do. Of processes that were refused kernels before Linux 6.11 tell where one was
    /// wanted, later ones where the limit stands.
    var reachedLimit: ReachedLimit? {
        let (leaf, before) = self.state.withLock { ($0.leaf, $0.before) }
        guard let group = leaf?.group, !self.limits.isEmpty else { return nil }
        let now = RefusalCounts(group.parent)
        let kills =
            group.exists ? group.event("oom_kill", in: "memory.events") ?? 0 : now.kills - min(before.kills, now.kills)
        if kills > 0 {
            return .memory(most: now.outOfMemory > before.outOfMemory ? self.limits.memory : nil)
        }
        guard let most = self.limits.processes else { return nil }
        let refused = group.event("max", in: "pids.events") ?? 0
        return refused > 0 || now.processes > before.processes ? .processes(most: most) : nil
    }
}
