// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import AdminTools

@Suite struct TerminalTests {
    @Test func `dates have the form of the guide`() {
        let time = LocalTime(microseconds: 1_896_113_109_000_000, universal: true)
        #expect(Terminal.text(time) == "2030-01-31 18:05:09 +0000")
    }
}
