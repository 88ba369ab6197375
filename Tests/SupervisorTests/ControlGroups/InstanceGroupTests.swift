// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

struct InstanceGroupTests {
    private let place: TestDirectory
    private let directory: InstanceDirectory

    init() throws {
        self.place = try TestDirectory()
        self.directory = try InstanceDirectory.create(in: self.place.path).directory
    }

    private func find(_ path: String) throws -> InstanceGroup? {
        try Files.write(Array(path.utf8), to: self.directory.controlGroupPath, mode: 0o600)
        return InstanceGroup.find(for: self.directory)
    }

    /// As systemd leaves it when all of a unit has been killed: what lies elsewhere has to be ended all the same.
    @Test func `the group of a daemon is known after it has gone`() throws {
        let group = try #require(try self.find("\(self.place.path)/flying-passenger.\(self.directory.name)"))
        #expect(group.units.instanceSlice == "flyingpassenger-\(self.directory.name).slice")
        #expect(group.units.appSlices == [])
        #expect(group.endAll() == 0)
        group.remove()
    }

    @Test(arguments: ["", "/sys/fs/cgroup", "/sys/fs/cgroup/flying-passenger.other", "flying-passenger."])
    func `another group is none of it`(path: String) throws {
        #expect(try self.find(path) == nil)
    }

    @Test func `without control groups there is none`() {
        #expect(InstanceGroup.find(for: self.directory) == nil)
    }
}
