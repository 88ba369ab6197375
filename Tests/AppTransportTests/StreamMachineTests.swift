// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct StreamMachineTests {
    typealias State = StreamMachine.State

    static let states: [State] = [.attaching, .busy, .idle, .closed]

    static func machine(in state: State, isReusable: Bool = true) -> StreamMachine {
        var machine = StreamMachine(isReusable: isReusable)
        switch state {
        case .attaching: break
        case .busy: _ = machine.attached()
        case .idle:
            _ = machine.attached()
            _ = machine.answerTaken(isInStep: true)
        case .closed: _ = machine.closed()
        }
        return machine
    }

    private func check<Action: Equatable>(
        _ rows: [(Action, State)],
        _ event: (inout StreamMachine) -> Action,
        line: Int = #line
    ) {
        for (state, (action, next)) in zip(Self.states, rows) {
            var machine = Self.machine(in: state)
            #expect(machine.state == state)
            let answer = event(&machine)
            #expect(answer == action, "line \(line), \(state)")
            #expect(machine.state == next, "line \(line), \(state)")
        }
        #expect(rows.count == Self.states.count)
    }

    @Test func `an owner hears of its stream once, when it is ready or when there is none`() {
        let ready: [(StreamMachine.AttachAction, State)] = [
            (.tellReady, .busy), (.discard, .busy), (.discard, .idle), (.discard, .closed),
        ]
        self.check(ready) { $0.attached() }
        let failed: [(StreamMachine.FailureAction, State)] = [
            (.tellFailed, .closed), (.none, .busy), (.none, .idle), (.none, .closed),
        ]
        self.check(failed) { $0.attachFailed() }
        // What the process had still written comes, and the end after it.
        self.check(failed) { $0.processGone() }
    }

    @Test func `only what is in the pool is taken out of it`() {
        self.check([(false, .attaching), (false, .busy), (true, .busy), (false, .closed)]) { $0.began() }
    }

    @Test func `an answer that was read to its end leaves a stream that can be used again`() {
        let inStep: [(StreamMachine.ReturnAction, State)] = [
            (.none, .attaching), (.keep, .idle), (.none, .idle), (.none, .closed),
        ]
        self.check(inStep) { $0.answerTaken(isInStep: true) }
        let outOfStep: [(StreamMachine.ReturnAction, State)] = [
            (.none, .attaching), (.close, .closed), (.none, .idle), (.none, .closed),
        ]
        self.check(outOfStep) { $0.answerTaken(isInStep: false) }
        var oneShot = Self.machine(in: .busy, isReusable: false)
        let returned = oneShot.answerTaken(isInStep: true)
        #expect(returned == .close)
        #expect(!oneShot.isKept)
    }

    @Test func `it is kept from its second request on`() {
        var machine = Self.machine(in: .busy)
        #expect(!machine.isKept)
        #expect(machine.answerTaken(isInStep: true) == .keep)
        let hasBegun = machine.began()
        #expect(hasBegun)
        #expect(machine.isKept)
    }

    @Test func `an app that speaks unasked is out of step`() {
        let rows: [(StreamMachine.ReadAction, State)] = [
            (.drop, .attaching), (.deliver, .busy), (.close, .closed), (.drop, .closed),
        ]
        self.check(rows) { $0.bytesCame() }
    }

    @Test(arguments: StreamMachine.End.allCases) func `an owner hears of an end that is not its own`(
        _ end: StreamMachine.End
    ) {
        let rows: [(StreamMachine.EndAction, State)] = [
            (.none, .attaching), (.tellClosed, .closed), (.close, .closed), (.none, .closed),
        ]
        self.check(rows) { $0.ended(end) }
        var machine = Self.machine(in: .busy)
        _ = machine.ended(end)
        #expect(machine.wasReset == (end == .reset))
        // A second end, of the channel itself, changes nothing.
        #expect(machine.ended(.reset) == .none)
        #expect(machine.wasReset == (end == .reset))
    }

    @Test func `whoever ends it hears nothing more`() {
        let rows: [(StreamMachine.CloseAction, State)] = [
            (.close, .closed), (.close, .closed), (.close, .closed), (.none, .closed),
        ]
        self.check(rows) { $0.closed() }
    }

    /// An owner is told at most once that its request has no stream any more, and only while it has one.
    @Test(arguments: UInt64(0)..<20) func `nobody is told twice`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var machine = StreamMachine(isReusable: Bool.random(using: &random))
        var hasOwner = true
        for _ in 0..<200 {
            switch Int.random(in: 0..<7, using: &random) {
            case 0:
                if machine.attached() == .tellReady { #expect(hasOwner, "seed \(seed)") }
            case 1:
                if machine.attachFailed() == .tellFailed {
                    #expect(hasOwner, "seed \(seed)")
                    hasOwner = false
                }
            case 2:
                if machine.began() {
                    #expect(!hasOwner, "seed \(seed)")
                    hasOwner = true
                }
            case 3:
                if machine.answerTaken(isInStep: Int.random(in: 0..<4, using: &random) > 0) != .none {
                    #expect(hasOwner, "seed \(seed)")
                    hasOwner = false
                }
            case 4:
                if machine.bytesCame() == .deliver { #expect(hasOwner, "seed \(seed)") }
            case 5:
                if machine.ended(.endOfFile) == .tellClosed {
                    #expect(hasOwner, "seed \(seed)")
                    hasOwner = false
                }
            default:
                if Int.random(in: 0..<20, using: &random) == 0, machine.closed() == .close { hasOwner = false }
            }
            #expect(hasOwner == (machine.state == .attaching || machine.state == .busy), "seed \(seed)")
        }
    }
}
