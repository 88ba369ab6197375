// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct ProcessLifeTests {
    enum Event: CaseIterable { case started, startFailed, terminate, kill, ended, outputClosed }

    enum Answer: Equatable {
        case tell, tellAndEnd, ask, endAll, tellEnd(wasExpected: Bool), forget, nothing, ignored
    }

    private static func apply(_ event: Event, to life: inout ProcessLife) -> Answer {
        switch event {
        case .started: answer(life.started())
        case .startFailed: answer(life.startFailed())
        case .terminate: answer(life.terminate())
        case .kill: answer(life.kill())
        case .ended:
            switch life.ended() {
            case .tell(let wasExpected): .tellEnd(wasExpected: wasExpected)
            case .nothing: .nothing
            case .ignored: .ignored
            }
        case .outputClosed:
            switch life.outputClosed() {
            case .nothing: .nothing
            case .forget: .forget
            case .ignored: .ignored
            }
        }
    }

    private static func answer(_ action: ProcessLife.StartAction) -> Answer {
        switch action {
        case .tell: .tell
        case .tellAndEnd: .tellAndEnd
        case .ignored: .ignored
        }
    }

    private static func answer(_ action: ProcessLife.EndAction) -> Answer {
        switch action {
        case .ask: .ask
        case .endAll: .endAll
        case .nothing: .nothing
        }
    }

    /// What the machine should be: a state, and whether the output is open.
    private struct Model: Equatable {
        var state = ProcessLife.State.starting(isAskedToEnd: false)
        var isOutputOpen = true

        mutating func apply(_ event: Event) -> Answer {
            switch (state, event) {
            case (.starting(let asked), .started):
                state = .serving(isAskedToEnd: asked)
                return .tell
            case (.starting, .startFailed):
                state = .failed
                return .tellAndEnd
            case (_, .started), (_, .startFailed): return .ignored
            case (.starting, .terminate), (.starting, .kill):
                state = .starting(isAskedToEnd: true)
                return .endAll
            case (.serving, .terminate):
                state = .serving(isAskedToEnd: true)
                return .ask
            case (.serving, .kill):
                state = .serving(isAskedToEnd: true)
                return .endAll
            case (.failed, .terminate), (.failed, .kill): return .endAll
            case (.collected, .terminate), (.collected, .kill), (.gone, .terminate), (.gone, .kill): return .nothing
            case (.collected, .ended), (.gone, .ended): return .ignored
            case (.serving(let asked), .ended):
                state = isOutputOpen ? .collected : .gone
                return .tellEnd(wasExpected: asked)
            case (.starting, .ended), (.failed, .ended):
                state = isOutputOpen ? .collected : .gone
                return .nothing
            case (_, .outputClosed):
                guard isOutputOpen else { return .ignored }
                isOutputOpen = false
                guard state == .collected else { return .nothing }
                state = .gone
                return .forget
            }
        }
    }

    /// Ways to every state, with the output open and closed.
    private static let ways: [[Event]] = [
        [], [.kill], [.started], [.started, .terminate], [.kill, .started], [.startFailed], [.ended],
        [.started, .ended], [.startFailed, .ended], [.outputClosed], [.outputClosed, .started],
        [.outputClosed, .startFailed], [.outputClosed, .ended], [.started, .ended, .outputClosed],
    ]

    @Test(arguments: ways)
    func `every event in every state leads where the table says`(way: [Event]) {
        for event in Event.allCases {
            var (life, model) = (ProcessLife(), Model())
            for step in way + [event] { #expect(Self.apply(step, to: &life) == model.apply(step), "\(way), \(step)") }
            #expect(life.state == model.state, "\(way), \(event)")
        }
    }

    @Test func `on any walk, one end is told at most, and nothing is signalled once the process was collected`() {
        for seed in 0..<500 as Range<UInt64> {
            var generator = WalkGenerator(state: seed)
            var (life, model) = (ProcessLife(), Model())
            var (ends, forgotten, isCollected) = (0, 0, false)
            for _ in 0..<40 {
                guard let event = Event.allCases.randomElement(using: &generator) else { return }
                let answer = Self.apply(event, to: &life)
                #expect(answer == model.apply(event), "seed \(seed)")
                #expect(life.state == model.state && life.isRunning == !isCollected || event == .ended, "seed \(seed)")
                switch answer {
                case .tellAndEnd, .tellEnd: ends += 1
                case .forget: forgotten += 1
                case .ask, .endAll: #expect(!isCollected, "seed \(seed)")
                case .tell, .nothing, .ignored: break
                }
                if event == .ended { isCollected = true }
            }
            #expect(ends <= 1 && forgotten <= 1, "seed \(seed)")
        }
    }
}

/// The same walk for the same seed (SplitMix64).
private struct WalkGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
