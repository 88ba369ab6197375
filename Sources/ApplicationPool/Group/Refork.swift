// SPDX-License-Identifier: MIT

/// Which of a group's processes becomes what its next ones are forked from, and which are to be replaced after it.
///
///     idle ──a process that has served enough is out of service──▶ underWay ──succeeded──▶ idle, generation + 1
///                                                                     └──failed──▶ idle, not again in this generation
///
/// A generation is that of a preloader: 0 has loaded the app, each later one came of a process of the one before. Processes
/// of an older one are replaced, one after the other, by forks of the newest. Where its preloader is gone and another one
/// has loaded the app, that one is the newest, and nobody is replaced.
package struct Refork: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// Left by the beginning of a refork (→ underWay).
        case idle
        /// Left by its end, or by a restart (→ idle).
        case underWay(from: Process.ID)
    }

    package enum Outcome: Equatable, Sendable {
        case succeeded
        /// `isWorkerLost`: nothing came of it, so the process may hang.
        case failed(isWorkerLost: Bool)
    }

    /// Each generation has less left to share, and costs as much: it takes so many times as many requests.
    static let growth = 10

    package private(set) var state = State.idle
    /// Of the preloader that new processes are forked from, as far as is known.
    package private(set) var generation: UInt32 = 0
    private var failedGeneration: UInt32?
    /// A spawn that began before the last refork had ended: what it brings is forked from an older preloader.
    private var olderSpawn: Spawn.ID?

    /// Whether a process has served enough; `count`: requests for the first refork, 0: none is wanted.
    func isDue(after served: Int, of generation: UInt32, count: Int) -> Bool {
        guard self.state == .idle, count > 0, generation == self.generation, generation != self.failedGeneration else {
            return false
        }
        var needed = count
        for _ in 0..<generation {
            let (product, overflow) = needed.multipliedReportingOverflow(by: Self.growth)
            if overflow { return false }
            needed = product
        }
        return served >= needed
    }

    func isOlder(_ generation: UInt32?) -> Bool { generation.map { $0 < self.generation } ?? false }

    mutating func began(from process: Process.ID) { self.state = .underWay(from: process) }

    /// False: this one is not under way any more.
    ///
    /// `spawn` is under way.
    mutating func ended(from process: Process.ID, _ outcome: Outcome, beside spawn: Spawn.ID?) -> Bool {
        guard self.state == .underWay(from: process) else { return false }
        self.state = .idle
        switch outcome {
        case .succeeded:
            self.generation += 1
            self.olderSpawn = spawn
        case .failed: self.failedGeneration = self.generation
        }
        return true
    }

    /// A spawn brought a process that was forked from a preloader of that generation.
    mutating func processCame(of generation: UInt32?, by spawn: Spawn.ID) {
        guard let generation, spawn != self.olderSpawn, generation != self.generation else { return }
        self.generation = generation
        self.failedGeneration = nil
    }

    /// A process could not be replaced: those that are left stay, and there is no other try in the generation of the oldest.
    mutating func replacementFailed(oldest: UInt32) {
        self.generation = oldest
        self.failedGeneration = oldest
    }
}
