// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct FloorTests {
    @Test(
        arguments: [
            ("cgroups", "cgroups", true), ("cgroups,cgroup.kill", "cgroup.kill", true), ("a,b,c", "b", true),
            (",,openat2,", "openat2", true), ("cgroups", "cgroup", false), ("cgroup", "cgroups", false),
            ("", "openat2", false), ("", "", false), (",", "", false), ("OPENAT2", "openat2", false),
        ]
    )
    func `a name is in a list as a whole or not at all`(names: String, name: String, isListed: Bool) {
        #expect(Floor.lists(name, in: names) == isListed)
    }

    @Test func `nothing is missing unless the environment says so`() {
        #expect(!Floor.lacks("openat2"))
    }
}
