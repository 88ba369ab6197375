// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A directory of the tree of control groups (cgroups(7), version 2).
package struct ControlGroup: Hashable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    package func child(_ name: String) -> ControlGroup { ControlGroup(path: "\(path)/\(name)") }

    package var exists: Bool { Files.exists(path) }

    /// The one above, nil for the root of the tree that is mounted.
    package var parent: ControlGroup? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return nil }
        let parent = ControlGroup(path: String(path[..<slash]))
        return Files.exists("\(parent.path)/cgroup.procs") ? parent : nil
    }

    /// Does nothing when it is there already.
    package func make() throws(SystemError) {
        do {
            _ = try checked("mkdir", path) { mkdir(path, 0o755) }
        } catch  where error.isAlreadyExists {
            return
        }
    }

    /// Only works once no process is in it or below it, and nothing is below it.
    package func remove() throws(SystemError) {
        _ = try checked("rmdir", path) { rmdir(path) }
    }

    /// Groups right below it.
    package var children: [ControlGroup] {
        // One that is gone has none.
        let names = (try? Files.list(path)) ?? []
        return names.compactMap { name in
            let child = child(name)
            return Files.exists("\(child.path)/cgroup.procs") ? child : nil
        }
    }

    /// Removes it and all below it, as far as no process is in the way; true when all is gone.
    @discardableResult
    package func removeTree() -> Bool {
        for child in children { child.removeTree() }
        do throws(SystemError) {
            try remove()
            return true
        } catch {
            return error.isNotFound
        }
    }

    /// Processes in it, not those below it; zombies do not count.
    package var processes: [Int32] {
        // One that is gone has none.
        let bytes = (try? Files.read("\(path)/cgroup.procs", limit: 64 << 20)) ?? []
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// How many processes are in it and below it.
    package var processCount: Int { allProcesses.count }

    /// Whether a process is in it or below it.
    package var isPopulated: Bool { event("populated", in: "cgroup.events") == 1 }

    /// Moves another process into it, without what that one has started before.
    package func take(_ pid: Int32) throws(SystemError) { try write(String(pid), to: "cgroup.procs") }

    /// Whoever writes "0" to it enters the group, with all the rights that this program has.
    package func openForEntering() throws(SystemError) -> Descriptor {
        try openForWriting("cgroup.procs")
    }

    /// A number from one of the files of "NAME VALUE" lines; nil when the group is gone or the kernel does not count that.
    package func event(_ name: String, in file: String) -> UInt64? {
        guard let bytes = try? Files.read("\(path)/\(file)", limit: 65_536) else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count == 2, words[0].elementsEqual(name.utf8) else { continue }
            return UInt64(String(decoding: words[1], as: UTF8.self))
        }
        return nil
    }

    /// Writes one of its files in one go, as the kernel wants it.
    package func write(_ value: String, to file: String) throws(SystemError) {
        let descriptor = try openForWriting(file)
        do {
            try descriptor.writeAll(Array(value.utf8))
        } catch {
            throw SystemError(call: error.call, code: error.code, subject: "\(path)/\(file)")
        }
    }

    func openForWriting(_ file: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("open", "\(path)/\(file)") { fp_open(AT_FDCWD, "\(path)/\(file)", O_WRONLY, 0) })
    }
}

// MARK: Ending

extension ControlGroup {
    /// Rounds in which what forks faster than it is killed is looked for again, where the group cannot be frozen.
    private static let killRounds = 64

    /// Ends all processes in it and below it, however fast they fork.
    ///
    /// At once since Linux 5.14; before, they are frozen first, so that none can start another one.
    package func killAll() {
        do throws(SystemError) {
            if Floor.lacks("cgroup.kill") { throw SystemError(call: "open", code: ENOENT) }
            try write("1", to: "cgroup.kill")
        } catch {
            // An older kernel has no such file.
            killOneByOne()
        }
    }

    func killOneByOne() {
        // Without a freezer (before Linux 5.2) the rounds have to do.
        let isFrozen = (try? write("1", to: "cgroup.freeze")) != nil
        for _ in 0..<(isFrozen ? 2 : Self.killRounds) {
            let members = allProcesses
            guard !members.isEmpty else { break }
            for pid in members {
                // A number that was given anew between the two looks is not in the group, and is left alone.
                guard let handle = try? ProcessHandle(pid: pid), contains(pid) else { continue }
                _ = try? handle.signal(.kill)
            }
        }
        _ = try? write("0", to: "cgroup.freeze")
    }

    private var allProcesses: [Int32] { processes + children.flatMap(\.allProcesses) }

    /// Whether a process is in it or below it by what /proc says.
    package func contains(_ pid: Int32) -> Bool {
        guard let place = ControlGroupPlace.of(pid)?.path.utf8 else { return false }
        return place.elementsEqual(path.utf8) || place.starts(with: "\(path)/".utf8)
    }
}
