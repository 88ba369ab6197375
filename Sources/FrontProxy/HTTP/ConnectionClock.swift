// SPDX-License-Identifier: MIT

import NIOCore

/// The one clock of a connection: a deadline that moves often, over a timer that is armed seldom.
///
/// The deadline is moved by storing it. A timer that fires early finds that out and is armed for the rest, so a request
/// neither schedules nor cancels anything.
struct ConnectionClock: Equatable {
    enum State: Equatable {
        case stopped
        /// No timer runs. Left by `set`.
        case unarmed
        /// A timer runs, and nothing is waited for. Left by `set`, `fired`.
        case spare(armedFor: NIODeadline)
        /// Left by `set`, `clear`, `fired`.
        case waiting(until: NIODeadline, armedFor: NIODeadline)
    }

    private(set) var state = State.unarmed

    /// True if a timer has to be armed for this deadline, in place of the one that may run.
    mutating func set(_ deadline: NIODeadline) -> Bool {
        switch state {
        case .stopped: return false
        case .spare(let armedFor) where armedFor <= deadline, .waiting(_, let armedFor) where armedFor <= deadline:
            state = .waiting(until: deadline, armedFor: armedFor)
            return false
        case .unarmed, .spare, .waiting:
            state = .waiting(until: deadline, armedFor: deadline)
            return true
        }
    }

    mutating func clear() {
        guard case .waiting(_, let armedFor) = state else { return }
        state = .spare(armedFor: armedFor)
    }

    enum FiredAction: Equatable {
        case deadlineReached
        case arm(NIODeadline)
        case none
    }

    mutating func fired(at now: NIODeadline) -> FiredAction {
        switch state {
        case .waiting(let deadline, _) where now < deadline:
            state = .waiting(until: deadline, armedFor: deadline)
            return .arm(deadline)
        case .waiting:
            state = .unarmed
            return .deadlineReached
        case .spare:
            state = .unarmed
            return .none
        case .stopped, .unarmed: return .none
        }
    }

    mutating func stop() { state = .stopped }
}

/// How a client gets on with taking what was written to its connection.
struct OutputProgress: Equatable {
    /// Bytes that were handed to its socket, over the life of the connection.
    private(set) var handedBytes = 0
    /// Of these, the ones that the client had taken when that was last looked at.
    private var takenBytes = -1
    /// When that number was first seen.
    private var takenAt = NIODeadline.uptimeNanoseconds(0)

    mutating func handed(_ count: Int) { handedBytes += count }

    enum Verdict: Equatable {
        /// Nothing waits for the client.
        case done
        /// It must have taken something by then.
        case waiting(until: NIODeadline)
        /// It took nothing for as long as it may.
        case stuck
    }

    /// `waiting`: bytes that were handed over and are not with the kernel yet; `limit`: time without progress.
    mutating func look(waiting: Int, limit: TimeAmount, at now: NIODeadline) -> Verdict {
        guard waiting > 0 else { return .done }
        let taken = handedBytes - waiting
        if taken != takenBytes {
            takenBytes = taken
            takenAt = now
        }
        let end = takenAt + limit
        return now < end ? .waiting(until: end) : .stuck
    }
}

extension TimeAmount {
    /// Rounded to nanoseconds; at most about 30 years.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(min(seconds, 1_000_000_000)) + .nanoseconds(attoseconds / 1_000_000_000)
    }
}
