// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem
@testable import Supervisor

struct LaunchProgressTests {
    private enum Event: CaseIterable { case step, execute, variable, limit, failure, garbage, end }

    private enum Answer: Equatable {
        case none, told, failed, runs, helperEnded, ignored
    }

    private static func bytes(_ event: Event) -> [UInt8] {
        let text =
            switch event {
            case .step: "step\0switch-user\u{0}12\0"
            case .execute: "step\0execute\u{0}13\0"
            case .variable: "variable\0A=b\0"
            case .limit: "limit\0open files\u{0}10\u{0}18446744073709551615\0"
            case .failure: "failed\0program\u{0}2\0/x\0\0"
            case .garbage: "nonsense\0"
            case .end: ""
            }
        return Array(text.utf8)
    }

    private static func began() -> LaunchProgress {
        var progress = LaunchProgress()
        _ = progress.received(Array("\(LaunchPlan.formatName)\0".utf8))
        return progress
    }

    private static func apply(_ event: Event, to progress: inout LaunchProgress) -> Answer {
        guard event != .end else {
            return switch progress.reportEnded() {
            case .programRuns: .runs
            case .helperEnded: .helperEnded
            case .ignored: .ignored
            }
        }
        switch progress.received(self.bytes(event)).first {
        case nil: return .none
        case .step: return .told
        case .failed: return .failed
        }
    }

    /// The table of the file, row by row.
    private static func expected(_ state: LaunchProgress.State, _ event: Event) -> (LaunchProgress.State, Answer) {
        switch (state, event) {
        case (.helping, .step): (.helping, .told)
        case (.helping, .execute): (.executing, .told)
        case (.helping, .variable), (.helping, .limit): (.helping, .none)
        case (.helping, .failure), (.helping, .garbage): (.failed, .failed)
        case (.helping, .end): (.ended, .helperEnded)
        case (.executing, .step), (.executing, .execute): (.executing, .told)
        case (.executing, .variable), (.executing, .limit): (.executing, .none)
        case (.executing, .failure), (.executing, .garbage): (.failed, .failed)
        case (.executing, .end): (.running, .runs)
        case (.running, .end), (.ended, .end), (.failed, .end): (state, .ignored)
        case (.running, _), (.ended, _), (.failed, _): (state, .none)
        }
    }

    @Test func `every event in every state leads where the table says`() {
        let ways: [(LaunchProgress.State, [Event])] = [
            (.helping, []), (.executing, [.execute]), (.running, [.execute, .end]), (.ended, [.end]),
            (.failed, [.failure]),
        ]
        for (state, way) in ways {
            for event in Event.allCases {
                var progress = Self.began()
                for step in way { _ = Self.apply(step, to: &progress) }
                #expect(progress.state == state)
                let (next, answer) = Self.expected(state, event)
                #expect(Self.apply(event, to: &progress) == answer, "\(state), \(event)")
                #expect(progress.state == next, "\(state), \(event)")
            }
        }
    }

    @Test func `any walk follows the table, and notes what the program gets`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var progress = Self.began()
            var (state, variables, limits) = (LaunchProgress.State.helping, 0, 0)
            for _ in 0..<20 {
                guard let event = Event.allCases.randomElement(using: &generator) else { return }
                let (next, answer) = Self.expected(state, event)
                let isOpen = state == .helping || state == .executing
                #expect(Self.apply(event, to: &progress) == answer, "\(state), \(event)")
                #expect(progress.state == next)
                if isOpen, event == .variable { variables += 1 }
                if isOpen, event == .limit { limits += 1 }
                state = next
            }
            #expect(progress.environment.count == variables && progress.limits.count == limits)
        }
    }

    @Test func `nothing is told after a failure that came with more`() {
        var progress = Self.began()
        let news = progress.received(Self.bytes(.step) + Self.bytes(.failure) + Self.bytes(.execute))
        #expect(news.count == 2 && progress.state == .failed)
        #expect(progress.limits.isEmpty)
    }
}
