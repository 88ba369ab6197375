// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

/// In the tree of the machine, below the group of the tests.
struct ControlGroupTests {
    /// A group of its own, removed with all its processes at the end.
    private final class Scene {
        let group: ControlGroup

        init() throws {
            let own = try #require(ControlGroupPlace.own())
            group = own.child("fp-test-\(RandomBytes.hexadecimal(6))")
            try group.make()
        }

        deinit {
            group.killAll()
            while group.isPopulated {}
            group.removeTree()
        }

        /// A shell in the group, launched as apps are.
        func launch(_ script: String, in group: ControlGroup? = nil) throws -> LaunchedProcess {
            let file = try (group ?? self.group).openForEntering()
            var plan = TestProgram.shell(script).plan()
            plan.controlGroup = file.rawValue
            return try TestProgram.launcher.launch(plan)
        }
    }

    static let isWritable: Bool = {
        guard let own = ControlGroupPlace.own() else { return false }
        let probe = own.child("fp-probe-\(RandomBytes.hexadecimal(6))")
        // Who may not make one there has none.
        guard (try? probe.make()) != nil else { return false }
        defer { probe.removeTree() }
        return (try? probe.openForEntering()) != nil && Files.isWritable("\(own.path)/cgroup.procs")
    }()

    @Test(.enabled(if: isWritable, "the tree of control groups is not writable"))
    func `a process enters its group before its program runs, and what it starts is in it`() throws {
        let scene = try Scene()
        var output = try Pipe.make()
        let reader = try owned(output.takeReadEnd())
        let file = try scene.group.openForEntering()
        var plan = TestProgram.shell("cat /proc/self/cgroup; ls /proc/self/fd").plan()
        plan.controlGroup = file.rawValue
        plan.descriptors = [.init(source: output.writeEnd, target: 1)]
        let process = try TestProgram.launcher.launch(plan)
        try close(output.takeWriteEnd())
        let lines = try reader.readAll(limit: 65_536).text.split(separator: "\n")
        #expect(
            lines.contains { $0.hasPrefix("0::") && $0.hasSuffix(scene.group.path.split(separator: "/").last ?? "?") }
        )
        // Standard streams and the directory that ls reads: the file of the group is closed.
        #expect(lines.suffix(4) == ["0", "1", "2", "3"])
        #expect(try process.handle.waitForExit() == .exited(0))
    }

    @Test(.enabled(if: isWritable, "the tree of control groups is not writable"))
    func `what has left session and parent ends with the group`() throws {
        let scene = try Scene()
        let process = try scene.launch("setsid sh -c 'sleep 1000 & sleep 1000' & exec sleep 1000")
        while scene.group.processes.count < 4 {}
        let members = try scene.group.processes.map { try ProcessHandle(pid: $0) }
        #expect(scene.group.isPopulated && scene.group.contains(process.pid))
        #expect(throws: SystemError.self) { try scene.group.remove() }
        ControlGroupLeaf(scene.group).kill()
        for member in members { #expect(try member.hasEnded(within: .seconds(20))) }
        #expect(try process.handle.collect() == .signaled(9, coreDumped: false))
        #expect(!scene.group.isPopulated && !scene.group.contains(process.pid))
        #expect(scene.group.removeTree() && !scene.group.exists)
        #expect(scene.group.removeTree(), "gone already")
    }

    @Test(.enabled(if: isWritable, "the tree of control groups is not writable"))
    func `without cgroup_kill one that forks all the time ends too, with what is below`() throws {
        let scene = try Scene()
        let below = scene.group.child("below")
        try below.make()
        // Each starts its successor and ends.
        let forks = "f() { sleep 0.001; f & }; f"
        let processes = try [scene.launch(forks), scene.launch(forks, in: below), scene.launch("exec sleep 1000")]
        scene.group.killOneByOne()
        for process in processes { #expect(try process.handle.hasEnded(within: .seconds(20))) }
        while scene.group.isPopulated {}
        #expect(scene.group.children == [below])
        #expect(scene.group.removeTree())
    }

    @Test(.enabled(if: isWritable, "the tree of control groups is not writable"))
    func `a group that is gone cannot be entered, and a launch says so`() throws {
        let scene = try Scene()
        let gone = scene.group.child("gone")
        try gone.make()
        try gone.make()
        let file = try gone.openForEntering()
        let leaf = ControlGroupLeaf(gone)
        try gone.remove()
        var plan = TestProgram.shell("true").plan()
        plan.controlGroup = file.rawValue
        let failure = #expect(throws: LaunchFailure.self) { try TestProgram.launcher.launch(plan) }
        #expect(failure?.step == .controlGroup && failure?.name == "ENODEV")
        leaf.kill()
        #expect(gone.processes.isEmpty && gone.children.isEmpty && !gone.isPopulated)
        #expect(gone.event("oom_kill", in: "memory.events") == nil)
        #expect(throws: SystemError.self) { try gone.write("1", to: "cgroup.freeze") }
        #expect(gone.parent == scene.group)
    }

    @Test func `a gate holds a launch until it is opened, or ends it`() throws {
        var pipe = try Pipe.make()
        var plan = TestProgram.shell("exit 7").plan()
        plan.gate = pipe.readEnd
        let writer = try owned(pipe.takeWriteEnd())
        let held = try TestProgram.launcher.begin(plan)
        #expect(try !held.handle.hasEnded(within: .milliseconds(50)))
        try writer.writeAll([1])
        #expect(try held.handle.waitForExit() == .exited(7))
        let next = try TestProgram.launcher.begin(plan)
        try close(writer)
        #expect(try next.handle.waitForExit() != .exited(7))
        var records = LaunchRecords()
        let said = try records.received(try next.report.descriptor.readSome(limit: 4096))
        #expect(said.contains { if case .failed(let failure) = $0 { failure.step == .gate } else { false } }, "\(said)")
    }
}

extension LaunchFailure {
    fileprivate var name: String { SystemError.name(ofCode: code) }
}
