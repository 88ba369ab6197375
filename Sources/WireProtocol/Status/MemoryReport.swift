// SPDX-License-Identifier: MIT

/// The memory of one process in a `StatusReport`; kilobytes.
///
/// The first three are nil as long as they have not been read, and where they may not be.
package struct MemoryReport: Codable, Hashable, Sendable {
    /// What would be free if the process ended: private dirty pages and swap.
    package var ownKilobytes: Int?
    /// Written pages that other processes have as well, such as what a preloader loaded.
    package var sharedKilobytes: Int?
    /// Its part of all its pages, those of files too: each divided by the number of processes that have it.
    package var proportionalKilobytes: Int?
    package var residentKilobytes: Int
    /// Address space, used or not.
    package var virtualKilobytes: Int

    package init(resident: Int, virtual: Int, own: Int? = nil, shared: Int? = nil, proportional: Int? = nil) {
        self.ownKilobytes = own
        self.sharedKilobytes = shared
        self.proportionalKilobytes = proportional
        self.residentKilobytes = resident
        self.virtualKilobytes = virtual
    }

    enum CodingKeys: String, CodingKey {
        case ownKilobytes = "private"
        case sharedKilobytes = "shared"
        case proportionalKilobytes = "proportional"
        case residentKilobytes = "resident"
        case virtualKilobytes = "virtual"
    }
}

/// What the processes of a group use together; kilobytes.
package struct MemorySumReport: Codable, Hashable, Sendable {
    /// The sum of what is private to each.
    package var ownKilobytes: Int
    /// Memory of their own making, what they share counted once.
    package var usedKilobytes: Int
    /// What they would use more if each had loaded the application by itself; nil where no preloader forked them.
    ///
    /// Negative while a preloader costs more than its workers share.
    package var savedKilobytes: Int?

    package init(own: Int, used: Int, saved: Int? = nil) {
        self.ownKilobytes = own
        self.usedKilobytes = used
        self.savedKilobytes = saved
    }

    /// Whole percent of what they would use without sharing; nil if nothing is saved.
    package var savedPercent: Int? {
        guard let saved = self.savedKilobytes, saved > 0 else { return nil }
        return Int(Double(saved) / (Double(saved) + Double(max(0, self.usedKilobytes))) * 100)
    }

    enum CodingKeys: String, CodingKey {
        case ownKilobytes = "private"
        case usedKilobytes = "used"
        case savedKilobytes = "saved"
    }
}

/// The process that loads an application once and forks its workers.
package struct PreloaderReport: Codable, Hashable, Sendable {
    package var pid: Int32
    package var uptimeSeconds: Int
    /// 0: it has loaded the app; each later one came of a process of the one before.
    ///
    /// nil from older daemons.
    package var generation: Int?
    /// nil if it is gone.
    package var memory: MemoryReport?

    package init(pid: Int32, uptimeSeconds: Int, generation: Int? = nil, memory: MemoryReport? = nil) {
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.generation = generation
        self.memory = memory
    }

    enum CodingKeys: String, CodingKey {
        case pid, memory, generation
        case uptimeSeconds = "uptime"
    }
}
