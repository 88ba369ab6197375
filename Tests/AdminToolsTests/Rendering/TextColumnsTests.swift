// SPDX-License-Identifier: MIT

import Testing

@testable import AdminTools

@Suite struct TextColumnsTests {
    @Test(arguments: [
        (-5, "0s"), (0, "0s"), (9, "9s"), (60, "1m 0s"), (129, "2m 9s"), (3_600, "1h 0m 0s"), (10_929, "3h 2m 9s"),
        (86_400, "1d 0h 0m 0s"), (97_329, "1d 3h 2m 9s"), (8_640_000, "100d 0h 0m 0s"),
    ])
    func `durations begin with their largest unit`(seconds: Int, text: String) {
        #expect(TextColumns.duration(seconds: seconds) == text)
    }

    @Test func `long values push the following columns`() {
        #expect(TextColumns.leftJustified("12", 5) == "12   ")
        #expect(TextColumns.leftJustified("123456", 5) == "123456")
    }
}
