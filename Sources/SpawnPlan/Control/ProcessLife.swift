// SPDX-License-Identifier: MIT

/// The life of an app process as its watcher sees it, wherever the process came from.
///
///     state      started      start failed     terminate     kill       ended                  output closed
///     starting   → serving    → failed: end    end all       end all    → collected            noted
///     serving    ignored      ignored          ask           end all    → collected: tell it   noted
///     failed     ignored      ignored          end all       end all    → collected            noted
///     collected  ignored      ignored          –             –          ignored                → gone
///     gone       ignored      ignored          –             –          ignored                ignored
///
/// It is gone at once when it ends after its output was closed. That the start has failed is known before the end of the
/// process is told, so only one of both is.
package struct ProcessLife: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// Leaves by `started`, `startFailed` and `ended`.
        case starting(isAskedToEnd: Bool)
        /// Leaves by `ended`.
        case serving(isAskedToEnd: Bool)
        /// The failure was told; only the end is awaited. Leaves by `ended`.
        case failed
        /// Its status was collected; descendants that left its process group may still write. Leaves by `outputClosed`.
        case collected
        case gone
    }

    package private(set) var state = State.starting(isAskedToEnd: false)
    private var isOutputOpen = true

    package init() {}

    /// Whether its number is still its own, so that signals and records mean it.
    package var isRunning: Bool {
        switch state {
        case .starting, .serving, .failed: true
        case .collected, .gone: false
        }
    }

    // MARK: The start

    package enum StartAction: Hashable, Sendable {
        case tell
        /// Tell the failure, and end it with all that it has started.
        case tellAndEnd
        case ignored(reason: String)
    }

    package mutating func started() -> StartAction {
        guard case .starting(let isAskedToEnd) = state else { return .ignored(reason: "no start is under way") }
        state = .serving(isAskedToEnd: isAskedToEnd)
        return .tell
    }

    package mutating func startFailed() -> StartAction {
        guard case .starting = state else { return .ignored(reason: "no start is under way") }
        state = .failed
        return .tellAndEnd
    }

    // MARK: Orders

    package enum EndAction: Hashable, Sendable {
        /// In the way that the program understands, by the end of its control channel or a signal.
        case ask
        /// At once, with all that it has started.
        case endAll
        case nothing
    }

    /// It is to end when it has finished what it does; only a process that serves has anything to finish.
    package mutating func terminate() -> EndAction {
        switch state {
        case .starting, .failed: return kill()
        case .serving:
            state = .serving(isAskedToEnd: true)
            return .ask
        case .collected, .gone: return .nothing
        }
    }

    package mutating func kill() -> EndAction {
        switch state {
        case .starting: state = .starting(isAskedToEnd: true)
        case .serving: state = .serving(isAskedToEnd: true)
        case .failed: break
        case .collected, .gone: return .nothing
        }
        return .endAll
    }

    // MARK: The end

    package enum ExitAction: Hashable, Sendable {
        case tell(wasExpected: Bool)
        /// The failure of its start said it already.
        case nothing
        case ignored(reason: String)
    }

    /// The kernel says that the process has ended, and its status was collected.
    package mutating func ended() -> ExitAction {
        let action: ExitAction
        switch state {
        case .starting, .failed: action = .nothing
        case .serving(let isAskedToEnd): action = .tell(wasExpected: isAskedToEnd)
        case .collected, .gone: return .ignored(reason: "the process ended twice")
        }
        state = isOutputOpen ? .collected : .gone
        return action
    }

    package enum OutputAction: Hashable, Sendable {
        case nothing
        /// Nothing is left of the process.
        case forget
        case ignored(reason: String)
    }

    package mutating func outputClosed() -> OutputAction {
        guard isOutputOpen else { return .ignored(reason: "the output was closed twice") }
        isOutputOpen = false
        guard state == .collected else { return .nothing }
        state = .gone
        return .forget
    }
}
