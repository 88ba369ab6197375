// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Synchronization
import WireProtocol

/// Bounds how much of the log those who connect can fill with what they get wrong: lines of each user, and of all together.
///
/// Shared by the doorkeepers, the broker and the admin socket; from any thread.
final class Complaints: Sendable {
    enum Verdict: Hashable {
        case log
        /// To be logged, with the word that no more of this user are for a while.
        case logAsLast
        case keepQuiet
    }

    enum Kind {
        case mistake
        /// Somebody tried what they may not: these lines have places of their own, so that a flood of mistakes hides none.
        case intrusion
    }

    /// Of one user and of all.
    static let mistakes = SharedPace(each: Pace(perMinute: 50), all: Pace(perMinute: 200))
    static let intrusions = SharedPace(each: Pace(perMinute: 10), all: Pace(perMinute: 100))

    private struct Lines: Sendable {
        var mistakes = Budget<UInt32>(Complaints.mistakes)
        var intrusions = Budget<UInt32>(Complaints.intrusions)
    }

    private let lines = Mutex(Lines())

    /// What becomes of one more line about what a user did; `now` is in nanoseconds of `MonotonicClock`.
    func line(about uid: UInt32, _ kind: Kind = .mistake, at now: UInt64 = MonotonicClock.now) -> Verdict {
        self.lines.withLock { lines in
            switch kind {
            case .mistake: Self.line(about: uid, in: &lines.mistakes, at: now)
            case .intrusion: Self.line(about: uid, in: &lines.intrusions, at: now)
            }
        }
    }

    /// Lines that were left out, for status.
    var leftOut: UInt64 { self.lines.withLock { $0.mistakes.refusals + $0.intrusions.refusals } }

    private static func line(about uid: UInt32, in lines: inout Budget<UInt32>, at now: UInt64) -> Verdict {
        guard lines.take(by: uid, at: now).isGranted else { return .keepQuiet }
        return lines.grants(to: uid) ? .log : .logAsLast
    }
}
