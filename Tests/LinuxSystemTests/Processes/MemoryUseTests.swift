// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct MemoryUseTests {
    /// A process in mebibytes: its own, what it shares, and its part of that.
    private func process(own: UInt64, shared: UInt64 = 0, part: UInt64 = 0) -> MemoryUse {
        MemoryUse(
            privateBytes: own << 20,
            sharedBytes: shared << 20,
            proportionalBytes: (own + part + 1) << 20,
            writtenBytes: (own + shared) << 20,
            writtenPartBytes: (own + part) << 20
        )
    }

    @Test func `this process has memory of its own`() throws {
        let use = try #require(MemoryUse(pid: CurrentProcess.pid))
        #expect(use.privateBytes > 1 << 20)
        #expect(use.writtenBytes >= use.writtenPartBytes && use.writtenPartBytes > 1 << 20)
        #expect(use.proportionalBytes > use.writtenPartBytes)
        #expect(MemoryUse(pid: 0x7FFF_FFFF) == nil)
    }

    @Test func `swap counts as memory that is written`() throws {
        let text = """
            55 rw-p [rollup]
            Rss:      90 kB
            Pss:      40 kB
            Pss_Anon:      30 kB
            Shared_Clean:      7 kB
            Shared_Dirty:      20 kB
            Private_Dirty:      21 kB
            Anonymous:      41 kB
            Swap:      4 kB
            SwapPss:      2 kB

            """
        let expected = MemoryUse(
            privateBytes: 25 << 10,
            sharedBytes: 20 << 10,
            proportionalBytes: 40 << 10,
            writtenBytes: 45 << 10,
            writtenPartBytes: 32 << 10
        )
        #expect(MemoryUse(rollup: text) == expected)
        #expect(MemoryUse(rollup: text.replacing("Pss_Anon", with: "Pss_Any")) == nil)
        #expect(MemoryUse(rollup: "") == nil)
    }

    @Test func `four workers of a preloader save three times what they share`() {
        let worker = process(own: 5, shared: 50, part: 10)
        let sum = MemorySum(
            workers: [worker, worker, worker, worker],
            preloader: process(own: 1, shared: 50, part: 10)
        )
        #expect(sum.privateBytes == 21 << 20)
        #expect(sum.usedBytes == 71 << 20)
        #expect(sum.savedBytes == 149 << 20)
    }

    @Test func `a preloader that has stopped costs nothing`() {
        let worker = process(own: 5, shared: 50, part: 25)
        #expect(MemorySum(workers: [worker, worker]).savedBytes == 50 << 20)
    }

    @Test func `a preloader with a single worker is a cost`() {
        let sum = MemorySum(
            workers: [process(own: 2, shared: 50, part: 25)],
            preloader: process(own: 3, shared: 50, part: 25)
        )
        #expect(sum.usedBytes == 55 << 20)
        #expect(sum.savedBytes == -(3 << 20))
    }

    @Test func `what workers share with processes that they started is no saving`() {
        // Its child has the other half of it.
        let worker = process(own: 0, shared: 50, part: 25)
        #expect(MemorySum(workers: [worker]).savedBytes == 0)
        #expect(MemorySum(workers: [process(own: 40), process(own: 30)]).savedBytes == 0)
    }

    @Test func `no number is too large`() {
        let huge = MemoryUse(
            privateBytes: .max,
            sharedBytes: .max,
            proportionalBytes: .max,
            writtenBytes: .max,
            writtenPartBytes: .max
        )
        let sum = MemorySum(workers: [huge, huge], preloader: huge)
        #expect(sum.privateBytes == .max && sum.usedBytes == .max && sum.savedBytes == 0)
        #expect(MemorySum(workers: []) == MemorySum(workers: [], preloader: nil))
    }
}
