// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// This process.
package enum CurrentProcess {
    package static var pid: Int32 { getpid() }
    package static var parentPID: Int32 { getppid() }
    package static var effectiveUID: UInt32 { geteuid() }
    package static var effectiveGID: UInt32 { getegid() }
    package static var isRoot: Bool { geteuid() == 0 }

    /// Supplementary groups.
    package static var groups: [UInt32] {
        var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return Array(groups.prefix(Int(max(0, count))))
    }

    /// Path of the program file, without links.
    package static func executablePath() throws(SystemError) -> String { try Files.readLink("/proc/self/exe") }

    /// The argument vector.
    ///
    /// Empty where /proc is not mounted: a program should refuse to run then.
    package static var arguments: [String] { CommandLine.arguments }

    package static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }

    /// All variables, in their order.
    package static var environment: [(name: String, value: String)] {
        var list: [(name: String, value: String)] = []
        var index = 0
        guard let variables = fp_environment() else { return [] }
        while let entry = variables[index] {
            index += 1
            let text = String(cString: entry)
            guard let equals = text.firstIndex(of: "=") else { continue }
            list.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        return list
    }

    /// Orphaned descendants become children of this process instead of PID 1 (prctl(2)).
    package static func becomeSubreaper() throws(SystemError) {
        _ = try checked("prctl") { fp_become_subreaper() }
    }

    /// Whether other processes of the same user may trace this one and read its memory, and whether it leaves core dumps.
    ///
    /// If not, its entries in /proc belong to root (prctl(2), PR_SET_DUMPABLE). Programs that it executes decide for themselves.
    package static func allowTracing(_ isAllowed: Bool) throws(SystemError) {
        _ = try checked("prctl") { fp_allow_tracing(isAllowed) }
    }

    /// Sets the file mode creation mask and returns the one before.
    ///
    /// Process-wide: before threads start.
    @discardableResult
    package static func setUmask(_ mask: UInt32) -> UInt32 { umask(mask) }

    /// The name that ps and top show (`comm`, at most 15 bytes).
    ///
    /// Call it on the main thread.
    package static func setName(_ name: String) { fp_name_thread(name) }

    /// Number of threads, `nil` when /proc cannot be read.
    package static var threadCount: Int? {
        let count = fp_thread_count()
        return count < 0 ? nil : Int(count)
    }

    package static func changeDirectory(_ path: String) throws(SystemError) {
        _ = try checked("chdir", path) { chdir(path) }
    }

    package static func workingDirectory() throws(SystemError) -> String {
        guard let path = getcwd(nil, 0) else {
            let code = errno
            throw SystemError(call: "getcwd", code: code)
        }
        defer { free(path) }
        return String(cString: path)
    }

    /// Limit on open descriptors: what counts, and how far it may be raised.
    package static var descriptorLimit: (soft: UInt64, hard: UInt64) {
        let limit = Limits.current(.openFiles)
        return (limit.soft, limit.hard)
    }

    /// Raises the limit on open descriptors as far as allowed; returns what counts now.
    @discardableResult
    package static func raiseDescriptorLimit() -> UInt64 { Limits.raise(.openFiles) }

    /// Number of processors that this process may use.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Ends this process at once, without running exit handlers.
    package static func exitNow(_ code: Int32) -> Never { _exit(code) }

    /// Ends this process with exit handlers run (the usual way to end).
    package static func exit(_ code: Int32) -> Never { Glibc.exit(code) }
}
