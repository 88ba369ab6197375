// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct ExchangeMachineTests {
    static let states = [
        "idle", "waiting", "attaching", "sending", "kept", "asking", "relaying", "abandoned", "tunnel",
    ]

    static func machine(in state: String, idempotent: Bool = true, ignoring: Bool = false) -> ExchangeMachine {
        var machine = ExchangeMachine()
        guard state != "idle" else { return machine }
        machine.began(.init(isIdempotent: idempotent, isReplayable: true, ignoresClientAbort: ignoring))
        guard state != "waiting" else { return machine }
        _ = machine.granted()
        guard state != "attaching" else { return machine }
        _ = machine.streamReady(kept: state == "kept" || state == "asking")
        machine.written(isReadAtOnce: true)
        switch state {
        case "asking": _ = machine.streamClosed()
        case "relaying": _ = machine.headReceived()
        case "abandoned": _ = machine.clientGone(mayClose: false)
        case "tunnel": _ = machine.upgraded()
        default: break
        }
        return machine
    }

    static func row<Action>(_ actions: [Action]) -> [(String, Action)] { Array(zip(Self.states, actions)) }

    @Test(
        arguments: Self.row([.release, .attach, .release, .release, .release, .release, .release, .release, .release])
            as [(String, ExchangeMachine.GrantAction)]
    )
    func `a grant that nobody waits for is given back`(_ state: String, _ action: ExchangeMachine.GrantAction) {
        var machine = Self.machine(in: state)
        #expect(machine.granted() == action)
    }

    @Test(
        arguments: Self.row([.none, .answerWithRefusal, .none, .none, .none, .none, .none, .none, .none])
            as [(String, ExchangeMachine.RefusalAction)]
    )
    func `a refusal answers whoever waits`(_ state: String, _ action: ExchangeMachine.RefusalAction) {
        var machine = Self.machine(in: state)
        #expect(machine.refused() == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .askFate, .askFate, .none, .truncate, .release, .closeTunnel])
            as [(String, ExchangeMachine.LossAction)]
    )
    func `the end of a stream`(_ state: String, _ action: ExchangeMachine.LossAction) {
        var machine = Self.machine(in: state)
        #expect(machine.streamClosed() == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .fail, .fail, .none, .truncate, .release, .closeTunnel])
            as [(String, ExchangeMachine.LossAction)]
    )
    func `a malformed answer`(_ state: String, _ action: ExchangeMachine.LossAction) {
        var machine = Self.machine(in: state)
        #expect(machine.answerMalformed() == action)
        #expect(action != .fail || machine.state == .idle)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .none, .none, .none, .completed, .abandonedCompleted, .none])
            as [(String, ExchangeMachine.CompletionAction)]
    )
    func `the end of an answer`(_ state: String, _ action: ExchangeMachine.CompletionAction) {
        var machine = Self.machine(in: state)
        #expect(machine.answerCompleted() == action)
    }

    @Test(
        arguments: Self.row([
            .none, .cancelCheckout, .releaseUnused, .drain, .drain, .releaseLost, .drain, .none, .closeAndRelease,
        ]) as [(String, ExchangeMachine.LeaveAction)]
    )
    func `a client that leaves a session app`(_ state: String, _ action: ExchangeMachine.LeaveAction) {
        var machine = Self.machine(in: state)
        #expect(machine.clientGone(mayClose: false) == action)
    }

    @Test(
        arguments: Self.row([
            .none, .cancelCheckout, .releaseUnused, .closeAndRelease, .closeAndRelease, .releaseLost, .closeAndRelease,
            .none, .closeAndRelease,
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
            .none, .none, .none, .failAndDrain, .failAndDrain, .none, .truncateAndDrain, .none, .none,
        ]) as [(String, ExchangeMachine.DeadlineAction)]
    )
    func `the time limit on answers`(_ state: String, _ action: ExchangeMachine.DeadlineAction) {
        var machine = Self.machine(in: state)
        #expect(machine.deadlineReached(mayClose: false) == action)
    }

    @Test(
        arguments: Self.row([
            .none, .none, .checkoutAgain, .checkoutAgain, .checkoutAgain, .checkoutAgain, .truncate, .close, .truncate,
        ]) as [(String, ExchangeMachine.AbortAction)]
    )
    func `a session that is lost with the daemon`(_ state: String, _ action: ExchangeMachine.AbortAction) {
        var machine = Self.machine(in: state)
        #expect(machine.aborted(.daemonLost) == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .fail, .fail, .fail, .fail, .truncate, .close, .truncate])
            as [(String, ExchangeMachine.AbortAction)]
    )
    func `a session that reached its time limit`(_ state: String, _ action: ExchangeMachine.AbortAction) {
        var machine = Self.machine(in: state)
        #expect(machine.aborted(.timeLimit) == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .checkoutAgain, .fail, .fail, .fail, .truncate, .close, .truncate])
            as [(String, ExchangeMachine.AbortAction)]
    )
    func `a session of a process that is stopped`(_ state: String, _ action: ExchangeMachine.AbortAction) {
        var machine = Self.machine(in: state)
        #expect(machine.aborted(.detached) == action)
    }

    @Test(
        arguments: Self.row([.none, .none, .none, .none, .none, .none, .none, .abandon, .none])
            as [(String, ExchangeMachine.DrainAction)]
    )
    func `an answer that nobody waits for is bounded`(_ state: String, _ action: ExchangeMachine.DrainAction) {
        var machine = Self.machine(in: state)
        let before = machine.state
        #expect(machine.drainEnded() == action)
        #expect(machine.state == (action == .abandon ? .idle : before))
    }

    @Test func `an answer that nobody waits for may have so many bytes`() {
        for state in Self.states {
            var machine = Self.machine(in: state)
            #expect(machine.drained(ExchangeMachine.maxDrainedBytes - 1) == .none)
            #expect(machine.drained(1) == .none)
            #expect(machine.drained(1) == (state == "abandoned" ? .abandon : .none))
            #expect(state != "abandoned" || machine.state == .idle)
        }
    }

    @Test func `an app that may take its time has no bounds`() {
        var machine = Self.machine(in: "sending", ignoring: true)
        #expect(machine.clientGone(mayClose: false) == .readToEnd)
        #expect(machine.drained(.max) == .none)
        #expect(machine.drainEnded() == .none)
    }

    @Test(arguments: ExchangeMachine.Fate.allCases) func `a fate that nobody asked for`(_ fate: ExchangeMachine.Fate) {
        for state in Self.states where state != "asking" {
            var machine = Self.machine(in: state)
            #expect(machine.fateKnown(fate) == .none)
        }
    }

    /// What follows a stream that ended without a byte of an answer: fate, kept stream, idempotent.
    @Test(
        arguments: [
            (.unread, false, false, .checkoutAgain), (.unread, false, true, .checkoutAgain),
            (.unread, true, false, .checkoutAgain), (.unread, true, true, .checkoutAgain),
            (.alive, false, false, .fail), (.alive, false, true, .fail), (.alive, true, false, .fail),
            (.alive, true, true, .resend), (.ended, false, false, .fail), (.ended, false, true, .fail),
            (.ended, true, false, .fail), (.ended, true, true, .fail), (.daemonLost, false, false, .fail),
            (.daemonLost, false, true, .checkoutAgain), (.daemonLost, true, false, .fail),
            (.daemonLost, true, true, .checkoutAgain),
        ] as [(ExchangeMachine.Fate, Bool, Bool, ExchangeMachine.LossAction)]
    )
    func `only what cannot be the cause is sent again`(
        _ fate: ExchangeMachine.Fate,
        _ isKept: Bool,
        _ isIdempotent: Bool,
        _ action: ExchangeMachine.LossAction
    ) {
        var machine = Self.machine(in: isKept ? "kept" : "sending", idempotent: isIdempotent)
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(fate) == action)
        #expect((machine.state == .idle) == (action == .fail))
    }

    @Test func `a request that is not idempotent is not repeated once the daemon was lost with it`() {
        var machine = Self.machine(in: "sending", idempotent: false)
        #expect(machine.aborted(.daemonLost) == .fail)
        machine = Self.machine(in: "attaching", idempotent: false)
        #expect(machine.aborted(.daemonLost) == .checkoutAgain)
    }

    @Test func `the successor of a daemon is asked once`() {
        var machine = Self.machine(in: "sending")
        #expect(machine.aborted(.daemonLost) == .checkoutAgain)
        #expect(machine.granted() == .attach)
        #expect(machine.streamReady(kept: false) == true)
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.daemonLost) == .fail)
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

    @Test func `a request that meets closing streams is resent once`() {
        var machine = Self.machine(in: "kept")
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.alive) == .resend)
        #expect(machine.streamReady(kept: true) == true)
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.alive) == .fail)
    }

    @Test func `a request that may have been read in part counts as read`() {
        var machine = Self.machine(in: "kept")
        machine.written(isReadAtOnce: false)
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.unread) == .fail)
        // What holds of one stream says nothing about the next.
        machine = Self.machine(in: "kept")
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.unread) == .checkoutAgain)
        _ = machine.granted()
        _ = machine.streamReady(kept: true)
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.unread) == .fail)
    }

    @Test func `an app that reads no request is asked ten times`() {
        var machine = Self.machine(in: "kept", idempotent: false)
        for _ in 1..<ExchangeMachine.maxCheckouts {
            #expect(machine.streamClosed() == .askFate)
            #expect(machine.fateKnown(.unread) == .checkoutAgain)
            #expect(machine.granted() == .attach)
            #expect(machine.streamReady(kept: true) == true)
            machine.written(isReadAtOnce: true)
        }
        #expect(machine.streamClosed() == .askFate)
        #expect(machine.fateKnown(.unread) == .fail)
    }

    @Test(arguments: ["sending", "kept"]) func `a request with some bytes of an answer is lost`(_ state: String) {
        var machine = Self.machine(in: state)
        #expect(machine.streamClosed(hasAnswerBegun: true) == .fail)
    }

    @Test func `a request whose body is gone is not repeated`() {
        var machine = ExchangeMachine()
        machine.began(.init(isIdempotent: true, isReplayable: false))
        _ = machine.granted()
        _ = machine.streamReady(kept: true)
        #expect(machine.streamClosed() == .fail)
    }

    @Test func `idle connections are closed once for a request that lacks a descriptor`() {
        for state in Self.states where state != "attaching" {
            var machine = Self.machine(in: state)
            #expect(machine.mayMakeRoom() == false)
        }
        var machine = Self.machine(in: "attaching")
        #expect(machine.mayMakeRoom() == true)
        #expect(machine.mayMakeRoom() == false)
    }
}
