// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Limits that stand in the directory of an app, where the daemon may give out controllers.
///
/// Not inside a unit of systemd: one whose groups have controllers cannot be started again (its status is 219/CGROUP).
final class DirectoryLimits: Sendable {
    private enum Controllers {
        case unasked
        case enabled
        case absent(reason: String)
    }

    private let root: ControlGroup
    private let controllers = Mutex(Controllers.unasked)

    init(root: ControlGroup) { self.root = root }

    /// Makes these the limits of an app, and takes away those that it had; returns why some are not in force.
    func apply(_ limits: ProcessLimits, to app: ControlGroup) -> [String] {
        if let reason = self.prepare(app, limits) { return [reason] }
        let files: [(name: String, value: Int?, isOptional: Bool)] = [
            ("memory.high", limits.memoryHigh, true),
            ("memory.max", limits.memory, false),
            // Or the limit would only push the app out to the disk that all share. Absent without swap accounting.
            ("memory.swap.max", limits.memory.map { _ in 0 }, true),
            ("pids.max", limits.processes, false),
        ]
        return files.compactMap { file in
            guard file.value != nil || Files.exists("\(app.path)/\(file.name)") else { return nil }
            do throws(SystemError) {
                try app.write(file.value.map(String.init) ?? "max", to: file.name)
                return nil
            } catch {
                return file.isOptional ? nil : "\(error)"
            }
        }
    }

    /// Why there can be no limits; nil when they can be written, or none are wanted.
    private func prepare(_ app: ControlGroup, _ limits: ProcessLimits) -> String? {
        guard !limits.isEmpty else { return nil }
        let reason: String? = self.controllers.withLock { controllers in
            if case .unasked = controllers { controllers = self.enable() }
            if case .absent(let reason) = controllers { return reason }
            return nil
        }
        if reason == nil {
            // So that the kernel counts for each process what it is refused; no limit rests on it.
            try? app.write("+memory +pids", to: "cgroup.subtree_control")
        }
        return reason
    }

    private func enable() -> Controllers {
        guard let own = self.root.parent else { return .absent(reason: "the daemon's control group has gone") }
        do throws(SystemError) {
            for group in [own, self.root] { try group.write("+memory +pids", to: "cgroup.subtree_control") }
            return .enabled
        } catch  where error.isNotFound {
            return .absent(reason: "control groups of version 2 have no controllers for memory and processes")
        } catch {
            return .absent(reason: "\(error)")
        }
    }
}
