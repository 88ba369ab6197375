// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct ControlGroupPlaceTests {
    private static let head = "24 29 0:22 / /proc rw,nosuid shared:12 - proc proc rw\n"

    private func directory(_ groups: String, _ mounts: String) -> String? {
        ControlGroupPlace.directory(ofGroups: Array(groups.utf8), mounts: Array((Self.head + mounts).utf8))
    }

    @Test func `a service of systemd has the directory of its unit`() {
        let mounts = "35 24 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
        #expect(
            directory("0::/system.slice/flying-passenger.service\n", mounts)
                == "/sys/fs/cgroup/system.slice/flying-passenger.service"
        )
        #expect(directory("0::/\n", mounts) == "/sys/fs/cgroup")
    }

    @Test func `the line of version 2 counts where both versions are mounted`() {
        let mounts = """
            30 29 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            31 29 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup rw

            """
        #expect(directory("8:pids:/a\n4:memory:/b\n0::/c\n", mounts) == "/sys/fs/cgroup/unified/c")
        #expect(directory("8:pids:/a\n4:memory:/b\n", mounts) == nil)
    }

    @Test func `what cannot be reached is no place`() {
        let part = "31 29 0:30 /box /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
        #expect(directory("0::/box/app\n", part) == "/sys/fs/cgroup/app")
        #expect(directory("0::/box\n", part) == "/sys/fs/cgroup")
        #expect(directory("0::/boxes\n", part) == nil)
        #expect(directory("0::/\n", part) == nil)
        #expect(directory("0::/../other\n", "31 29 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n") == nil)
        #expect(directory("0::/\n", "") == nil)
        #expect(directory("", part) == nil)
    }

    @Test func `a mount point with a blank, and lines that are none`() {
        #expect(directory("0::/a\n", "x\n31 29 0:30 / /mnt/c\\040g rw - cgroup2 c rw\n") == "/mnt/c g/a")
        #expect(directory("0::/a\n", "31 29 0:30 / /mnt/c\\9 rw - cgroup2 c rw\n") == "/mnt/c\\9/a")
        #expect(directory("0::/a\n", "31 29 0:30 / /mnt rw -\n31 29 0:30 / /m rw - cgroup2\n") == "/m/a")
    }
}
