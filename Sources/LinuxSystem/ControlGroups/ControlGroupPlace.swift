// SPDX-License-Identifier: MIT

/// Where a process stands in the tree of control groups (cgroups(7), version 2), from what /proc says.
package enum ControlGroupPlace {
    /// The mount that shows a directory of the tree, as /proc/self/mountinfo has it (proc_pid_mountinfo(5)).
    struct Mount: Equatable {
        /// The directory of the tree that is mounted, as this process sees the tree.
        let root: String
        let point: String
    }

    /// The directory of the control group that this process is in.
    ///
    /// nil: no tree of version 2 is mounted, or the group lies outside of what is.
    package static func own() -> ControlGroup? { of("self") }

    /// The same for another process; nil also when it is gone.
    package static func of(_ pid: Int32) -> ControlGroup? { of(String(pid)) }

    /// The root of what is mounted of the tree.
    package static func root() -> ControlGroup? {
        // Without /proc nothing is known, and nothing is used.
        guard let mounts = try? Files.read("/proc/self/mountinfo", limit: 16 << 20) else { return nil }
        return mount(in: mounts).map { ControlGroup(path: $0.point) }
    }

    private static func of(_ process: String) -> ControlGroup? {
        guard let group = try? Files.read("/proc/\(process)/cgroup", limit: 1 << 20),
            let mounts = try? Files.read("/proc/self/mountinfo", limit: 16 << 20)
        else { return nil }
        return directory(ofGroups: group, mounts: mounts).map(ControlGroup.init(path:))
    }

    static func directory(ofGroups groups: [UInt8], mounts: [UInt8]) -> String? {
        guard let path = path(in: groups), let mount = mount(in: mounts) else { return nil }
        // A group above the root of its namespace is shown as "/..": it cannot be reached.
        guard !path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) else {
            return nil
        }
        guard let below = path.utf8Suffix(after: mount.root == "/" ? "" : mount.root) else { return nil }
        return below.isEmpty || below == "/" ? mount.point : mount.point + below
    }

    /// The line of version 2 has the number 0 and names no controller.
    private static func path(in groups: [UInt8]) -> String? {
        let line = groups.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "0::/".utf8) }
        return line.map { String(decoding: $0.dropFirst(3), as: UTF8.self) }
    }

    /// Fields: id, parent, device, root, point, options, optional ones, "-", type, source, options of the type.
    private static func mount(in mounts: [UInt8]) -> Mount? {
        for line in mounts.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 6, let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
                dash + 1 < fields.count, fields[dash + 1].elementsEqual("cgroup2".utf8)
            else { continue }
            return Mount(root: unescaped(fields[3]), point: unescaped(fields[4]))
        }
        return nil
    }

    /// Blanks and the like stand as three octal digits behind a backslash.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3).map { Int($0) - Int(UInt8(ascii: "0")) }
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy((0...7).contains) {
                bytes.append(UInt8(truncatingIfNeeded: digits[0] << 6 | digits[1] << 3 | digits[2]))
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    /// What follows a directory in a path; nil when the path does not lead below it.
    fileprivate func utf8Suffix(after directory: String) -> String? {
        guard self.utf8.starts(with: directory.utf8) else { return nil }
        let rest = self.utf8.dropFirst(directory.utf8.count)
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return nil }
        return String(Substring(rest))
    }
}
