// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct PollTests {
    @Test func `waiting ends with the time, or with the event`() throws {
        let pair = try SocketPair.make()
        #expect(try Poll.wait(pair.firstEnd, for: .readable, timeout: .milliseconds(1)) == [])
        try Descriptor.duplicating(pair.secondEnd).writeAll("x")
        #expect(try Poll.wait(pair.firstEnd, for: .readable, timeout: nil) == .readable)
    }

    @Test func `several descriptors are answered in their order`() throws {
        let pair = try SocketPair.make()
        let ready = try Poll.wait([(pair.firstEnd, .readable), (pair.secondEnd, .writable)], timeout: .seconds(5))
        #expect(ready == [[], .writable])
    }

    @Test func `durations are cut to whole units`() {
        #expect(Duration.milliseconds(1_500).wholeMilliseconds == 1_500)
        #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
        #expect(Duration.nanoseconds(7).wholeNanoseconds == 7)
        #expect(Duration.seconds(Int64.max / 2).wholeNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).wholeNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).wholeNanoseconds == .min)
    }
}
