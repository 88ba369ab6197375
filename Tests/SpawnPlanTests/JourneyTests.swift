// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct JourneyTests {
    @Test func `a step that begins ends the one before`() {
        var journey = Journey()
        #expect(journey.current == .prepare)
        journey.begin(.prepare, at: .zero)
        journey.begin(.start, at: .milliseconds(5))
        journey.fail(.start, at: .milliseconds(7))
        #expect(journey.entries[0].state == .done && journey.entries[0].duration == .milliseconds(5))
        #expect(journey.entries[1].state == .failed && journey.entries[1].duration == .milliseconds(2))
        #expect(journey.failed == .start && journey.current == .start)
        #expect(journey.entries.last?.state == .notStarted)
    }

    @Test func `a step may end without a beginning, and clocks may stand still`() {
        var journey = Journey()
        journey.finish(.listen, at: .seconds(1))
        #expect(journey.entries.first { $0.step == .listen }?.duration == .zero)
    }

    @Test func `each way has its steps, and what was done on the way to a preloader stays done`() {
        #expect(!Journey().entries.contains { $0.step == .fork || $0.step == .afterFork })
        #expect(Journey(.forked).entries.map(\.step) == [.prepare, .fork, .afterFork, .listen, .ready])
        #expect(Journey(.reforked).entries.map(\.step) == [.prepare, .fork, .afterFork, .ready])
        var journey = Journey()
        journey.begin(.prepare, at: .zero)
        journey.begin(.start, at: .seconds(1))
        journey.follow(.preloader)
        #expect(journey.route == .preloader && journey.current == .start)
        #expect(journey.entries[0].duration == .seconds(1))
        #expect(!journey.entries.contains { [.listen, .fork, .afterFork].contains($0.step) })
        #expect(journey.entries.count == Journey().entries.count - 1)
    }

    @Test func `an error ID has eight digits`() {
        #expect(ErrorID(0xAB).description == "000000ab")
        #expect(ErrorID(.max).description == "ffffffff")
    }
}
