// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

struct UTCTimeTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01 00:00:00 UTC"), (951_782_400, "2000-02-29 00:00:00 UTC"),
        (951_868_799, "2000-02-29 23:59:59 UTC"), (1_709_164_800, "2024-02-29 00:00:00 UTC"),
        (1_735_689_599, "2024-12-31 23:59:59 UTC"), (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        (1_795_563_065, "2026-11-24 23:31:05 UTC"), (-1, "1969-12-31 23:59:59 UTC"),
    ])
    func `a moment is written in universal time`(seconds: Int64, text: String) {
        #expect(UTCTime(microseconds: seconds * 1_000_000).description == text)
        if seconds >= 0 { #expect(UTCTime(microseconds: seconds * 1_000_000 + 999_999).description == text) }
    }

    @Test func `no moment traps`() {
        for value in [Int64.min, .max] { #expect(UTCTime(microseconds: value).description.hasSuffix("UTC")) }
    }
}
