// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

struct PreloaderLifeTests {
    private typealias State = PreloaderLife.State

    private enum Event: CaseIterable {
        case forkWanted, forkEnded, giveUp, timeReached, notWanted, patienceEnded, ended
    }

    private enum Answer: Equatable {
        case fork(PreloaderLife.ForkAction)
        case end(PreloaderLife.EndAction)
        case exit(PreloaderLife.ExitAction)
        case none
    }

    private static let idle = State.serving(forks: 0, since: .seconds(10))
    private static let forking = State.serving(forks: 1, since: .seconds(10))

    private func life(in state: State) -> PreloaderLife {
        var life = PreloaderLife(at: .seconds(10))
        switch state {
        case .serving(let forks, _): for _ in 0..<forks { _ = life.forkWanted() }
        case .stopping: _ = life.notWanted()
        case .gone: _ = life.ended()
        }
        return life
    }

    private func answer(to event: Event, of life: inout PreloaderLife) -> Answer {
        switch event {
        case .forkWanted: return .fork(life.forkWanted())
        case .forkEnded:
            life.forkEnded(at: .seconds(50))
            return .none
        case .giveUp: return .end(life.giveUp())
        case .timeReached: return .end(life.timeReached(.seconds(70), limit: .seconds(60)))
        case .notWanted: return .end(life.notWanted())
        case .patienceEnded: return .end(life.patienceEnded())
        case .ended: return .exit(life.ended())
        }
    }

    private struct Row {
        let state: State
        let event: Event
        let next: State
        let answer: Answer
    }

    private static let table: [Row] = [
        Row(state: idle, event: .forkWanted, next: forking, answer: .fork(.fork)),
        Row(state: idle, event: .forkEnded, next: .serving(forks: 0, since: .seconds(50)), answer: .none),
        Row(state: idle, event: .giveUp, next: .stopping, answer: .end(.kill)),
        Row(state: idle, event: .timeReached, next: .stopping, answer: .end(.ask)),
        Row(state: idle, event: .notWanted, next: .stopping, answer: .end(.ask)),
        Row(state: idle, event: .patienceEnded, next: idle, answer: .end(.nothing)),
        Row(state: idle, event: .ended, next: .gone, answer: .exit(.tell(wasExpected: false))),

        Row(
            state: forking,
            event: .forkWanted,
            next: .serving(forks: 2, since: .seconds(10)),
            answer: .fork(.fork)
        ),
        Row(state: forking, event: .forkEnded, next: .serving(forks: 0, since: .seconds(50)), answer: .none),
        Row(state: forking, event: .giveUp, next: .stopping, answer: .end(.kill)),
        Row(state: forking, event: .timeReached, next: forking, answer: .end(.nothing)),
        Row(state: forking, event: .notWanted, next: .stopping, answer: .end(.ask)),
        Row(state: forking, event: .patienceEnded, next: forking, answer: .end(.nothing)),
        Row(state: forking, event: .ended, next: .gone, answer: .exit(.tell(wasExpected: false))),

        Row(state: .stopping, event: .forkWanted, next: .stopping, answer: .fork(.unusable)),
        Row(state: .stopping, event: .forkEnded, next: .stopping, answer: .none),
        Row(state: .stopping, event: .giveUp, next: .stopping, answer: .end(.kill)),
        Row(state: .stopping, event: .timeReached, next: .stopping, answer: .end(.nothing)),
        Row(state: .stopping, event: .notWanted, next: .stopping, answer: .end(.nothing)),
        Row(state: .stopping, event: .patienceEnded, next: .stopping, answer: .end(.kill)),
        Row(state: .stopping, event: .ended, next: .gone, answer: .exit(.tell(wasExpected: true))),

        Row(state: .gone, event: .forkWanted, next: .gone, answer: .fork(.unusable)),
        Row(state: .gone, event: .forkEnded, next: .gone, answer: .none),
        Row(state: .gone, event: .giveUp, next: .gone, answer: .end(.nothing)),
        Row(state: .gone, event: .timeReached, next: .gone, answer: .end(.nothing)),
        Row(state: .gone, event: .notWanted, next: .gone, answer: .end(.nothing)),
        Row(state: .gone, event: .patienceEnded, next: .gone, answer: .end(.nothing)),
        Row(
            state: .gone,
            event: .ended,
            next: .gone,
            answer: .exit(.ignored(reason: "the preloader ended twice"))
        ),
    ]

    @Test func `each event in each state`() {
        #expect(Self.table.count == 4 * Event.allCases.count)
        for row in Self.table {
            var life = life(in: row.state)
            #expect(life.state == row.state)
            #expect(answer(to: row.event, of: &life) == row.answer, "\(row.event) in \(row.state)")
            #expect(life.state == row.next, "\(row.event) in \(row.state)")
        }
    }

    @Test func `it is idle from its last fork on, and stays for ever without a limit`() {
        var life = PreloaderLife(at: .seconds(1))
        #expect(life.idleSince == .seconds(1))
        _ = life.forkWanted()
        _ = life.forkWanted()
        life.forkEnded(at: .seconds(5))
        #expect(life.idleSince == nil)
        life.forkEnded(at: .seconds(9))
        #expect(life.idleSince == .seconds(9))
        #expect(life.timeReached(.seconds(1_000_000), limit: .zero) == .nothing)
        #expect(life.timeReached(.seconds(68), limit: .seconds(60)) == .nothing)
        #expect(life.timeReached(.seconds(69), limit: .seconds(60)) == .ask)
        #expect(!life.isServing && life.idleSince == nil)
    }
}
