// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// What a process uses, as far as it could be read.
struct Measurement: Equatable, Sendable {
    /// Whole percent of one processor.
    let processorPercent: Int
    /// Private dirty memory and swap, else what is resident.
    let memoryKilobytes: Int
}

/// Reads /proc for the status.
///
/// Blocking: for a thread of its own.
final class Measurements: Sendable {
    private let use = Mutex(ProcessorUse())

    /// Measures processes, given with their ages; those that are gone have no entry.
    func read(_ processes: [(pid: Int32, uptimeSeconds: Int)]) -> [Int32: Measurement] {
        var measurements: [Int32: Measurement] = [:]
        for (pid, uptime) in processes {
            guard let process = ProcInfo(pid: pid), !process.isZombie else { continue }
            let reading = ProcessorReading(
                time: MonotonicClock.now,
                ticks: process.cpuTicks,
                startTime: process.startTime
            )
            let bytes = ProcInfo.privateMemoryBytes(pid: pid) ?? process.residentBytes
            measurements[pid] = Measurement(
                processorPercent: self.use.withLock { use in
                    use.percent(pid: pid, reading: reading, uptimeSeconds: uptime)
                },
                memoryKilobytes: Int(clamping: bytes / 1024)
            )
        }
        let present = Set(processes.map(\.pid))
        self.use.withLock { $0.keep(only: present) }
        return measurements
    }
}
