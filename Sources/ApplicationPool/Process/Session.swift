// SPDX-License-Identifier: MIT

/// One request that uses one slot of one process.
package struct Session: Sendable {
    /// Unique across the cores of a daemon.
    package struct ID: Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// What limits the session's life.
    enum Clock: Equatable, Sendable {
        /// Nothing does, or the limit has struck already.
        case none
        /// The app must have answered by then.
        case runningOut(at: Instant)
        /// Nobody waits for the answer; the app should be done with it by then.
        case abandoned(until: Instant)
        /// The connection speaks another protocol now and may last for ever.
        case upgraded
    }

    /// Whether its front may use it for further requests without asking.
    enum Lease: Equatable, Sendable {
        /// It may not.
        case none
        /// Left by a recall (→ recalled), by an upgrade or when its request lasts (→ none).
        case held
        /// It was asked back and ends after the request that it carries. Left as `held` is.
        case recalled
    }

    let group: Group.ID
    let process: Process.ID
    var clock: Clock
    /// Who has it, if that is known.
    let holder: LeaseHolder?
    var lease: Lease
    /// Requests that it may carry beyond the first one, of a process that has a bound.
    let promised: Int
}

/// The answer to a request that gets a process.
package struct Grant: Equatable, Sendable {
    package let session: Session.ID
    package let process: Process.ID
    package let queueTime: Duration
    /// Requests that it may carry; 1: the front asks for the next one.
    package let uses: UInt32
}

/// Why a request gets no process.
package enum Refusal: Equatable, Sendable {
    /// As many requests wait as may wait.
    case queueFull
    /// It waited as long as it may.
    case queueTimeout
    /// The spawn that it waited for failed.
    case spawnFailed
    /// Spawns failed or processes died young, and the next try is only then.
    case backingOff(until: Instant)
    /// The daemon is about to end.
    case shuttingDown
    /// No front knows the group any more.
    case retired
}
