// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import TestSupport
import Testing

@testable import Supervisor

/// What counters tell, in plain files with the names of the kernel's.
struct EnclosureTests {
    private static let limits = ProcessLimits(memory: 64 << 20, processes: 20)

    private let directory: TestDirectory
    private let groups: AppGroups

    init() throws {
        directory = try TestDirectory()
        try Files.makeDirectories(directory.file("root/app/process"))
        for group in ["root", "root/app", "root/app/process"] { try directory.write("", to: "\(group)/cgroup.procs") }
        groups = AppGroups(
            root: ControlGroup(path: directory.file("root")),
            units: UnitNames(instance: "test"),
            isInUnit: false
        )
    }

    private func count(_ name: String, _ number: Int, in file: String) throws {
        try directory.write("low 0\n\(name) \(number)\nlast 7\n", to: "root/app/\(file)")
    }

    private func enclosure(_ limits: ProcessLimits = limits) throws -> Enclosure {
        try Enclosure(ControlGroup(path: directory.file("root/app/process")), limits, owner: groups)
    }

    @Test func `nothing is said of what nothing counts, nor of an app without limits`() throws {
        #expect(try enclosure().reachedLimit == nil)
        try count("oom_kill", 0, in: "process/memory.events")
        try count("max", 0, in: "process/pids.events")
        let enclosure = try enclosure()
        #expect(enclosure.reachedLimit == nil)
        let unlimited = try self.enclosure(ProcessLimits())
        try count("oom_kill", 1, in: "process/memory.events")
        #expect(unlimited.reachedLimit == nil)
    }

    @Test func `a kill for lack of memory is the limit's only if that was reached since`() throws {
        try count("oom", 3, in: "memory.events")
        let enclosure = try enclosure()
        try count("oom_kill", 1, in: "process/memory.events")
        #expect(enclosure.reachedLimit == .memory(most: nil))
        try count("oom", 4, in: "memory.events")
        #expect(enclosure.reachedLimit == .memory(most: 64 << 20))
    }

    @Test func `of a group that has gone its app's counters tell, as far as they have grown`() throws {
        try directory.write("oom 3\noom_kill 2\n", to: "root/app/memory.events")
        let enclosure = try enclosure()
        try Files.removeTree(directory.file("root/app/process"))
        #expect(enclosure.reachedLimit == nil)
        try directory.write("oom 3\noom_kill 3\n", to: "root/app/memory.events")
        #expect(enclosure.reachedLimit == .memory(most: nil))
        try directory.write("oom 4\noom_kill 3\n", to: "root/app/memory.events")
        #expect(enclosure.reachedLimit == .memory(most: 64 << 20))
    }

    @Test func `a process that was refused is found where either kernel counts it`() throws {
        try count("max", 5, in: "pids.events")
        let enclosure = try enclosure()
        #expect(enclosure.reachedLimit == nil)
        try count("max", 6, in: "pids.events")
        #expect(enclosure.reachedLimit == .processes(most: 20))
        let older = try self.enclosure()
        #expect(older.reachedLimit == nil)
        try count("max", 1, in: "process/pids.events")
        #expect(older.reachedLimit == .processes(most: 20))
        #expect(try self.enclosure(ProcessLimits(memory: 64 << 20)).reachedLimit == nil)
    }
}
