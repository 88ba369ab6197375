// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

/// In the tree of the machine, below the group of the tests.
@Suite(.enabled(if: Machine.hasControlGroups, "control groups of version 2 are not writable here"))
struct AppGroupsTests {
    private final class Scene {
        let root: ControlGroup
        let groups: AppGroups
        let app = GroupKey(namespace: .authority, name: "/srv/app\n")

        init(isInUnit: Bool = false) throws {
            root = try #require(ControlGroupPlace.own()).child("fp-test-\(RandomBytes.hexadecimal(6))")
            groups = AppGroups(root: root, units: UnitNames(instance: "test"), isInUnit: isInUnit)
        }

        deinit {
            root.killAll()
            root.removeTree()
        }

        func launch(_ script: String, in enclosure: Enclosure) throws -> LaunchedProcess {
            var plan = LaunchPlan(program: .path("/bin/sh"), arguments: ["sh", "-c", script])
            enclosure.enter(into: &plan)
            let process = try Launcher(helperPath: Launcher.findHelper()).launch(plan)
            #expect(groups.launched(process.pid, in: enclosure, of: app).isEmpty)
            return process
        }
    }

    @Test func `limits that systemd takes and the kernel has no controller for are named`() throws {
        let directory = try TestDirectory()
        try directory.write("", to: "app/pids.max")
        let app = ControlGroup(path: directory.file("app"))
        let both = ProcessLimits(memory: 1 << 20, processes: 7)
        let said = AppGroups.unheeded(both, in: app)
        #expect(said.count == 1 && said[0].hasSuffix("have no controller for memory"), "\(said)")
        try directory.write("", to: "app/memory.max")
        #expect(AppGroups.unheeded(both, in: app).isEmpty)
        #expect(AppGroups.unheeded(ProcessLimits(), in: ControlGroup(path: directory.path)).isEmpty)
    }

    @Test func `each process has a group of its own below that of its app, and all go at the end`() throws {
        let scene = try Scene()
        let outcomes = (1...2).map { _ in scene.groups.prepare(scene.app, ProcessLimits()) }
        #expect(outcomes.allSatisfy { $0.warnings.isEmpty })
        let enclosures = try outcomes.map { try #require($0.enclosure) }
        let processes = try enclosures.map { try scene.launch("setsid sleep 1000 & exec sleep 1000", in: $0) }
        let paths = enclosures.compactMap(\.path)
        #expect(Set(paths).count == 2 && scene.root.children.count == 1)
        for (process, path) in zip(processes, paths) {
            #expect(ControlGroupPlace.of(process.pid)?.path == path)
            #expect(!path.contains("srv"), "\(path)")
        }
        for (process, enclosure) in zip(processes, enclosures) {
            enclosure.kill()
            #expect(try process.handle.waitForExit() == .signaled(9, coreDumped: false))
            #expect(enclosure.reachedLimit == nil)
            enclosure.end()
        }
        try eventually("the groups to be gone") {
            scene.groups.removeEnded()
            return scene.root.children.isEmpty
        }
        // The next one makes everything anew.
        scene.root.removeTree()
        let next = try #require(scene.groups.prepare(scene.app, ProcessLimits()).enclosure)
        #expect(try scene.launch("exit 3", in: next).handle.waitForExit() == .exited(3))
        next.end()
    }

    @Test func `in a unit a process with limits waits, and has a group even if systemd does not help`() throws {
        let scene = try Scene(isInUnit: true)
        let outcome = scene.groups.prepare(scene.app, ProcessLimits(processes: 40))
        let enclosure = try #require(outcome.enclosure)
        #expect(outcome.warnings.isEmpty && enclosure.path == nil)
        var plan = LaunchPlan(program: .path("/bin/sleep"), arguments: ["sleep", "1000"])
        enclosure.enter(into: &plan)
        let started = try Launcher(helperPath: Launcher.findHelper()).begin(plan)
        let warnings = scene.groups.launched(started.pid, in: enclosure, of: scene.app)
        if Files.exists("/run/systemd/private") {
            #expect(warnings.isEmpty, "\(warnings)")
        } else {
            #expect(warnings.count == 1 && warnings[0].contains("passenger_pids_max"), "\(warnings)")
            #expect(enclosure.path?.hasPrefix(scene.root.path) == true)
        }
        #expect(ControlGroupPlace.of(started.pid)?.path == enclosure.path)
        enclosure.kill()
        #expect(try started.handle.waitForExit() == .signaled(9, coreDumped: false))
        enclosure.end()
    }
}
