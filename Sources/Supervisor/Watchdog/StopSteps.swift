// SPDX-License-Identifier: MIT

/// The three steps of stopping, for the watchdog and for the core.
///
///     state       TERM or INT
///     running     → graceful   begin to stop
///     graceful    → hurried    stop waiting for requests
///     hurried     → forced     end at once
///     forced      → forced     nothing more to do
struct StopSteps {
    enum State: Equatable {
        /// Left by the first stop signal.
        case running
        /// Running requests are being finished; left by the second stop signal.
        case graceful
        /// What still runs is being ended; left by the third.
        case hurried
        /// Final.
        case forced
    }

    enum Action: Equatable {
        case stopGracefully
        case hurry
        case endAtOnce
        case ignored(reason: String)
    }

    private(set) var state = State.running

    var isStopping: Bool { self.state != .running }

    mutating func stopRequested() -> Action {
        switch self.state {
        case .running:
            self.state = .graceful
            return .stopGracefully
        case .graceful:
            self.state = .hurried
            return .hurry
        case .hurried:
            self.state = .forced
            return .endAtOnce
        case .forced:
            return .ignored(reason: "the end is already under way")
        }
    }
}
