// SPDX-License-Identifier: MIT

/// The life of a preloader that has loaded its app, as its spawner sees it.
///
///     state      fork wanted   fork ended   given up       time over    not wanted   end of patience   ended
///     serving    fork          idle again   → stopping:    → stopping:  → stopping:  –                 → gone: died
///                                           kill           ask          ask
///     stopping   unusable      nothing      kill           nothing      nothing      kill              → gone
///     gone       unusable      nothing      nothing        nothing      nothing      nothing           ignored
///
/// It is given up when it did not fork as it should, or when all is to end at once. Moments are durations since the same, arbitrary one.
package struct PreloaderLife: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// `since`: the last fork, or its readiness. Leaves by time, by an order, and by its end.
        case serving(forks: Int, since: Duration)
        /// It was told to end. Leaves by its end.
        case stopping
        case gone
    }

    /// How long one that was asked to end may take for it.
    package static let patience = Duration.seconds(5)

    package private(set) var state: State

    package init(at now: Duration) { state = .serving(forks: 0, since: now) }

    /// Since when it has done nothing; nil: it is at work, or serves no more.
    package var idleSince: Duration? {
        if case .serving(forks: 0, let since) = state { since } else { nil }
    }

    package var isServing: Bool {
        if case .serving = state { true } else { false }
    }

    // MARK: Forks

    package enum ForkAction: Hashable, Sendable {
        case fork
        /// Another preloader has to be started.
        case unusable
    }

    package mutating func forkWanted() -> ForkAction {
        guard case .serving(let forks, let since) = state else { return .unusable }
        state = .serving(forks: forks + 1, since: since)
        return .fork
    }

    package enum EndAction: Hashable, Sendable {
        case nothing
        /// By the end of its control channel; after ``patience`` it is killed.
        case ask
        case kill
    }

    package mutating func forkEnded(at now: Duration) {
        guard case .serving(let forks, _) = state else { return }
        state = .serving(forks: max(0, forks - 1), since: now)
    }

    package mutating func giveUp() -> EndAction {
        switch state {
        case .serving, .stopping:
            state = .stopping
            return .kill
        case .gone: return .nothing
        }
    }

    // MARK: The end

    /// `limit`: how long it may be idle; zero: for ever.
    package mutating func timeReached(_ now: Duration, limit: Duration) -> EndAction {
        guard let since = idleSince, limit > .zero, now - since >= limit else { return .nothing }
        return notWanted()
    }

    package mutating func notWanted() -> EndAction {
        guard case .serving = state else { return .nothing }
        state = .stopping
        return .ask
    }

    package mutating func patienceEnded() -> EndAction { state == .stopping ? .kill : .nothing }

    package enum ExitAction: Hashable, Sendable {
        case tell(wasExpected: Bool)
        case ignored(reason: String)
    }

    package mutating func ended() -> ExitAction {
        defer { state = .gone }
        switch state {
        case .serving: return .tell(wasExpected: false)
        case .stopping: return .tell(wasExpected: true)
        case .gone: return .ignored(reason: "the preloader ended twice")
        }
    }
}
