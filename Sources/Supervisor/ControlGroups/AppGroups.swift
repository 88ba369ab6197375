// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Gives each app process a control group of its own, below one of its app.
///
/// Safe from any thread. Blocks as long as the kernel needs for a few directories and systemd for an answer, and for memory
/// that a lower limit makes the kernel take back: for the threads that prepare starts.
package final class AppGroups: Sendable {
    /// What came of it, and what the operator should hear about it.
    struct Outcome {
        /// nil: the process has its process group only.
        let enclosure: Enclosure?
        let warnings: [String]
    }

    /// The app's group goes with its last process, which may be the very moment in which the next one comes.
    private static let attempts = 10
    static let withoutLimits = "passenger_memory_max and passenger_pids_max have no effect here: "

    private let root: ControlGroup
    private let units: UnitNames
    /// The daemon runs in a unit of systemd, which is the only one to give out controllers then.
    private let isInUnit: Bool
    private let directoryLimits: DirectoryLimits
    /// Groups of processes that have ended, still held by what the kernel has not yet let go of.
    private let ended = Mutex<[ControlGroup]>([])

    /// Those below the group of a daemon.
    convenience init(_ instance: InstanceGroup) {
        self.init(root: instance.group, units: instance.units, isInUnit: instance.isInUnit)
    }

    init(root: ControlGroup, units: UnitNames, isInUnit: Bool) {
        self.root = root
        self.units = units
        self.isInUnit = isInUnit
        self.directoryLimits = DirectoryLimits(root: root)
    }

    /// Before a launch: what its process is to enter.
    func prepare(_ app: GroupKey, _ limits: ProcessLimits) -> Outcome {
        do throws(SystemError) {
            if self.isInUnit, !limits.isEmpty {
                return Outcome(enclosure: try Enclosure(gatedWith: limits, owner: self), warnings: [])
            }
            let (group, warnings) = try self.makeGroup(app, limits)
            return Outcome(enclosure: try Enclosure(group, limits, owner: self), warnings: warnings)
        } catch {
            return Outcome(enclosure: nil, warnings: [Self.note(error)])
        }
    }

    /// After its launch has begun: lets it go on, in its group; returns what the operator should hear.
    func launched(_ pid: Int32, in enclosure: Enclosure, of app: GroupKey) -> [String] {
        let limits = enclosure.limits
        var warnings: [String] = []
        enclosure.launched {
            do throws(TransientScope.Failure) {
                let slice = self.units.slice(ofApp: Self.name(app))
                try TransientScope.start(self.units.newScope(), below: slice, limits: .init(limits), holding: pid)
                let leaf = ControlGroupPlace.of(pid)
                warnings += Self.unheeded(limits, in: leaf?.parent)
                return leaf
            } catch {
                warnings.append("\(Self.withoutLimits)\(error)")
            }
            // Without limits, but not without an end.
            do throws(SystemError) {
                let group = try self.makeGroup(app, ProcessLimits()).group
                try group.take(pid)
                return group
            } catch {
                warnings.append(Self.note(error))
                return nil
            }
        }
        return warnings
    }

    /// systemd takes limits also where the kernel has no controller for them in this tree, and says nothing about it.
    static func unheeded(_ limits: ProcessLimits, in app: ControlGroup?) -> [String] {
        guard let app else { return [] }
        let files = [(limits.memory, "memory.max", "memory"), (limits.processes, "pids.max", "processes")]
        return files.filter { $0.0 != nil && !Files.exists("\(app.path)/\($0.1)") }.map { _, _, what in
            "\(self.withoutLimits)control groups of version 2 have no controller for \(what)"
        }
    }

    /// Moves a process that runs already, with what it starts from now on; returns what the operator should hear.
    ///
    /// nil: it is not in the group of the enclosure.
    func take(_ pid: Int32, into enclosure: Enclosure, of app: GroupKey) throws(SystemError) -> [String]? {
        try enclosure.take(pid)
        let warnings = self.launched(pid, in: enclosure, of: app)
        guard let path = enclosure.path, ControlGroup(path: path).contains(pid) else { return nil }
        return warnings
    }

    private func makeGroup(
        _ app: GroupKey,
        _ limits: ProcessLimits
    ) throws(SystemError) -> (group: ControlGroup, warnings: [String]) {
        let appGroup = self.root.child("app.\(Self.name(app))")
        let group = appGroup.child("process.\(RandomBytes.hexadecimal(8))")
        var attempt = 1
        while true {
            do throws(SystemError) {
                try self.root.make()
                try appGroup.make()
                let problems = self.directoryLimits.apply(limits, to: appGroup)
                try group.make()
                return (group, problems.map { Self.withoutLimits + $0 })
            } catch {
                guard error.isNotFound, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// Removes the group of a process that has ended, as soon as that is possible.
    func remove(_ group: ControlGroup) {
        // systemd removes its scopes itself.
        guard group.parent?.parent == self.root, !self.isRemoved(group) else { return }
        self.ended.withLock { $0.append(group) }
    }

    /// Removes what could not be removed before; call it once in a while.
    func removeEnded() {
        let groups = self.ended.withLock { ended in
            defer { ended = [] }
            return ended
        }
        let left = groups.filter { !self.isRemoved($0) }
        self.ended.withLock { $0 += left }
    }

    private func isRemoved(_ group: ControlGroup) -> Bool {
        guard group.removeTree() else { return false }
        // Fails as long as another process of the app has its group there.
        try? group.parent?.remove()
        return true
    }

    /// The hash has a secret of this run in it: nobody chooses a name that falls together with another one's.
    private static func name(_ app: GroupKey) -> String { String(UInt64(truncatingIfNeeded: app.hashValue), radix: 16) }

    private static func note(_ error: SystemError) -> String {
        "a process has no control group of its own; what leaves its process group ends with the daemon only: "
            + "\(error.call): \(error.reason)"
    }
}

extension TransientScope.Limits {
    init(_ limits: ProcessLimits) {
        self.init(
            memory: limits.memory.map { UInt64($0) },
            memoryHigh: limits.memoryHigh.map { UInt64($0) },
            swap: limits.memory.map { _ in 0 },
            tasks: limits.processes.map { UInt64($0) }
        )
    }
}
