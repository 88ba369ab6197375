// SPDX-License-Identifier: MIT

/// What the watchdog makes of the life of its core.
///
///     state         coreReady      coreExited                        stopBegan    backoffElapsed
///     starting      → running      → ended (first start: fails)      → stopping   ignored
///                                  → backingOff (later ones)
///     running       ignored        → ended (status 0: intended)      → stopping   ignored
///                                  → backingOff (crash)
///     backingOff    ignored        ignored                           → ended      → starting
///     stopping      ignored        → ended                           ignored      ignored
///     ended         ignored        ignored                           ignored      ignored
struct CoreLife {
    /// Nanoseconds of the monotonic clock.
    typealias Instant = UInt64

    enum State: Equatable {
        /// A core was started and is not ready; left by its report or its end.
        case starting(isFirst: Bool)
        /// Left by the end of the core or a stop.
        case running(since: Instant)
        /// No core exists; left by the timer or a stop.
        case backingOff
        /// The core has been told to stop; left by its end.
        case stopping
        /// Final.
        case ended
    }

    enum ReadyAction: Equatable {
        /// The daemon is up for the first time.
        case announceStart
        /// A restarted core serves again.
        case announceRecovery
        case ignored(reason: String)
    }

    enum ExitAction: Equatable {
        case end(exitCode: Int32)
        case restart(after: Duration)
        case ignored(reason: String)
    }

    enum StopAction: Equatable {
        case tellCore
        case end(exitCode: Int32)
        case ignored(reason: String)
    }

    enum BackoffAction: Equatable {
        case startCore
        case ignored(reason: String)
    }

    private(set) var state = State.starting(isFirst: true)
    private(set) var backoff = RestartBackoff()

    var isStarting: Bool {
        if case .starting = self.state { true } else { false }
    }

    mutating func coreReady(at now: Instant) -> ReadyAction {
        switch self.state {
        case .starting(let isFirst):
            self.state = .running(since: now)
            return isFirst ? .announceStart : .announceRecovery
        case .running: return .ignored(reason: "the core was ready before")
        case .backingOff: return .ignored(reason: "no core is running")
        case .stopping: return .ignored(reason: "the core is stopping")
        case .ended: return .ignored(reason: "the daemon has ended")
        }
    }

    /// `status` is nil when the core did not end by itself but was ended by a signal.
    mutating func coreExited(status: Int32?, at now: Instant) -> ExitAction {
        switch self.state {
        case .starting(isFirst: true):
            self.state = .ended
            return .end(exitCode: 1)
        case .starting(isFirst: false):
            return self.backOff(life: .zero)
        case .running where status == 0:
            self.state = .ended
            return .end(exitCode: 0)
        case .running(let since):
            return self.backOff(life: .nanoseconds(Int64(clamping: now - min(now, since))))
        case .backingOff: return .ignored(reason: "no core is running")
        case .stopping:
            self.state = .ended
            return .end(exitCode: status == 0 ? 0 : 9)
        case .ended: return .ignored(reason: "the daemon has ended")
        }
    }

    mutating func stopBegan() -> StopAction {
        switch self.state {
        case .starting, .running:
            self.state = .stopping
            return .tellCore
        case .backingOff:
            self.state = .ended
            return .end(exitCode: 0)
        case .stopping: return .ignored(reason: "the core is stopping")
        case .ended: return .ignored(reason: "the daemon has ended")
        }
    }

    mutating func backoffElapsed() -> BackoffAction {
        switch self.state {
        case .backingOff:
            self.state = .starting(isFirst: false)
            return .startCore
        case .starting, .running: return .ignored(reason: "a core is running")
        case .stopping: return .ignored(reason: "the core is stopping")
        case .ended: return .ignored(reason: "the daemon has ended")
        }
    }

    private mutating func backOff(life: Duration) -> ExitAction {
        self.state = .backingOff
        return .restart(after: self.backoff.crashed(afterLiving: life))
    }
}
