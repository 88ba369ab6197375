// SPDX-License-Identifier: MIT

import Glibc
import Synchronization
import Testing

@testable import LinuxSystem

struct OSThreadTests {
    /// Lines of /proc/self/maps: a thread that is neither joined nor detached keeps two.
    private var mappings: Int {
        get throws { try Files.read("/proc/self/maps", limit: 16 << 20).count { $0 == UInt8(ascii: "\n") } }
    }

    @Test func `a detached thread leaves nothing behind`() throws {
        let ended = Mutex(0)
        let before = try self.mappings
        for number in 1...2000 {
            try OSThread.startDetached(name: "brief") { ended.withLock { $0 += 1 } }
            while ended.withLock({ $0 }) < number { sched_yield() }
        }
        // Others run tests beside it, and some stacks are kept for the next threads.
        #expect(try self.mappings < before + 1000)
    }
}
