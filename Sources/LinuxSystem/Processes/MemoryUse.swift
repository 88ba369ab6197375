// SPDX-License-Identifier: MIT

/// The memory that a process uses, as the kernel counts it page by page (`smaps_rollup`, proc(5)); all in bytes.
///
/// Reading it can take the kernel a second, and as long as the process likes: see `Supervisor/Admin/MemorySampler`.
package struct MemoryUse: Hashable, Sendable {
    /// What would be free if the process ended: private dirty pages and swap.
    package let privateBytes: UInt64
    /// Written pages that other processes have as well: what a preloader loaded and its workers have not changed.
    package let sharedBytes: UInt64
    /// Its part of all its pages, those of files too: each divided by the number of processes that have it.
    package let proportionalBytes: UInt64
    /// Pages of its own making, in memory or in swap, whoever else has them: what it would need if nobody shared.
    package let writtenBytes: UInt64
    /// Its part of those, each divided by the number of processes that have it.
    package let writtenPartBytes: UInt64

    package init(
        privateBytes: UInt64,
        sharedBytes: UInt64,
        proportionalBytes: UInt64,
        writtenBytes: UInt64,
        writtenPartBytes: UInt64
    ) {
        self.privateBytes = privateBytes
        self.sharedBytes = sharedBytes
        self.proportionalBytes = proportionalBytes
        self.writtenBytes = writtenBytes
        self.writtenPartBytes = writtenPartBytes
    }

    /// nil when the process is gone, or may not be looked at.
    package init?(pid: Int32) {
        guard let bytes = try? Files.read("/proc/\(pid)/smaps_rollup", limit: 16_384) else { return nil }
        self.init(rollup: String(decoding: bytes, as: UTF8.self))
    }

    init?(rollup text: String) {
        let fields = ProcInfo.kilobyteFields(text)
        // Pss_Anon is there since Linux 5.3; we need 5.9 for other reasons.
        guard let privateDirty = fields["Private_Dirty"], let anonymous = fields["Anonymous"],
            let anonymousPart = fields["Pss_Anon"]
        else { return nil }
        let swap = fields["Swap"] ?? 0
        self.init(
            privateBytes: privateDirty.addingSaturated(swap),
            sharedBytes: fields["Shared_Dirty"] ?? 0,
            proportionalBytes: fields["Pss"] ?? 0,
            writtenBytes: anonymous.addingSaturated(swap),
            writtenPartBytes: anonymousPart.addingSaturated(fields["SwapPss"] ?? 0)
        )
    }
}

/// What the processes of an application use together, and what they save by sharing it; in bytes.
package struct MemorySum: Hashable, Sendable {
    /// What ending all of them would free at least: the sum of what is private to each.
    package let privateBytes: UInt64
    /// Memory of their own making, what they share counted once.
    package let usedBytes: UInt64
    /// What the workers would use more if each had loaded the application by itself.
    ///
    /// The preloader is a cost: beside a single worker nothing is saved, and this is negative.
    package let savedBytes: Int64

    /// `preloader` is whose children the workers are; nil: it has stopped, or there is none.
    package init(workers: [MemoryUse], preloader: MemoryUse? = nil) {
        let all = workers + [preloader].compactMap(\.self)
        self.privateBytes = all.reduce(UInt64(0)) { $0.addingSaturated($1.privateBytes) }
        // Processes that workers have started take a part of what they share, too, and are not among these: but all that a
        // process has is there once at least.
        let parts = all.reduce(UInt64(0)) { $0.addingSaturated($1.writtenPartBytes) }
        self.usedBytes = max(parts, all.map(\.writtenBytes).max() ?? 0)
        let alone = workers.reduce(UInt64(0)) { $0.addingSaturated($1.writtenBytes) }
        self.savedBytes = Int64(clamping: alone) - Int64(clamping: self.usedBytes)
    }
}
