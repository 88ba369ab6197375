// SPDX-License-Identifier: MIT

/// One look at the restart files of an app.
package struct RestartFacts: Equatable, Sendable {
    /// `restart.txt` as it is now.
    package enum RestartFile: Equatable, Sendable {
        case absent
        /// Two files of the same time are still different files: `current` may point to another release.
        ///
        /// Seconds since 1970 and nanoseconds of the second; only whether they change counts.
        case present(seconds: Int64, nanoseconds: Int64, inode: UInt64)
        /// It could not be looked at (no permission, a loop of links, an I/O error): no reason to do anything.
        case unknown
    }

    package var restartFile: RestartFile
    /// `always_restart.txt` exists.
    package var alwaysRestart: Bool

    package init(restartFile: RestartFile, alwaysRestart: Bool = false) {
        self.restartFile = restartFile
        self.alwaysRestart = alwaysRestart
    }
}

/// Decides from looks at the restart files whether a group restarts.
///
///     restart.txt   remembered   decision
///     any           nothing yet  keep, remember
///     present       absent       restart
///     present       the same     keep
///     present       another      restart, whether older or newer
///     absent        any          keep
///     unknown       any          keep, remember what was
package struct RestartPolicy: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        case keep
        /// `restart.txt` was touched or put in place.
        case restartForTouch
        /// `always_restart.txt` exists.
        case restartForEachRequest
    }

    private var remembered: RestartFacts.RestartFile?

    package init() {}

    /// `isRestarting`: a restart is under way or its waiters are not served yet; the request shares it.
    package mutating func looked(_ facts: RestartFacts, isRestarting: Bool) -> Decision {
        if self.remember(facts.restartFile) { return .restartForTouch }
        return facts.alwaysRestart && !isRestarting ? .restartForEachRequest : .keep
    }

    /// Whether the file is there and was not there like this before.
    private mutating func remember(_ file: RestartFacts.RestartFile) -> Bool {
        switch file {
        case .unknown:
            return false
        case .absent:
            self.remembered = file
            return false
        case .present:
            defer { self.remembered = file }
            return self.remembered != nil && self.remembered != file
        }
    }
}
