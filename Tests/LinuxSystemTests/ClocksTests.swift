// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct ClocksTests {
    @Test func `monotonic time does not go back`() {
        let before = MonotonicClock.now
        #expect(MonotonicClock.now >= before)
    }

    @Test func `a moment is broken down in universal time`() {
        let time = LocalTime(microseconds: 1_896_026_709_095_339, universal: true)
        #expect([time.year, time.month, time.day] == [2030, 1, 30])
        #expect([time.hour, time.minute, time.second, time.microsecond] == [18, 5, 9, 95_339])
        #expect(time.weekday == 3)
        #expect(time.zoneOffsetSeconds == 0)
    }

    @Test func `a moment before 1970 has a positive fraction`() {
        let time = LocalTime(microseconds: -1, universal: true)
        #expect([time.year, time.second, time.microsecond] == [1969, 59, 999_999])
    }

    @Test func `random numbers differ and have their length`() {
        #expect(RandomBytes.uint64() != RandomBytes.uint64())
        #expect(RandomBytes.bytes(13).count == 13)
        #expect(RandomBytes.hexadecimal(5).utf8.count == 10)
    }
}
