// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct IntakeMachineTests {
    static let states: [IntakeMachine.State] = [
        .none, .collecting(received: 6), .storing, .streaming(received: 6), .complete, .dropped,
    ]

    static func machine(in state: IntakeMachine.State) -> IntakeMachine {
        var machine = IntakeMachine(limit: 10)
        switch state {
        case .none: break
        case .collecting, .storing:
            machine.began(.collect)
            _ = machine.received(6, isLast: state == .storing)
        case .streaming, .complete:
            machine.began(.stream)
            _ = machine.received(6, isLast: state == .complete)
        case .dropped: machine.dropped()
        }
        return machine
    }

    @Test(
        arguments: zip(
            states,
            [.ignored, .store, .ignored, .pass, .ignored, .ignored] as [IntakeMachine.ReceiveAction]
        )
    )
    func `bytes up to the limit are taken`(_ state: IntakeMachine.State, _ action: IntakeMachine.ReceiveAction) {
        var machine = Self.machine(in: state)
        #expect(machine.state == state)
        #expect(machine.received(4, isLast: false) == action)
    }

    @Test(
        arguments: zip(
            states,
            [.ignored, .storeLast, .ignored, .passLast, .ignored, .ignored] as [IntakeMachine.ReceiveAction]
        )
    )
    func `the last bytes complete it`(_ state: IntakeMachine.State, _ action: IntakeMachine.ReceiveAction) {
        var machine = Self.machine(in: state)
        #expect(machine.received(0, isLast: true) == action)
        if action == .storeLast { #expect(machine.state == .storing) }
        if action == .passLast { #expect(machine.state == .complete) }
    }

    @Test(
        arguments: zip(
            states,
            [.ignored, .refuse, .ignored, .refuse, .ignored, .ignored] as [IntakeMachine.ReceiveAction]
        )
    )
    func `one byte too many is refused`(_ state: IntakeMachine.State, _ action: IntakeMachine.ReceiveAction) {
        for isLast in [false, true] {
            var machine = Self.machine(in: state)
            #expect(machine.received(5, isLast: isLast) == action)
            if action == .refuse { #expect(machine.state == .dropped) }
        }
    }

    @Test(arguments: zip(states, [false, false, true, false, false, false]))
    func `what was stored goes to whoever waits for it`(_ state: IntakeMachine.State, _ isWanted: Bool) {
        var machine = Self.machine(in: state)
        #expect(machine.stored() == isWanted)
        #expect(machine.state == (isWanted ? .complete : state))
    }

    @Test(arguments: states) func `it begins once and can be dropped at any time`(_ state: IntakeMachine.State) {
        var machine = Self.machine(in: state)
        machine.began(.collect)
        #expect(machine.state == (state == .none ? .collecting(received: 0) : state))
        machine.dropped()
        #expect(machine.state == .dropped)
    }

    @Test func `without a limit everything is taken`() {
        var machine = IntakeMachine(limit: 0)
        machine.began(.stream)
        #expect(machine.received(1 << 40, isLast: false) == .pass)
    }

    @Test(arguments: 1...50) func `no more than the limit is ever taken`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<200 {
            var machine = IntakeMachine(limit: 100)
            machine.began(Bool.random(using: &random) ? .collect : .stream)
            var taken = 0
            for _ in 0..<12 {
                let count = Int.random(in: 0..<30, using: &random)
                switch machine.received(count, isLast: Int.random(in: 0..<8, using: &random) == 0) {
                case .store, .pass, .storeLast, .passLast: taken += count
                case .refuse: #expect(taken + count > 100)
                case .ignored:
                    #expect(machine.state == .dropped || machine.state == .storing || machine.state == .complete)
                }
            }
            #expect(taken <= 100, "seed \(seed)")
        }
    }
}
