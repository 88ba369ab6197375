// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct SendingMachineTests {
    private static let piece = SendingMachine.pieceBytes
    private static let length = piece + 10
    static let states: [SendingMachine.State] = [
        .unsent, .file(sent: 0, length: length), .reading(sent: 0, length: length), .stale(length: length),
        .streaming(.lastChunk), .streaming(.streamEnd), .sent, .ended,
    ]

    static func machine(in state: SendingMachine.State) -> SendingMachine {
        var machine = SendingMachine()
        switch state {
        case .unsent: break
        case .file: machine.began(.file(length: length))
        case .reading, .stale:
            machine.began(.file(length: length))
            _ = machine.roomAppeared()
            if case .stale = state { machine.began(.file(length: length)) }
        case .streaming(let ending): machine.began(.streamed(ending))
        case .sent: machine.began(.whole)
        case .ended:
            machine.began(.streamed(.streamEnd))
            _ = machine.lastPieceSent()
        }
        return machine
    }

    @Test(
        arguments: zip(
            states,
            [
                .none, .read(offset: 0, count: piece), .none, .none, .askClient, .askClient, .none, .none,
            ] as [SendingMachine.RoomAction]
        )
    )
    func `room is filled from where the body is`(_ state: SendingMachine.State, _ action: SendingMachine.RoomAction) {
        var machine = Self.machine(in: state)
        #expect(machine.state == state)
        #expect(machine.roomAppeared() == action)
    }

    @Test(
        arguments: zip(
            states,
            [.drop, .drop, .write, .drop, .drop, .drop, .drop, .drop] as [SendingMachine.PieceAction]
        )
    )
    func `only a piece of this attempt is written`(
        _ state: SendingMachine.State,
        _ action: SendingMachine.PieceAction
    ) {
        var machine = Self.machine(in: state)
        #expect(machine.pieceRead(Self.piece) == action)
        switch state {
        case .reading: #expect(machine.state == .file(sent: Self.piece, length: Self.length))
        case .stale: #expect(machine.state == .file(sent: 0, length: Self.length))
        case .unsent, .file, .streaming, .sent, .ended: #expect(machine.state == state)
        }
    }

    @Test(
        arguments: zip(
            states,
            [.none, .none, .none, .none, .none, .shutOutput, .none, .none] as [SendingMachine.LastPieceAction]
        )
    )
    func `the end of a streamed body is told as it was agreed`(
        _ state: SendingMachine.State,
        _ action: SendingMachine.LastPieceAction
    ) {
        var machine = Self.machine(in: state)
        #expect(machine.lastPieceSent() == action)
        if case .streaming(let ending) = state { #expect(machine.isInStep == (ending != .streamEnd)) }
    }

    @Test(
        arguments: zip(
            states,
            [.none, .none, .none, .none, .shutOutput, .shutOutput, .none, .none] as [SendingMachine.CutAction]
        )
    )
    func `a streamed body that is cut ends our side`(_ state: SendingMachine.State, _ action: SendingMachine.CutAction)
    {
        var machine = Self.machine(in: state)
        #expect(machine.cut() == action)
        #expect(machine.state == (action == .shutOutput ? .ended : state))
    }

    @Test(arguments: states) func `a new attempt begins at the start`(_ state: SendingMachine.State) {
        var machine = Self.machine(in: state)
        machine.began(.file(length: Self.length))
        switch state {
        case .reading, .stale: #expect(machine.state == .stale(length: Self.length))
        case .unsent, .file, .streaming, .sent, .ended:
            #expect(machine.state == .file(sent: 0, length: Self.length))
        }
        machine.began(.whole)
        #expect(machine.state == .sent)
        machine.began(.streamed(.length))
        #expect(machine.state == .streaming(.length))
    }

    @Test(arguments: 1...100) func `a file arrives whole on the last attempt`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var machine = SendingMachine()
        let length = Int.random(in: 0..<5 * Self.piece, using: &random)
        machine.began(.file(length: length))
        var written = 0
        // Of every read that is under way; one at most.
        var reading: Int?
        for _ in 0..<1_000 where !machine.isInStep {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                machine.began(.file(length: length))
                written = 0
            case 1..<6:
                guard case .read(let offset, let count) = machine.roomAppeared() else { break }
                #expect(reading == nil && offset == written, "seed \(seed)")
                reading = count
            default:
                guard let count = reading else { break }
                reading = nil
                if machine.pieceRead(count) == .write { written += count }
            }
        }
        #expect(machine.isInStep && written == length, "seed \(seed)")
    }
}
