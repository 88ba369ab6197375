// SPDX-License-Identifier: MIT

import HTTPFraming
import Testing

/// Random events in every order that a channel and an app can produce, against what a client may rely on.
struct ConnectionMachineWalkTests {
    @Test(arguments: 1...200)
    func `promises of answers are kept and the end is final`(seed: Int) {
        var walk = Walk(seed: UInt64(seed))
        for step in 1...300 {
            let event = walk.step()
            if let violation = walk.violation {
                Issue.record("seed \(seed), step \(step), after \(event): \(violation)")
                return
            }
        }
    }
}

private struct Walk {
    private var machine = ConnectionMachine()
    private var random: SeededRandom
    private(set) var violation: String?
    /// Requests whose head was complete, and those that were answered, refused or given up.
    private var requests = 0
    private var ends = 0
    /// What the head of the answer under way says about the connection; nil before it.
    private var promise: Bool?
    private var isDraining = false
    private var hasInputEnded = false

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func step() -> String {
        let before = machine.state
        let event = act(Int.random(in: 0..<12, using: &random))
        if before == .closed, machine.state != .closed { violation = "a closed connection came back" }
        if machine.isAnswering, requests != ends + 1 { violation = "two requests at a time" }
        if !machine.isAnswering, machine.state != .tunnel, machine.state != .closed, requests != ends {
            violation = "a request was forgotten"
        }
        if machine.keepsAlive, isDraining { violation = "an answer promises another request while draining" }
        if machine.state == .closed, Bool.random(using: &random) { restart() }
        return event
    }

    /// The next connection.
    private mutating func restart() {
        machine = ConnectionMachine()
        (requests, ends, promise, isDraining, hasInputEnded) = (0, 0, nil, false, false)
    }

    private mutating func act(_ event: Int) -> String {
        switch event {
        case 0, 1, 2: return bytes()
        case 3: return headEnd(isValid: true)
        case 4: return Int.random(in: 0..<4, using: &random) == 0 ? headEnd(isValid: false) : headEnd(isValid: true)
        case 5:
            machine.bodyCompleted()
            return "body completed"
        case 6: return begin()
        case 7, 8: return complete()
        case 9: return rare()
        case 10: return Int.random(in: 0..<8, using: &random) == 0 ? endInput() : bytes()
        default:
            guard Int.random(in: 0..<8, using: &random) == 0 else { return bytes() }
            isDraining = true
            _ = machine.drainingBegan()
            return "draining"
        }
    }

    private mutating func bytes() -> String {
        guard !hasInputEnded else { return "nothing" }
        let before = machine.state
        let action = machine.bytesArrived()
        switch (before, action) {
        case (.idle, .parseHead), (.head, .parseHead), (.partialHead, .parseHead), (.tunnel, .tunnel),
            (.lingering, .drop), (.closed, .drop):
            break
        case (.answering, .readBody): if !machine.isReadingBody { violation = "bytes behind a body taken for it" }
        case (.answering, .keep): if machine.isReadingBody { violation = "bytes of a body kept back" }
        default: violation = "\(action) in \(before)"
        }
        return "bytes"
    }

    private mutating func headEnd(isValid: Bool) -> String {
        guard machine.state == .head || machine.state == .partialHead else { return "nothing" }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let isFirst = machine.state == .head
            let action = machine.headIncomplete()
            if !hasInputEnded, action != (isFirst ? .startClock : .wait) { violation = "a head's time begins anew" }
            return "head incomplete"
        }
        requests += 1
        promise = nil
        guard isValid else {
            machine.headFailed()
            if machine.keepsAlive { violation = "a connection out of step is kept" }
            return "head failed"
        }
        machine.headCompleted(
            allowsKeepAlive: Int.random(in: 0..<4, using: &random) != 0,
            hasBody: Bool.random(using: &random)
        )
        return "head completed"
    }

    private mutating func begin() -> String {
        guard machine.isAnswering, !machine.hasAnswerBegun else { return "nothing" }
        machine.answerBegun()
        promise = machine.keepsAlive
        if promise == true, machine.isReadingBody { violation = "another request promised behind an unread body" }
        return "answer begun"
    }

    private mutating func complete() -> String {
        guard machine.hasAnswerBegun || machine.state == .tunnel, let promised = promise else { return "nothing" }
        let isTunnel = machine.state == .tunnel
        let isReading = machine.isReadingBody
        ends += 1
        switch machine.answerCompleted() {
        case .nextRequest: if !promised || isReading { violation = "a connection goes on that was to end" }
        case .close: if promised, !isTunnel { violation = "a connection ends that was to go on" }
        case .linger: if !isReading || hasInputEnded { violation = "waits for a client that sends nothing" }
        case .none: violation = "an answer without effect"
        }
        promise = nil
        return "answer completed"
    }

    private mutating func rare() -> String {
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            guard machine.isAnswering, !machine.isReadingBody else { return "nothing" }
            _ = begin()
            machine.upgraded()
            return "upgraded"
        case 1:
            let wasAnswering = machine.isAnswering || machine.state == .tunnel
            if (machine.closed() == .abandon) != wasAnswering { violation = "an exchange is left behind" }
            return "closed"
        case 2:
            guard machine.isAnswering else { return "nothing" }
            machine.answerBroken()
            return "answer broken"
        case 3:
            guard machine.isAnswering, !machine.hasAnswerBegun else { return "nothing" }
            machine.answerEndsConnection()
            return "answer ends the connection"
        default:
            if machine.inputExhausted(), !hasInputEnded { violation = "closed although more may come" }
            return "input exhausted"
        }
    }

    private mutating func endInput() -> String {
        guard !hasInputEnded else { return "nothing" }
        hasInputEnded = true
        let before = machine.state
        let isReading = machine.isReadingBody
        let action = machine.inputEnded()
        switch before {
        case .answering where isReading: if action != .abandonThenClose { violation = "waits for a body for ever" }
        case .answering: if action != .answerThenClose { violation = "a whole request gets no answer" }
        case .tunnel: if action != .halfClose { violation = "half a tunnel closes both" }
        case .idle, .head, .partialHead, .lingering: if action != .close { violation = "an idle connection stays" }
        case .closed: break
        }
        return "input ended"
    }
}
