// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct ExchangeMachineTests {
    static let states = ["idle", "waiting", "attaching", "sending", "kept", "relaying", "abandoned", "tunnel"]

    static func machine(in state: String, idempotent: Bool = true, ignoring: Bool = false) -> ExchangeMachine {
        var machine = ExchangeMachine()
        guard state != "idle" else { return machine }
        machine.began(.init(isIdempotent: idempotent, isReplayable: true, ignoresClientAbort: ignoring))
        guard state != "waiting" else { return machine }
        _ = machine.granted()
        guard state != "attaching" else { return machine }
        _ = machine.streamReady(kept: state == "kept")
        switch state {
        case "relaying": _ = machine.headReceived()
        case "abandoned": _ = machine.clientGone(mayClose: false)
        case "tunnel": _ = machine.upgraded()
        default: break
        }
        return machine
    }

    static func row<Action>(_ actions: [Action]) -> [(String, Action)] { Array(zip(Self.states, actions)) }

    @Test(
        arguments: Self.row([.release, .attach, .release, .release, .release, .release, .release, .release])
            as [(String, ExchangeMachine.GrantAction)]
    )
    func `a grant that nobody waits for is given back`(_ state: String, _ action: ExchangeMachine.GrantAction) {
        var machine = Self.machine(in: state)
        #expect(machine.granted() == action)
    }

    @Test(
        arguments: Self.row([.none, .answerWithRefusal, .none, .none, .none, .none, .none, .none])
            as [(String, ExchangeMachine.RefusalAction)]
    )
    func `a refusal answers whoever waits`(_ state: String, _ action: ExchangeMachine.RefusalAction) {
        var machine = Self.machine(in: state)
        #expect(machine.refused() == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .checkoutAgain, .resend, .truncate, .release, .closeTunnel])
            as [(String, ExchangeMachine.LossAction)]
    )
    func `the end of a stream`(_ state: String, _ action: ExchangeMachine.LossAction) {
        var machine = Self.machine(in: state)
        #expect(machine.streamClosed() == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .fail, .fail, .truncate, .release, .closeTunnel])
            as [(String, ExchangeMachine.LossAction)]
    )
    func `a malformed answer`(_ state: String, _ action: ExchangeMachine.LossAction) {
        var machine = Self.machine(in: state)
        #expect(machine.answerMalformed() == action)
        #expect(state == "waiting" || state == "attaching" || machine.state == .idle)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .none, .none, .completed, .abandonedCompleted, .none])
            as [(String, ExchangeMachine.CompletionAction)]
    )
    func `the end of an answer`(_ state: String, _ action: ExchangeMachine.CompletionAction) {
        var machine = Self.machine(in: state)
        #expect(machine.answerCompleted() == action)
    }

    @Test(
        arguments: Self.row([
            .none, .cancelCheckout, .releaseUnused, .readToEnd, .readToEnd, .readToEnd, .none, .closeAndRelease,
        ]) as [(String, ExchangeMachine.LeaveAction)]
    )
    func `a client that leaves a session app`(_ state: String, _ action: ExchangeMachine.LeaveAction) {
        var machine = Self.machine(in: state)
        #expect(machine.clientGone(mayClose: false) == action)
    }

    @Test(
        arguments: Self.row([
            .none, .cancelCheckout, .releaseUnused, .closeAndRelease, .closeAndRelease, .closeAndRelease, .none,
            .closeAndRelease,
        ]) as [(String, ExchangeMachine.LeaveAction)]
    )
    func `a client that leaves an HTTP app`(_ state: String, _ action: ExchangeMachine.LeaveAction) {
        var machine = Self.machine(in: state)
        #expect(machine.clientGone(mayClose: true) == action)
    }

    @Test func `an HTTP app may be left alone with its answer`() {
        var machine = Self.machine(in: "relaying", ignoring: true)
        #expect(machine.clientGone(mayClose: true) == .readToEnd)
        #expect(machine.headReceived() == .drop)
    }

    @Test(
        arguments: Self.row([
            .none, .none, .none, .failAndReadToEnd, .failAndReadToEnd, .truncateAndReadToEnd, .none, .none,
        ]) as [(String, ExchangeMachine.DeadlineAction)]
    )
    func `the time limit on answers`(_ state: String, _ action: ExchangeMachine.DeadlineAction) {
        var machine = Self.machine(in: state)
        #expect(machine.deadlineReached(mayClose: false) == action)
    }

    @Test(
        arguments: Self.row([
            .none, .none, .checkoutAgain, .checkoutAgain, .checkoutAgain, .truncate, .close, .truncate,
        ])
            as [(String, ExchangeMachine.AbortAction)]
    )
    func `a session that is lost with the daemon`(_ state: String, _ action: ExchangeMachine.AbortAction) {
        var machine = Self.machine(in: state)
        #expect(machine.aborted(mayRepeat: true) == action)
    }

    @Test(
        arguments: Self.row([
            .none, .none, .fail, .fail, .fail, .truncate, .close, .truncate,
        ])
            as [(String, ExchangeMachine.AbortAction)]
    )
    func `a session that reached its time limit`(_ state: String, _ action: ExchangeMachine.AbortAction) {
        var machine = Self.machine(in: state)
        #expect(machine.aborted(mayRepeat: false) == action)
    }

    @Test func `a request that is not idempotent is not repeated once the daemon was lost with it`() {
        var machine = Self.machine(in: "sending", idempotent: false)
        #expect(machine.aborted(mayRepeat: true) == .fail)
        machine = Self.machine(in: "attaching", idempotent: false)
        #expect(machine.aborted(mayRepeat: true) == .checkoutAgain)
    }

    @Test func `a request of which no byte was written is checked out ten times`() {
        var machine = Self.machine(in: "attaching", idempotent: false)
        for _ in 1..<ExchangeMachine.maxCheckouts {
            #expect(machine.streamFailed() == .checkoutAgain)
            #expect(machine.granted() == .attach)
        }
        #expect(machine.streamFailed() == .fail)
        #expect(machine.state == .idle)
    }

    @Test func `a stream that no other process would get either fails at once`() {
        var machine = Self.machine(in: "attaching")
        #expect(machine.streamFailed(mayRepeat: false) == .fail)
        #expect(machine.state == .idle)
        machine = Self.machine(in: "waiting")
        #expect(machine.streamFailed(mayRepeat: false) == .none)
    }

    @Test func `a lost idempotent request is resent once and checked out once more`() {
        var machine = Self.machine(in: "kept")
        #expect(machine.streamClosed() == .resend)
        #expect(machine.streamReady(kept: false) == true)
        #expect(machine.streamClosed() == .checkoutAgain)
        #expect(machine.granted() == .attach)
        #expect(machine.streamReady(kept: true) == true)
        #expect(machine.streamClosed() == .fail)
    }

    @Test(arguments: ["sending", "kept"])
    func `a lost request that is not idempotent is not repeated`(_ state: String) {
        var machine = Self.machine(in: state, idempotent: false)
        #expect(machine.streamClosed() == .fail)
    }

    @Test func `a request whose body is gone is not repeated`() {
        var machine = ExchangeMachine()
        machine.began(.init(isIdempotent: true, isReplayable: false))
        _ = machine.granted()
        _ = machine.streamReady(kept: true)
        #expect(machine.streamClosed() == .fail)
    }
}
