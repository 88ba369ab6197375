// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct TimerQueueTests {
    @Test func `what is due comes in its order, those of one moment as they were added`() {
        var queue = TimerQueue<String>()
        #expect(queue.isEmpty && queue.earliest == nil)
        _ = queue.add("third", at: 30)
        _ = queue.add("first", at: 10)
        _ = queue.add("second", at: 10)
        #expect(queue.earliest == 10)
        #expect(queue.takeDue(at: 9) == nil)
        #expect(queue.takeDue(at: 10) == "first")
        #expect(queue.takeDue(at: 10) == "second")
        #expect(queue.takeDue(at: 10) == nil && queue.earliest == 30)
        #expect(queue.takeDue(at: .max) == "third" && queue.isEmpty)
    }

    @Test func `what was removed does not come, and is not kept`() {
        var queue = TimerQueue<Int>()
        let id = queue.add(1, at: 10)
        _ = queue.add(2, at: 20)
        queue.remove(id)
        queue.remove(id)
        #expect(queue.earliest == 20 && !queue.isEmpty)
        for index in 0..<10_000 { queue.remove(queue.add(index, at: .max)) }
        #expect(queue.takeDue(at: .max) == 2 && queue.takeDue(at: .max) == nil)
    }

    @Test func `any walk gives what a sorted list gives`() {
        for seed in 0..<50 {
            var queue = TimerQueue<Int>()
            var model: [(moment: UInt64, number: Int, id: TimerQueue<Int>.ID)] = []
            for number in 0..<300 {
                switch Int.random(in: 0..<4) {
                case 0, 1:
                    let moment = UInt64.random(in: 0..<40)
                    model.append((moment, number, queue.add(number, at: moment)))
                case 2:
                    guard let index = model.indices.randomElement() else { continue }
                    queue.remove(model.remove(at: index).id)
                default:
                    let now = UInt64.random(in: 0..<40)
                    let next = model.indices.min {
                        (model[$0].moment, model[$0].number) < (model[$1].moment, model[$1].number)
                    }
                    let due = next.flatMap { model[$0].moment <= now ? $0 : nil }
                    #expect(queue.takeDue(at: now) == due.map { model[$0].number }, "walk \(seed)")
                    if let due { model.remove(at: due) }
                }
                #expect(queue.earliest == model.map(\.moment).min() && queue.isEmpty == model.isEmpty)
            }
        }
    }
}
