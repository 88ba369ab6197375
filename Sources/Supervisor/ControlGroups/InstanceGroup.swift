// SPDX-License-Identifier: MIT

import LinuxSystem

/// The control group that holds those of all app processes of one daemon; it lies below the daemon's own.
///
///     (where the daemon runs)/flying-passenger.Ab3dE5g/    no process is in it itself
///       app.5f0c…/                                         one per app; limits stand here
///         process.19ab…/                                   one per process, with all that it starts
///
/// No name in it comes from outside. It has no controllers unless an app has a limit: a unit of systemd could not be
/// restarted with them. There, processes of apps with limits are in scopes that systemd makes (see ``UnitNames``).
struct InstanceGroup: Sendable {
    private static let namePrefix = "flying-passenger."
    /// Processes that hang in the kernel are given up after this time.
    private static let endLimit = Duration.seconds(5)

    let group: ControlGroup
    let units: UnitNames

    /// Whether systemd runs this machine, and has put the daemon where it is.
    var isInUnit: Bool { Files.exists("/run/systemd/system") && self.group.parent?.parent != nil }

    /// Why app processes have no control groups.
    struct Absence: Error {
        let reason: String
    }

    /// Makes the group, proves that a process can enter it, and writes down where it is.
    static func make(for directory: InstanceDirectory, launcher: Launcher) throws(Absence) -> InstanceGroup {
        if Floor.lacks("cgroups") { throw Absence(reason: "\(Floor.environmentVariable) says so") }
        guard let own = ControlGroupPlace.own() else {
            throw Absence(reason: "no tree of control groups of version 2 is mounted, or none that this process is in")
        }
        let instance = InstanceGroup(
            group: own.child(self.namePrefix + directory.name),
            units: UnitNames(instance: directory.name)
        )
        do {
            try instance.group.make()
            try instance.prove(launcher)
            try Files.write(Array(instance.group.path.utf8), to: directory.controlGroupPath, mode: 0o600)
            return instance
        } catch {
            instance.group.removeTree()
            throw Absence(reason: "\(error)")
        }
    }

    /// The one that a daemon, this or another one, has made; nil when it had none.
    ///
    /// Its directory may be gone: systemd removes all below the group of a unit whose processes have ended, while slices and
    /// scopes, which lie elsewhere, stay until somebody stops them.
    static func find(for directory: InstanceDirectory) -> InstanceGroup? {
        // Without the file there was none.
        guard let bytes = try? Files.read(directory.controlGroupPath, limit: 16_384) else { return nil }
        let group = ControlGroup(path: String(decoding: bytes, as: UTF8.self))
        // The file is the daemon's alone; should it be damaged, nothing else is ended.
        let name = "/\(self.namePrefix)\(directory.name)"
        guard group.path.utf8.suffix(name.utf8.count).elementsEqual(name.utf8) else { return nil }
        return InstanceGroup(group: group, units: UnitNames(instance: directory.name))
    }

    /// What cannot be entered (a threaded group, a namespace, a security module) is found out before any app needs it.
    ///
    /// The program that runs in it is the helper once more, which says how it is used and ends.
    private func prove(_ launcher: Launcher) throws {
        let probe = self.group.child("probe")
        try probe.make()
        let entry = try probe.openForEntering()
        let null = try Descriptor.null()
        var plan = LaunchPlan(
            program: .path(launcher.helperPath),
            arguments: [Launcher.helperName],
            descriptors: (0...2).map { .init(source: null.rawValue, target: $0) }
        )
        plan.controlGroup = entry.rawValue
        let process = try launcher.launch(plan)
        _ = try process.handle.waitForExit()
        probe.removeTree()
    }

    /// Ends all app processes with all that they have started, and removes their groups; returns how many there were.
    @discardableResult
    func endAll() -> Int {
        let groups = [self.group, self.units.instanceGroup].compactMap { $0 }
        let count = groups.reduce(0) { $0 + $1.processCount }
        for group in groups { group.killAll() }
        let deadline = MonotonicClock.now + UInt64(Self.endLimit.wholeNanoseconds)
        // Nothing tells when the last one has gone that could be waited for here; it takes a millisecond or two.
        while groups.contains(where: \.isPopulated), MonotonicClock.now < deadline { Pause.wait(.milliseconds(2)) }
        for app in self.group.children { app.removeTree() }
        // The next core gives those of its apps other names, and systemd keeps a slice in which nothing is.
        for slice in self.units.appSlices where MonotonicClock.now < deadline { TransientScope.stop(slice: slice) }
        return count
    }

    /// After ``endAll()``; nothing is made in it any more.
    func remove() {
        self.group.removeTree()
        if self.units.instanceGroup != nil { TransientScope.stop(slice: self.units.instanceSlice) }
    }
}
