// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

/// Against plain files with the names of the kernel's, which no machine has to have.
struct DirectoryLimitsTests {
    private static let files = ["memory.high", "memory.max", "memory.swap.max", "pids.max"]

    private let directory: TestDirectory
    private let limits: DirectoryLimits
    private let app: ControlGroup

    init() throws {
        directory = try TestDirectory()
        for group in ["own", "own/instance", "own/instance/app"] {
            try Files.makeDirectories(directory.file(group))
            for file in ["cgroup.procs", "cgroup.subtree_control"] { try directory.write("", to: "\(group)/\(file)") }
        }
        let root = ControlGroup(path: directory.file("own/instance"))
        limits = DirectoryLimits(root: root)
        app = root.child("app")
    }

    private func text(_ path: String) throws -> String { try TestFile.text(directory.file(path)) }

    private func values() throws -> [String] {
        try Self.files.map { try text("own/instance/app/\($0)") }
    }

    @Test func `controllers are enabled for the first app that needs them, and values written`() throws {
        for file in Self.files { try directory.write("", to: "own/instance/app/\(file)") }
        #expect(limits.apply(ProcessLimits(), to: app).isEmpty)
        for file in Self.files { try directory.write("", to: "own/instance/app/\(file)") }
        #expect(try text("own/cgroup.subtree_control").isEmpty)
        #expect(limits.apply(ProcessLimits(memory: 16 << 20, processes: 40), to: app).isEmpty)
        for group in ["own", "own/instance"] {
            #expect(try text("\(group)/cgroup.subtree_control") == "+memory +pids")
        }
        #expect(try text("own/instance/app/cgroup.subtree_control") == "+memory +pids")
        #expect(try values() == ["15728640", "16777216", "0", "40"])
    }

    @Test func `limits that an app has no more are taken away`() throws {
        for file in Self.files { try directory.write("", to: "own/instance/app/\(file)") }
        #expect(limits.apply(ProcessLimits(processes: 40), to: app).isEmpty)
        #expect(try values() == ["max", "max", "max", "40"])
        for file in Self.files { try directory.write("", to: "own/instance/app/\(file)") }
        #expect(limits.apply(ProcessLimits(), to: app).isEmpty)
        #expect(try values() == ["max", "max", "max", "max"])
    }

    @Test func `what the kernel has no controller for is said, but for what is optional`() throws {
        try directory.write("", to: "own/instance/app/pids.max")
        let reasons = limits.apply(ProcessLimits(memory: 16 << 20, processes: 40), to: app)
        #expect(reasons.count == 1 && reasons[0].contains("memory.max"), "\(reasons)")
        try Files.remove(directory.file("own/cgroup.subtree_control"))
        let others = DirectoryLimits(root: ControlGroup(path: directory.file("own/instance")))
        let absent = others.apply(ProcessLimits(processes: 40), to: app)
        #expect(absent == ["control groups of version 2 have no controllers for memory and processes"])
        // Not asked again for each start.
        try directory.write("", to: "own/cgroup.subtree_control")
        #expect(others.apply(ProcessLimits(processes: 40), to: app) == absent)
        #expect(others.apply(ProcessLimits(), to: app).isEmpty)
    }
}
