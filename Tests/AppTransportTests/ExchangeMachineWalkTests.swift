// SPDX-License-Identifier: MIT

import AppTransport
import Testing

/// Random events in every order that daemon, app and client can produce, against a count of what is held.
struct ExchangeMachineWalkTests {
    @Test(arguments: 1...200)
    func `nothing is held for ever, answered twice or sent twice without leave`(seed: Int) {
        var walk = Walk(seed: UInt64(seed))
        for step in 1...400 {
            let event = walk.step()
            if let violation = walk.violation {
                Issue.record("seed \(seed), step \(step), after \(event): \(violation)")
                return
            }
        }
    }
}

private struct Walk {
    /// What the shell around the machine holds.
    private struct Holdings: Equatable {
        var checkout = false
        var session = false
        var stream = false
        var client = false
        var headSeen = false
        var tunnel = false
    }

    private var machine = ExchangeMachine()
    private var random: SplitMix
    private var held = Holdings()
    private var traits = ExchangeMachine.Traits(isIdempotent: false, isReplayable: false)
    private var mayClose = false
    private var checkouts = 0
    private var writes = 0
    /// Ways in which the client heard the end of its request.
    private var answers = 0
    private(set) var violation: String?

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func step() -> String {
        let event = act()
        if violation == nil { violation = imbalance }
        return event
    }

    private var imbalance: String? {
        let isHeld =
            switch machine.state {
            case .idle: !held.checkout && !held.session && !held.stream
            case .waiting: held.checkout && !held.session && held.client
            case .attaching, .asking: !held.checkout && held.session && !held.stream && held.client
            case .sending, .relaying, .tunnel: held.session && held.stream && held.client
            case .abandoned: held.session && held.stream && !held.client
            }
        if !isHeld { return "\(machine.state) with \(held)" }
        if machine.state == .idle, held.client { return "a client waits for ever" }
        if answers > 1 { return "answered \(answers) times" }
        if checkouts > ExchangeMachine.maxCheckouts { return "\(checkouts) checkouts" }
        if writes > 1, !(traits.isIdempotent && traits.isReplayable) { return "sent twice without leave" }
        return writes > 3 ? "sent \(writes) times" : nil
    }

    private mutating func act() -> String {
        switch machine.state {
        case .idle: return begin()
        case .waiting: return wait()
        case .attaching: return attach()
        case .asking: return ask()
        case .sending, .relaying, .abandoned, .tunnel: return exchange()
        }
    }

    private mutating func flip() -> Bool { Bool.random(using: &random) }
    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    private mutating func begin() -> String {
        if below(4) == 0 {
            // A grant that crossed a cancel.
            if machine.granted() != .release { violation = "a session for nobody" }
            return "late grant"
        }
        traits = .init(isIdempotent: flip(), isReplayable: flip(), ignoresClientAbort: flip())
        mayClose = flip()
        held = Holdings(checkout: true, client: true)
        (checkouts, writes, answers) = (1, 0, 0)
        machine.began(traits)
        return "began"
    }

    private mutating func wait() -> String {
        switch below(8) {
        case 0:
            if machine.refused() != .answerWithRefusal { violation = "a refusal that nobody hears" }
            held.checkout = false
            answered()
            return "refused"
        case 1: return leave()
        default:
            if machine.granted() != .attach { violation = "a session that is not used" }
            held.checkout = false
            held.session = true
            return "granted"
        }
    }

    private mutating func attach() -> String {
        switch below(8) {
        case 0, 1, 2:
            lost(machine.streamFailed())
            return "stream failed"
        case 3: return leave()
        case 4: return abort()
        default:
            if !machine.streamReady(kept: flip()) { violation = "a stream that is not used" }
            machine.written(isReadAtOnce: flip())
            held.stream = true
            writes += 1
            return "stream ready"
        }
    }

    private mutating func ask() -> String {
        switch below(8) {
        case 0: return leave()
        case 1: return abort()
        default:
            let fate = ExchangeMachine.Fate.allCases[below(ExchangeMachine.Fate.allCases.count)]
            // Nothing of it was read, so it does not count.
            if fate == .unread { writes -= 1 }
            lost(machine.fateKnown(fate))
            return "fate \(fate)"
        }
    }

