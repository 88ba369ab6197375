// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct ProcessorUseTests {
    private var use = ProcessorUse()
    private static let second: UInt64 = 1_000_000_000

    private mutating func percent(at seconds: Double, ticks: UInt64, start: UInt64 = 1, uptime: Int = 100) -> Int {
        let reading = ProcessorReading(time: UInt64(seconds * 1e9), ticks: ticks, startTime: start)
        return use.percent(pid: 7, reading: reading, uptimeSeconds: uptime)
    }

    @Test mutating func `the first reading gives the average over the life`() {
        #expect(percent(at: 1000, ticks: 1000) == 10)
    }

    @Test mutating func `no number of the kernel is too large`() {
        #expect(percent(at: 1000, ticks: .max, uptime: 0) == Int(UInt32.max))
        #expect(percent(at: 1000, ticks: .max, uptime: .min) == Int(UInt32.max))
        #expect(percent(at: 1000, ticks: 1000, uptime: .max) == 0)
    }

    @Test mutating func `a second reading gives recent use`() {
        _ = percent(at: 1000, ticks: 1000)
        #expect(percent(at: 1002, ticks: 1100) == 50)
        #expect(percent(at: 1004, ticks: 1500) == 200)
    }

    @Test mutating func `readings too close or too far apart give the average`() {
        _ = percent(at: 1000, ticks: 1000)
        #expect(percent(at: 1000.1, ticks: 1000) == 10)
        #expect(percent(at: 1100, ticks: 1000) == 10)
    }

    @Test mutating func `a process with a used PID starts anew`() {
        _ = percent(at: 1000, ticks: 1000)
        #expect(percent(at: 1002, ticks: 1, start: 2, uptime: 0) == 1)
    }

    @Test mutating func `processes that are gone are forgotten`() {
        _ = percent(at: 1000, ticks: 1000)
        use.keep(only: [])
        #expect(percent(at: 1002, ticks: 1100) == 11)
    }
}
