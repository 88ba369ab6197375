// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct AnswerMachineTests {
    static let states: [AnswerMachine.State] = [.pending, .open, .spooling, .draining, .tunnel, .ended]

    static func machine(in state: AnswerMachine.State) -> AnswerMachine {
        var machine = AnswerMachine()
        switch state {
        case .pending: break
        case .open: _ = machine.began()
        case .spooling, .draining:
            _ = machine.began()
            _ = machine.bodyArrived(isWritable: false)
            if state == .draining { _ = machine.produced() }
        case .tunnel: _ = machine.upgraded()
        case .ended: _ = machine.broken()
        }
        return machine
    }

    /// What an event answers in each state, and where it leads.
    private static func table<Action: Equatable>(
        _ rows: [(Action, AnswerMachine.State)],
        _ event: (inout AnswerMachine) -> Action,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (state, row) in zip(states, rows) {
            var machine = machine(in: state)
            #expect(machine.state == state, sourceLocation: sourceLocation)
            #expect(event(&machine) == row.0, "in \(state)", sourceLocation: sourceLocation)
            #expect(machine.state == row.1, "from \(state)", sourceLocation: sourceLocation)
        }
    }

    @Test func `there is one final head`() {
        Self.table([
            (true, .open), (false, .open), (false, .spooling), (false, .draining), (false, .tunnel), (false, .ended),
        ]) { $0.began() }
        Self.table([
            (true, .tunnel), (false, .open), (false, .spooling), (false, .draining), (false, .tunnel), (false, .ended),
        ]) { $0.upgraded() }
    }

    @Test func `bytes are written as long as the client takes them`() {
        Self.table([
            (.ignored, .pending), (.write, .open), (.spool, .spooling), (.ignored, .draining), (.write, .tunnel),
            (.ignored, .ended),
        ]) { $0.bodyArrived(isWritable: true) }
        Self.table([
            (.ignored, .pending), (.beginSpooling, .spooling), (.spool, .spooling), (.ignored, .draining),
            (.write, .tunnel), (.ignored, .ended),
        ]) { $0.bodyArrived(isWritable: false) }
    }

    @Test func `an answer is complete when it was produced and taken`() {
        Self.table([
            (.ignored, .pending), (.complete, .ended), (.awaitClient, .draining), (.ignored, .draining),
            (.complete, .ended), (.ignored, .ended),
        ]) { $0.produced() }
        Self.table([
            (.ignored, .pending), (.ignored, .open), (.goOn, .open), (.complete, .ended), (.ignored, .tunnel),
            (.ignored, .ended),
        ]) { $0.spoolEmptied() }
    }

    @Test func `an answer ends once`() {
        Self.table([
            (true, .ended), (true, .ended), (true, .ended), (true, .ended), (true, .ended), (false, .ended),
        ]) { $0.broken() }
    }

    @Test func `the client is waited for while bytes wait for it`() {
        #expect(Self.states.filter { Self.machine(in: $0).isClientAwaited } == [.spooling, .draining])
    }

    @Test(arguments: 1...100) func `what was produced is written in order, once, and the end comes last`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var machine = AnswerMachine()
        // Numbers of pieces: the spool, and what the client has.
        var spool: [Int] = []
        var written: [Int] = []
        var next = 0
        var ends = 0
        for step in 0..<1_000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: _ = machine.began()
            case 1, 2, 3:
                switch machine.bodyArrived(isWritable: Bool.random(using: &random)) {
                case .write:
                    written.append(next)
                    next += 1
                case .beginSpooling, .spool:
                    spool.append(next)
                    next += 1
                case .ignored: break
                }
            case 4, 5:
                written += spool
                spool = []
                if machine.spoolEmptied() == .complete { ends += 1 }
            case 6: if Int.random(in: 0..<20, using: &random) == 0, machine.produced() == .complete { ends += 1 }
            default:
                if Int.random(in: 0..<100, using: &random) == 0, machine.broken() {
                    ends += 1
                    spool = []
                }
            }
            let isOrdered = written == Array(0..<written.count) && (ends == 0 || spool.isEmpty) && ends <= 1
            if !isOrdered || (machine.state == .ended) != (ends == 1) {
                Issue.record("seed \(seed), step \(step): \(machine.state), \(ends) ends, \(spool.count) spooled")
                return
            }
            if machine.state == .ended {
                machine = AnswerMachine()
                (spool, written, next, ends) = ([], [], 0, 0)
            }
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
