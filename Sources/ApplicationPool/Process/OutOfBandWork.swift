// SPDX-License-Identifier: MIT

/// What a process has to do outside of requests, such as garbage collection.
///
///     none ──an answer asks for it──▶ requested ──told to begin──▶ underWay ──done──▶ none
///                                         │                           └──out of time──▶ overdue ──done──▶ none
///                                         └──forgotten──▶ none
///
/// Only an enabled process of a group that has another one to serve is disabled for it (`Process.State`): it is told to
/// begin once its last session has ended.
package enum OutOfBandWork: Equatable, Sendable {
    /// Left when an answer asks for work (→ requested).
    case none
    /// Left by the work's beginning (→ underWay); forgotten (→ none) when no replacement starts, when sessions do not end
    /// in time, and on a process with upgraded connections, which may last for ever.
    case requested(since: Instant)
    /// It was told to begin and has not answered. Left by its answer (→ none) or when the time is over (→ overdue).
    case underWay(until: Instant)
    /// It did not answer in time and serves again meanwhile; nothing is asked of it before it answers (→ none).
    case overdue
}

/// What a process is taken out of service for.
package enum OutOfBandTask: Equatable, Sendable {
    /// Whatever the app wants to do.
    case ofApp
    /// To fork what the next processes are forked from, see `Refork`.
    case refork
}
