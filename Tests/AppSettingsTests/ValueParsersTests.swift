// SPDX-License-Identifier: MIT

import Testing

@testable import AppSettings

struct ValueParsersTests {
    @Test(arguments: [
        ("0", 0), ("8192", 8192), ("1k", 1024), ("128K", 131_072), ("10m", 10_485_760), ("2G", 2_147_483_648),
    ])
    func `sizes are read with their units`(text: String, bytes: Int) throws {
        #expect(try ValueParsers.size(text) == bytes)
    }

    @Test(arguments: ["", "k", "1kb", "1 k", "-1", "1.5m", "99999999999999999999", "9999999999g", "+1"])
    func `what is no size is refused`(text: String) {
        #expect(throws: ValueError.self) { try ValueParsers.size(text) }
    }

    @Test(arguments: [
        ("0", 0), ("30", 30_000), ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000),
        ("1d", 86_400_000), ("1w", 604_800_000), ("1h30m", 5_400_000), ("1h 30m", 5_400_000), ("1m 5", 65_000),
    ])
    func `times are read with their units`(text: String, milliseconds: Int) throws {
        #expect(try ValueParsers.duration(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "s", "1x", "-1", "1.5s", "ms", " 5", "99999999999999999999s", "9999999w"])
    func `what is no time is refused`(text: String) {
        #expect(throws: ValueError.self) { try ValueParsers.duration(text) }
    }

    @Test(arguments: [("on", true), ("off", false), ("ON", true), ("true", true), ("no", false)])
    func `flags are read`(text: String, value: Bool) throws {
        #expect(try ValueParsers.flag(text) == value)
    }

    @Test(arguments: ["", "maybe", "2", "on "])
    func `what is no flag is refused`(text: String) {
        #expect(throws: ValueError.self) { try ValueParsers.flag(text) }
    }

    @Test func `numbers outside their bounds are refused with the bounds`() throws {
        #expect(try ValueParsers.integer("7", in: 0...10) == 7)
        let tooLarge = #expect(throws: ValueError.self) { try ValueParsers.integer("11", in: 0...10) }
        #expect(tooLarge?.reason == "must be from 0 to 10")
        let tooSmall = #expect(throws: ValueError.self) { try ValueParsers.integer("0", in: 1...Int.max) }
        #expect(tooSmall?.reason == "must be at least 1")
        #expect(throws: ValueError.self) { try ValueParsers.integer("+5", in: 0...10) }
        #expect(throws: ValueError.self) { try ValueParsers.integer("five", in: 0...10) }
    }

    @Test func `whole milliseconds of a duration are rounded down`() {
        #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
        #expect(Duration.seconds(90).wholeMilliseconds == 90_000)
    }
}
