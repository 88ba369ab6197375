// SPDX-License-Identifier: MIT

import Glibc

/// How busy the machine is (proc_loadavg(5), proc_meminfo(5)).
package struct MachineFacts: Hashable, Sendable {
    /// Over 1, 5 and 15 minutes, as the kernel writes them; empty when they cannot be read.
    package let loadAverages: [String]
    /// In bytes by name (`MemTotal`, `MemAvailable`, `SwapTotal`, `SwapFree`, …); empty when it cannot be read.
    package let memory: [String: UInt64]

    /// As it is now.
    package init() {
        // /proc does not fail but when it is not mounted.
        let load = (try? Files.read("/proc/loadavg", limit: 4_096)) ?? []
        let memory = (try? Files.read("/proc/meminfo", limit: 65_536)) ?? []
        self.init(load: String(decoding: load, as: UTF8.self), memory: String(decoding: memory, as: UTF8.self))
    }

    init(load: String, memory: String) {
        self.loadAverages = load.split(separator: " ").prefix(3).map(String.init)
        self.memory = ProcInfo.kilobyteFields(memory)
    }
}
