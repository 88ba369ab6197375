// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

struct LendingMachineTests {
    typealias Action = LendingMachine.Action
    typealias State = LendingMachine.State

    enum Event: Hashable, CaseIterable {
        case taken, offerEnded, hungUp, abandoned, frontLost, frontLostAndEnded, frontEnded
        case timeOver, timeOverAndShut, processGone, unused, drainedToEnd
    }

    static let states: [State] = [.offered, .lent, .orphaned, .draining, .closed]

    static func machine(in state: State) -> LendingMachine {
        var machine = LendingMachine()
        switch state {
        case .offered: break
        case .lent: _ = machine.taken()
        case .orphaned: _ = machine.frontLost(hasEnded: false)
        case .draining: _ = machine.abandoned()
        case .closed: _ = machine.hungUp()
        }
        return machine
    }

    static func tell(_ event: Event, to machine: inout LendingMachine) -> Action {
        switch event {
        case .taken: machine.taken()
        case .offerEnded: machine.offerEnded()
        case .hungUp: machine.hungUp()
        case .abandoned: machine.abandoned()
        case .frontLost: machine.frontLost(hasEnded: false)
        case .frontLostAndEnded: machine.frontLost(hasEnded: true)
        case .frontEnded: machine.frontEnded()
        case .timeOver: machine.deadlineReached(isShutForWriting: false)
        case .timeOverAndShut: machine.deadlineReached(isShutForWriting: true)
        case .processGone: machine.processGone()
        case .unused: machine.unused()
        case .drainedToEnd: machine.drainedToEnd()
        }
    }

    /// For each event what it does in `states`, and where it leads.
    static let table: [Event: [(Action, State)]] = [
        .taken: [
            (.closeOffer, .lent), (.none, .lent), (.closeOffer, .orphaned), (.closeOffer, .draining), (.none, .closed),
        ],
        .offerEnded: [
            (.shutAndClose, .closed), (.none, .lent), (.closeOffer, .orphaned), (.closeOffer, .draining),
            (.none, .closed),
        ],
        .hungUp: [
            (.close, .closed), (.close, .closed), (.close, .closed), (.none, .draining), (.none, .closed),
        ],
        .abandoned: [
            (.drain, .draining), (.drain, .draining), (.none, .orphaned), (.none, .draining), (.none, .closed),
        ],
        .frontLost: [
            (.waitForFront, .orphaned), (.waitForFront, .orphaned), (.none, .orphaned), (.none, .draining),
            (.none, .closed),
        ],
        .frontLostAndEnded: [
            (.drain, .draining), (.drain, .draining), (.none, .orphaned), (.none, .draining), (.none, .closed),
        ],
        .frontEnded: [
            (.none, .offered), (.none, .lent), (.drain, .draining), (.none, .draining), (.none, .closed),
        ],
        .timeOver: [
            (.shutAndClose, .closed), (.none, .lent), (.shutAndClose, .closed), (.shutAndClose, .closed),
            (.none, .closed),
        ],
        .timeOverAndShut: [
            (.shutAndClose, .closed), (.none, .lent), (.drain, .draining), (.shutAndClose, .closed), (.none, .closed),
        ],
        .processGone: [
            (.shutAndClose, .closed), (.shutAndClose, .closed), (.shutAndClose, .closed), (.shutAndClose, .closed),
            (.none, .closed),
        ],
        .unused: [
            (.shutAndClose, .closed), (.shutAndClose, .closed), (.none, .orphaned), (.none, .draining),
            (.none, .closed),
        ],
        .drainedToEnd: [
            (.none, .offered), (.none, .lent), (.none, .orphaned), (.shutAndClose, .closed), (.none, .closed),
        ],
    ]

    @Test(arguments: Event.allCases) func `each event does in each state what the table says`(_ event: Event) throws {
        let row = try #require(Self.table[event])
        for (state, (action, next)) in zip(Self.states, row) {
            var machine = Self.machine(in: state)
            #expect(machine.state == state)
            let answer = Self.tell(event, to: &machine)
            #expect(answer == action, "\(event) in \(state)")
            #expect(machine.state == next, "\(event) in \(state)")
        }
        #expect(row.count == Self.states.count)
    }

    /// The daemon reads only where nobody else can, and every socket is shut by somebody before its duplicate is closed.
    @Test(arguments: UInt64(0)..<20) func `two never read, and nothing stays open`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var machine = LendingMachine()
        var (frontMayRead, isReadByDaemon, isShut) = (true, false, false)
        for _ in 0..<40 where machine.state != .closed {
            guard let event = Event.allCases.randomElement(using: &random) else { break }
            switch event {
            // What the event itself tells.
            case .abandoned, .frontLostAndEnded, .frontEnded: frontMayRead = false
            case .timeOverAndShut, .hungUp: (frontMayRead, isShut) = (false, isShut || event == .hungUp)
            case .drainedToEnd where machine.state != .draining: continue
            case .taken, .offerEnded, .frontLost, .timeOver, .processGone, .unused, .drainedToEnd: break
            }
            switch Self.tell(event, to: &machine) {
            case .drain: isReadByDaemon = true
            case .shutAndClose: isShut = true
            case .close: #expect(isShut, "seed \(seed)")
            case .none, .closeOffer, .waitForFront: break
            }
            #expect(!isReadByDaemon || !frontMayRead, "seed \(seed)")
            #expect(machine.state != .closed || isShut, "seed \(seed)")
            // Both words can come early; what they mean holds from then on.
            if machine.state == .offered || machine.state == .lent { frontMayRead = true }
        }
    }
}
