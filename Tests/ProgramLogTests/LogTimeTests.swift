// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import ProgramLog

@Suite struct LogTimeTests {
    @Test func `a moment is stamped with leading zeros`() {
        let time = LocalTime(microseconds: 1_896_113_109_005_339, universal: true)
        #expect(LogTime.stamp(time) == "2030-01-31T18:05:09.005339")
    }
}