    private mutating func exchange() -> String {
        switch below(10) {
        case 0:
            lost(machine.streamClosed())
            return "stream closed"
        case 1 where !held.tunnel:
            lost(machine.answerMalformed())
            return "malformed"
        case 2 where held.client: return leave()
        case 3 where held.client && !held.tunnel: return expire()
        case 4: return abort()
        case 5 where !held.client:
            let isBounded = machine.state != .abandoned(left: nil)
            guard (machine.drainEnded() == .abandon) == isBounded else {
                violation = "an answer for nobody goes on"
                return "drain ended"
            }
            guard isBounded else { return "nothing" }
            (held.session, held.stream) = (false, false)
            return "drain ended"
        case 5 where !held.headSeen && held.client:
            if !machine.upgraded() { violation = "no tunnel" }
            held.tunnel = true
            held.headSeen = true
            return "upgraded"
        case 6...9 where !held.tunnel && !held.headSeen:
            let action = machine.headReceived()
            if action != (held.client ? .relay : .drop) { violation = "\(action)" }
            held.headSeen = true
            return "head"
        case 6...9 where !held.tunnel:
            let hadClient = held.client
            let action = machine.answerCompleted()
            if action != (hadClient ? .completed : .abandonedCompleted) { violation = "\(action)" }
            if hadClient { answered() }
            (held.session, held.stream) = (false, false)
            return "completed"
        default: return "nothing"
        }
    }

    private mutating func answered() {
        if !held.client { violation = "an answer for nobody" }
        answers += 1
        held.client = false
    }

    private mutating func leave() -> String {
        let before = machine.state
        held.client = false
        switch machine.clientGone(mayClose: mayClose) {
        case .none: violation = "nothing is done in \(before)"
        case .cancelCheckout: held.checkout = false
        case .releaseUnused: held.session = false
        case .releaseLost: held.session = false
        case .drain: if traits.ignoresClientAbort { violation = "the app was not let finish" }
        case .readToEnd: if !traits.ignoresClientAbort { violation = "an answer for nobody has no bounds" }
        case .closeAndRelease:
            if traits.ignoresClientAbort, !held.tunnel { violation = "the app was not let finish" }
            (held.session, held.stream) = (false, false)
        }
        return "client gone"
    }

    private mutating func expire() -> String {
        let action = machine.deadlineReached(mayClose: mayClose)
        let truncates = action == .truncateAndClose || action == .truncateAndDrain
        if action == .none || truncates != held.headSeen { violation = "\(action)" }
        answered()
        if action == .failAndClose || action == .truncateAndClose { (held.session, held.stream) = (false, false) }
        return "deadline"
    }

    private mutating func abort() -> String {
        let (hadClient, headSeen) = (held.client, held.headSeen)
        (held.session, held.stream) = (false, false)
        let cause = ExchangeMachine.AbortCause.allCases[below(3)]
        switch machine.aborted(cause) {
        case .checkoutAgain: checkOutAgain()
        case .fail:
            if headSeen { violation = "a second head" }
            answered()
        case .truncate:
            if !headSeen { violation = "cut off before it began" }
            answered()
        case .close: if hadClient { violation = "a client hears nothing" }
        case .none: violation = "nothing is done"
        }
        return "aborted"
    }

    private mutating func checkOutAgain() {
        if held.headSeen { violation = "repeated after the head" }
        (held.session, held.stream, held.checkout) = (false, false, true)
        checkouts += 1
    }

    private mutating func lost(_ action: ExchangeMachine.LossAction) {
        held.stream = false
        switch action {
        case .askFate: break
        case .resend: if held.headSeen { violation = "repeated after the head" }
        case .checkoutAgain: checkOutAgain()
        case .fail:
            if held.headSeen { violation = "a second head" }
            held.session = false
            answered()
        case .truncate:
            if !held.headSeen { violation = "cut off before it began" }
            held.session = false
            answered()
        case .release:
            if held.client { violation = "a client hears nothing" }
            held.session = false
        case .closeTunnel:
            if !held.tunnel { violation = "no tunnel" }
            held.session = false
            answered()
        case .none: violation = "nothing is done"
        }
    }
}
