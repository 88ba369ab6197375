// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// What a process uses, as far as it could be read.
struct Measurement: Equatable, Sendable {
    /// Whole percent of one processor.
    var processorPercent: Int
    var residentBytes: UInt64
    var virtualBytes: UInt64
    /// nil: not read yet, or it may not be read.
    var memory: MemoryUse?
    /// Whole seconds since `memory` was read.
    var memoryAgeSeconds = 0
}

/// Reads /proc for the status, as far as the kernel answers at once; `MemorySampler` has the rest.
///
/// For a thread of its own.
final class Measurements: Sendable {
    /// A process that somebody may see.
    struct Subject: Sendable {
        let pid: Int32
        let uptimeSeconds: Int
        let memory: MemorySampler.Reading?
    }

    private let use = Mutex(ProcessorUse())

    /// Measures processes; those that are gone have no entry.
    func read(_ processes: [Subject]) -> [Int32: Measurement] {
        var measurements: [Int32: Measurement] = [:]
        let now = MonotonicClock.now
        for subject in processes {
            guard let process = ProcInfo(pid: subject.pid), !process.isZombie else { continue }
            let reading = ProcessorReading(time: now, ticks: process.cpuTicks, startTime: process.startTime)
            let percent = self.use.withLock { use in
                use.percent(pid: subject.pid, reading: reading, uptimeSeconds: subject.uptimeSeconds)
            }
            let age = subject.memory.map { now > $0.time ? Int((now - $0.time) / 1_000_000_000) : 0 }
            measurements[subject.pid] = Measurement(
                processorPercent: percent,
                residentBytes: process.residentBytes,
                virtualBytes: process.virtualBytes,
                memory: subject.memory?.use,
                memoryAgeSeconds: subject.memory?.use == nil ? 0 : age ?? 0
            )
        }
        return measurements
    }

    /// Forgets processes that are no more.
    func keep(only pids: Set<Int32>) { self.use.withLock { $0.keep(only: pids) } }
}
