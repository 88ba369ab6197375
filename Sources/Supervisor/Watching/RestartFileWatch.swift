// SPDX-License-Identifier: MIT

import ApplicationPool

/// Decides for one group when its restart files are looked at, and on which thread.
///
///     classifying ── the file thread says which ──▶ local | remote
///     local:   at each request, here, unless the throttle spares it; where that would have to wait, on a file thread,
///              and requests are held meanwhile, but not for long
///     remote:  at most once a second, on a file thread; requests go by the last answer
///
/// Each answer of a file thread says anew which it is, so a directory may move or be mounted over at any time.
package struct RestartFileWatch {
    enum Place: Equatable {
        /// Nothing is known yet. Left by `looked`.
        case classifying
        /// On these local file systems. Left by `looked` and `looksTooLong`.
        case local(Set<UInt64>)
        /// On a network file system, or on one that does not answer; the last answer. Left by `reclassify` and `looked`.
        case remote(RestartFacts)
    }

    /// What a file thread found out.
    package struct Look: Equatable, Sendable {
        let isRemote: Bool
        let facts: RestartFacts
        /// The local file systems that the files are on.
        let devices: Set<UInt64>

        init(isRemote: Bool, facts: RestartFacts, devices: Set<UInt64> = []) {
            self.isRemote = isRemote
            self.facts = facts
            self.devices = devices
        }
    }

    enum Action: Equatable {
        case none
        /// Look without waiting, and report by `decide`, or by `wouldWait`.
        case lookHere(Set<UInt64>)
        /// Go by these.
        case use(RestartFacts)
        /// Look on a file thread, and report by `looked`.
        case lookElsewhere
        /// Both.
        case useAndLookElsewhere(RestartFacts)
        /// Wait for the look that is under way.
        case hold
    }

    static let remoteInterval = Duration.seconds(1)
    /// How long requests of a group with local files may wait for a look on a file thread, which usually takes a tenth
    /// of a millisecond.
    static let longestHold = Duration.milliseconds(200)

    private(set) var place = Place.classifying
    private var policy = RestartPolicy()
    private(set) var isLookUnderWay = false
    private var lastLook: Instant?
    private var lastFacts = RestartFacts(restartFile: .unknown)

    /// A request has arrived, or the group was defined.
    mutating func requestArrived(throttle: Duration, at now: Instant) -> Action {
        switch self.place {
        case .classifying:
            guard !self.isLookUnderWay, self.begin(at: now, after: .zero) else { return .none }
            return self.elsewhere()
        case .local where self.isLookUnderWay:
            return .hold
        case .local(let devices):
            return self.begin(at: now, after: throttle) ? .lookHere(devices) : .none
        case .remote(let facts):
            guard !self.isLookUnderWay, self.begin(at: now, after: max(throttle, Self.remoteInterval)) else {
                return throttle > .zero ? .none : .use(facts)
            }
            _ = self.elsewhere()
            return .useAndLookElsewhere(facts)
        }
    }

    /// The look here cannot be made without asking a file system that might not answer: a file thread has to.
    mutating func wouldWait() {
        self.isLookUnderWay = true
    }

    /// A file thread has an answer.
    ///
    /// A touch counts at once; `always_restart.txt` is for requests: those that were held, else the next one.
    mutating func looked(_ look: Look, isRestarting: Bool = true) -> RestartPolicy.Decision {
        self.isLookUnderWay = false
        self.place = look.isRemote ? .remote(look.facts) : .local(look.devices)
        return self.decide(look.facts, isRestarting: isRestarting)
    }

    /// The file thread could not be started; a later request tries again.
    mutating func lookFailed() {
        self.isLookUnderWay = false
    }

    /// Requests have waited long enough for a file thread: the file system seems to hang.
    mutating func looksTooLong() {
        guard self.isLookUnderWay else { return }
        self.place = .remote(self.lastFacts)
    }

    mutating func decide(_ facts: RestartFacts, isRestarting: Bool) -> RestartPolicy.Decision {
        self.lastFacts = facts
        return self.policy.looked(facts, isRestarting: isRestarting)
    }

    /// The group restarted: its files may be elsewhere now.
    mutating func reclassify() {
        guard case .remote = self.place else { return }
        self.place = .classifying
    }

    private mutating func begin(at now: Instant, after interval: Duration) -> Bool {
        if interval > .zero, let lastLook, now.since(lastLook) < interval { return false }
        self.lastLook = now
        return true
    }

    private mutating func elsewhere() -> Action {
        self.isLookUnderWay = true
        return .lookElsewhere
    }
}
