// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct CoreLifeTests {
    private static let second: UInt64 = 1_000_000_000

    /// A machine in the state named.
    private func machine(_ state: CoreLife.State) -> CoreLife {
        var life = CoreLife()
        switch state {
        case .starting(isFirst: true): break
        case .starting(isFirst: false):
            life = machine(.backingOff)
            _ = life.backoffElapsed()
        case .running(let since): _ = life.coreReady(at: since)
        case .backingOff:
            _ = life.coreReady(at: 0)
            _ = life.coreExited(status: nil, at: 1)
        case .stopping: _ = life.stopBegan()
        case .ended: _ = life.coreExited(status: 1, at: 0)
        }
        #expect(life.state == state)
        return life
    }

    @Test(arguments: [
        (CoreLife.State.starting(isFirst: true), CoreLife.ReadyAction.announceStart, CoreLife.State.running(since: 7)),
        (.starting(isFirst: false), .announceRecovery, .running(since: 7)),
        (.running(since: 3), .ignored(reason: "the core was ready before"), .running(since: 3)),
        (.backingOff, .ignored(reason: "no core is running"), .backingOff),
        (.stopping, .ignored(reason: "the core is stopping"), .stopping),
        (.ended, .ignored(reason: "the daemon has ended"), .ended),
    ])
    func `core ready`(state: CoreLife.State, action: CoreLife.ReadyAction, next: CoreLife.State) {
        var life = machine(state)
        #expect(life.coreReady(at: 7) == action)
        #expect(life.state == next)
    }

    @Test(
        arguments: [
            (CoreLife.State.starting(isFirst: true), 0, CoreLife.ExitAction.end(exitCode: 1), CoreLife.State.ended),
            (.starting(isFirst: true), nil, .end(exitCode: 1), .ended),
            (.starting(isFirst: false), 1, .restart(after: .seconds(1)), .backingOff),
            (.running(since: 0), 0, .end(exitCode: 0), .ended),
            (.running(since: 0), 9, .restart(after: .zero), .backingOff),
            (.running(since: 0), nil, .restart(after: .zero), .backingOff),
            (.backingOff, 0, .ignored(reason: "no core is running"), .backingOff),
            (.stopping, 0, .end(exitCode: 0), .ended),
            (.stopping, nil, .end(exitCode: 9), .ended),
            (.ended, 0, .ignored(reason: "the daemon has ended"), .ended),
        ] as [(CoreLife.State, Int32?, CoreLife.ExitAction, CoreLife.State)]
    )
    func `core exited`(state: CoreLife.State, status: Int32?, action: CoreLife.ExitAction, next: CoreLife.State) {
        var life = machine(state)
        #expect(life.coreExited(status: status, at: 5) == action)
        #expect(life.state == next)
    }

    @Test(arguments: [
        (CoreLife.State.starting(isFirst: true), CoreLife.StopAction.tellCore, CoreLife.State.stopping),
        (.starting(isFirst: false), .tellCore, .stopping),
        (.running(since: 3), .tellCore, .stopping),
        (.backingOff, .end(exitCode: 0), .ended),
        (.stopping, .ignored(reason: "the core is stopping"), .stopping),
        (.ended, .ignored(reason: "the daemon has ended"), .ended),
    ])
    func `stop began`(state: CoreLife.State, action: CoreLife.StopAction, next: CoreLife.State) {
        var life = machine(state)
        #expect(life.stopBegan() == action)
        #expect(life.state == next)
    }

    @Test(arguments: [
        (
            CoreLife.State.starting(isFirst: true), CoreLife.BackoffAction.ignored(reason: "a core is running"),
            CoreLife.State.starting(isFirst: true)
        ),
        (.starting(isFirst: false), .ignored(reason: "a core is running"), .starting(isFirst: false)),
        (.running(since: 3), .ignored(reason: "a core is running"), .running(since: 3)),
        (.backingOff, .startCore, .starting(isFirst: false)),
        (.stopping, .ignored(reason: "the core is stopping"), .stopping),
        (.ended, .ignored(reason: "the daemon has ended"), .ended),
    ])
    func `backoff elapsed`(state: CoreLife.State, action: CoreLife.BackoffAction, next: CoreLife.State) {
        var life = machine(state)
        #expect(life.backoffElapsed() == action)
        #expect(life.state == next)
    }

    @Test func `crash after crash waits longer, a long life starts anew`() {
        var life = CoreLife()
        _ = life.coreReady(at: 0)
        #expect(life.coreExited(status: nil, at: Self.second) == .restart(after: .zero))
        _ = life.backoffElapsed()
        _ = life.coreReady(at: 2 * Self.second)
        #expect(life.coreExited(status: nil, at: 3 * Self.second) == .restart(after: .seconds(1)))
        _ = life.backoffElapsed()
        _ = life.coreReady(at: 10 * Self.second)
        #expect(life.coreExited(status: nil, at: 71 * Self.second) == .restart(after: .zero))
    }
}
