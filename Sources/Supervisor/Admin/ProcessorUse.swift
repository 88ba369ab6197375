// SPDX-License-Identifier: MIT

/// One reading of the processor time that a process has used.
struct ProcessorReading: Equatable {
    /// Nanoseconds of the monotonic clock.
    let time: UInt64
    /// Clock ticks of user and system time.
    let ticks: UInt64
    /// Clock ticks since boot; tells a process from a later one with its PID.
    let startTime: UInt64
}

/// Processor use in whole percent of one processor, from successive readings.
///
/// Recent use where there is an earlier reading that is not older than a minute, else the average over the process's life.
struct ProcessorUse {
    static let ticksPerSecond: UInt64 = 100
    private static let second: UInt64 = 1_000_000_000
    private static let shortest = second / 2
    private static let longest = 60 * second
    /// Seconds; 136 years, whose nanoseconds fit into 64 bits.
    private static let longestLife = Int(UInt32.max)

    private var earlier: [Int32: ProcessorReading] = [:]

    /// `uptimeSeconds` is the age of the process.
    mutating func percent(pid: Int32, reading: ProcessorReading, uptimeSeconds: Int) -> Int {
        let average = Self.percent(
            ticks: reading.ticks,
            nanoseconds: UInt64(min(max(1, uptimeSeconds), Self.longestLife)) * Self.second
        )
        guard let last = self.earlier[pid], last.startTime == reading.startTime, last.ticks <= reading.ticks,
            reading.time >= last.time, reading.time - last.time <= Self.longest
        else {
            self.earlier[pid] = reading
            return average
        }
        let elapsed = reading.time - last.time
        guard elapsed >= Self.shortest else { return average }
        self.earlier[pid] = reading
        return Self.percent(ticks: reading.ticks - last.ticks, nanoseconds: elapsed)
    }

    /// Forgets processes that are no more.
    mutating func keep(only pids: Set<Int32>) {
        self.earlier = self.earlier.filter { pids.contains($0.key) }
    }

    private static func percent(ticks: UInt64, nanoseconds: UInt64) -> Int {
        let busy = Double(ticks) / Double(self.ticksPerSecond)
        let percent = (busy / (Double(nanoseconds) / Double(self.second)) * 100).rounded()
        return Int(exactly: min(percent, Double(UInt32.max))) ?? 0
    }
}
