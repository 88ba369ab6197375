// SPDX-License-Identifier: MIT

import HTTPFraming
import Testing

struct ConnectionMachineTests {
    /// A machine in each of its states, by the events that lead there.
    static func machine(in state: String) -> ConnectionMachine {
        var machine = ConnectionMachine()
        guard state != "idle" else { return machine }
        if state == "closed" {
            _ = machine.closed()
            return machine
        }
        _ = machine.bytesArrived()
        guard state != "head" else { return machine }
        if state == "partial" {
            _ = machine.headIncomplete()
            return machine
        }
        machine.headCompleted(allowsKeepAlive: state != "last", hasBody: state == "reading" || state == "lingering")
        if state == "tunnel" { machine.upgraded() }
        if state == "lingering" { _ = machine.answerCompleted() }
        return machine
    }

    @Test(
        arguments: [
            ("idle", .parseHead), ("head", .parseHead), ("partial", .parseHead), ("reading", .readBody),
            ("answering", .keep), ("last", .keep),
            ("tunnel", .tunnel), ("lingering", .drop), ("closed", .drop),
        ] as [(String, ConnectionMachine.InputAction)]
    )
    func `bytes mean what the state says`(_ state: String, _ action: ConnectionMachine.InputAction) {
        var machine = Self.machine(in: state)
        #expect(machine.bytesArrived() == action)
    }

    @Test(
        arguments: [
            ("idle", .none), ("head", .none), ("partial", .none), ("reading", .linger), ("answering", .nextRequest),
            ("last", .close),
            ("tunnel", .close), ("lingering", .none), ("closed", .none),
        ] as [(String, ConnectionMachine.AnswerAction)]
    )
    func `the end of an answer leads on, or to the end`(_ state: String, _ action: ConnectionMachine.AnswerAction) {
        var machine = Self.machine(in: state)
        #expect(machine.answerCompleted() == action)
    }

    @Test(
        arguments: [
            ("idle", .close), ("head", .close), ("partial", .close), ("reading", .abandonThenClose),
            ("answering", .answerThenClose),
            ("last", .answerThenClose), ("tunnel", .halfClose), ("lingering", .close), ("closed", .none),
        ] as [(String, ConnectionMachine.EndAction)]
    )
    func `a half-closed client gets the answer to a whole request`(
        _ state: String,
        _ action: ConnectionMachine.EndAction
    ) {
        var machine = Self.machine(in: state)
        #expect(machine.inputEnded() == action)
    }

    @Test(
        arguments: [
            ("idle", .none), ("head", .none), ("partial", .none), ("reading", .abandon), ("answering", .abandon),
            ("last", .abandon),
            ("tunnel", .abandon), ("lingering", .none), ("closed", .none),
        ] as [(String, ConnectionMachine.CloseAction)]
    )
    func `a connection that ends in an answer abandons it`(_ state: String, _ action: ConnectionMachine.CloseAction) {
        var machine = Self.machine(in: state)
        #expect(machine.closed() == action)
        #expect(machine.state == .closed)
    }

    @Test(
        arguments: [
            ("idle", .closeAfterGrace), ("head", .none), ("partial", .none), ("reading", .none), ("answering", .none),
            ("last", .none),
            ("tunnel", .none), ("lingering", .closeAfterGrace), ("closed", .none),
        ] as [(String, ConnectionMachine.DrainAction)]
    )
    func `draining closes what is idle`(_ state: String, _ action: ConnectionMachine.DrainAction) {
        var machine = Self.machine(in: state)
        #expect(machine.drainingBegan() == action)
    }

    @Test(
        arguments: [
            ("idle", .none), ("head", .startClock), ("partial", .wait), ("reading", .none), ("answering", .none),
            ("last", .none), ("tunnel", .none), ("lingering", .none), ("closed", .none),
        ] as [(String, ConnectionMachine.PartialAction)]
    )
    func `the time for a head begins once`(_ state: String, _ action: ConnectionMachine.PartialAction) {
        var machine = Self.machine(in: state)
        #expect(machine.headIncomplete() == action)
    }

    @Test(arguments: ["head", "partial"]) func `a head without its rest ends the connection`(_ state: String) {
        var machine = Self.machine(in: state)
        #expect(machine.headIncomplete() != .close)
        #expect(machine.inputEnded(isHoldingBack: true) == .close)
        machine = ConnectionMachine()
        #expect(machine.inputEnded(isHoldingBack: true) == .none)
        #expect(machine.bytesArrived() == .parseHead)
        #expect(machine.headIncomplete() == .close)
        #expect(machine.state == .closed)
    }

    @Test func `an answer that began while draining is the last one`() {
        var machine = Self.machine(in: "answering")
        _ = machine.drainingBegan()
        machine.answerBegun()
        #expect(!machine.keepsAlive)
        #expect(machine.answerCompleted() == .close)
    }

    @Test func `a promise made before draining is kept`() {
        var machine = Self.machine(in: "answering")
        machine.answerBegun()
        _ = machine.drainingBegan()
        #expect(machine.answerCompleted() == .nextRequest)
    }

    @Test func `an answer before the end of the body is the last one`() {
        var machine = Self.machine(in: "reading")
        machine.answerBegun()
        machine.bodyCompleted()
        #expect(!machine.keepsAlive)
        #expect(machine.answerCompleted() == .close)
    }

    @Test func `a broken head is answered and ends the connection`() {
        var machine = Self.machine(in: "head")
        machine.headFailed()
        machine.answerBegun()
        #expect(!machine.keepsAlive)
        #expect(machine.answerCompleted() == .linger)
    }

    @Test func `a request that a half-closed client left incomplete ends the connection`() {
        var machine = Self.machine(in: "answering")
        #expect(machine.inputEnded() == .answerThenClose)
        #expect(machine.answerCompleted() == .nextRequest)
        #expect(machine.bytesArrived() == .parseHead)
        machine.headCompleted(allowsKeepAlive: true, hasBody: true)
        #expect(machine.inputExhausted() == true)
        #expect(machine.state == .closed)
    }

    @Test(arguments: ["idle", "reading"]) func `bytes that wait outlive the end of the input`(_ state: String) {
        var machine = Self.machine(in: state)
        let before = machine.state
        #expect(machine.inputEnded(isHoldingBack: true) == .none)
        #expect(machine.state == before)
        #expect(machine.inputExhausted() == true)
    }

    @Test func `pipelined requests of a half-closed client are all answered`() {
        var machine = Self.machine(in: "answering")
        #expect(machine.inputEnded() == .answerThenClose)
        #expect(machine.inputExhausted() == false)
        #expect(machine.answerCompleted() == .nextRequest)
        #expect(machine.bytesArrived() == .parseHead)
        machine.headCompleted(allowsKeepAlive: true, hasBody: false)
        #expect(machine.answerCompleted() == .nextRequest)
        #expect(machine.inputExhausted() == true)
        #expect(machine.state == .closed)
    }
}
