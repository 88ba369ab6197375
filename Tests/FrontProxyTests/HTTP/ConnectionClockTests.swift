// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct ConnectionClockTests {
    private static func at(_ seconds: UInt64) -> NIODeadline { .uptimeNanoseconds(seconds * 1_000_000_000) }

    private static let states: [ConnectionClock.State] = [
        .stopped, .unarmed, .spare(armedFor: at(10)), .waiting(until: at(20), armedFor: at(10)),
    ]

    private static func clock(in state: ConnectionClock.State) -> ConnectionClock {
        var clock = ConnectionClock()
        switch state {
        case .stopped: clock.stop()
        case .unarmed: break
        case .spare, .waiting:
            _ = clock.set(at(10))
            _ = clock.set(at(20))
            if case .spare = state { clock.clear() }
        }
        return clock
    }

    @Test(
        arguments: zip(
            states,
            [.stopped, .unarmed, .spare(armedFor: at(10)), .spare(armedFor: at(10))] as [ConnectionClock.State]
        )
    )
    func `clearing keeps the timer`(_ state: ConnectionClock.State, _ next: ConnectionClock.State) {
        var clock = Self.clock(in: state)
        #expect(clock.state == state)
        clock.clear()
        #expect(clock.state == next)
    }

    @Test(arguments: zip(states, [false, true, false, false]))
    func `a later deadline needs no new timer`(_ state: ConnectionClock.State, _ isArmed: Bool) {
        var clock = Self.clock(in: state)
        #expect(clock.set(Self.at(30)) == isArmed)
    }

    @Test(arguments: zip(states, [false, true, true, true]))
    func `an earlier deadline needs one`(_ state: ConnectionClock.State, _ isArmed: Bool) {
        var clock = Self.clock(in: state)
        #expect(clock.set(Self.at(5)) == isArmed)
    }

    @Test(arguments: zip(states, [.none, .none, .none, .arm(at(20))] as [ConnectionClock.FiredAction]))
    func `an early timer is armed for the rest`(_ state: ConnectionClock.State, _ action: ConnectionClock.FiredAction) {
        var clock = Self.clock(in: state)
        #expect(clock.fired(at: Self.at(10)) == action)
    }

    @Test(arguments: zip(states, [.none, .none, .none, .deadlineReached] as [ConnectionClock.FiredAction]))
    func `a deadline is reached once`(_ state: ConnectionClock.State, _ action: ConnectionClock.FiredAction) {
        var clock = Self.clock(in: state)
        #expect(clock.fired(at: Self.at(20)) == action)
        #expect(clock.fired(at: Self.at(20)) == .none)
    }

    @Test func `a client is stuck when it takes nothing for its time`() {
        var progress = OutputProgress()
        progress.handed(100)
        let limit = TimeAmount.seconds(10)
        #expect(progress.look(waiting: 0, limit: limit, at: Self.at(1)) == .done)
        #expect(progress.look(waiting: 50, limit: limit, at: Self.at(2)) == .waiting(until: Self.at(12)))
        #expect(progress.look(waiting: 40, limit: limit, at: Self.at(11)) == .waiting(until: Self.at(21)))
        // More to take is no progress.
        progress.handed(10)
        #expect(progress.look(waiting: 50, limit: limit, at: Self.at(21)) == .stuck)
    }
}
