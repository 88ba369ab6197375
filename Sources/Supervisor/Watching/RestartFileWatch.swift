// SPDX-License-Identifier: MIT

import ApplicationPool

/// Decides for one group when its restart files are looked at, and on which thread.
///
///     classifying ── the file thread says which ──▶ local | remote
///     local:  at each request, here, unless the throttle spares it
///     remote: at most once a second, on a file thread; requests go by the last answer
struct RestartFileWatch {
    enum Place: Equatable {
        /// Nothing is known yet. Left by `looked`.
        case classifying
        /// On a local file system. Left by `reclassify`.
        case local
        /// On a network file system; the last answer. Left by `reclassify`.
        case remote(RestartFacts)
    }

    /// What a file thread found out.
    struct Look: Sendable {
        let isRemote: Bool
        let facts: RestartFacts
    }

    enum Action: Equatable {
        case none
        /// Look now, and report by `decide`.
        case lookHere
        /// Go by these.
        case use(RestartFacts)
        /// Look on a file thread, and report by `looked`.
        case lookElsewhere
        /// Both.
        case useAndLookElsewhere(RestartFacts)
    }

    static let remoteInterval = Duration.seconds(1)

    private(set) var place = Place.classifying
    private var policy = RestartPolicy()
    private var isLookUnderWay = false
    private var lastLook: Instant?

    /// A request has arrived, or the group was defined.
    mutating func requestArrived(throttle: Duration, at now: Instant) -> Action {
        switch self.place {
        case .classifying:
            return self.begin(at: now, after: .zero) && !self.isLookUnderWay ? self.elsewhere() : .none
        case .local:
            return self.begin(at: now, after: throttle) ? .lookHere : .none
        case .remote(let facts):
            guard !self.isLookUnderWay, self.begin(at: now, after: max(throttle, Self.remoteInterval)) else {
                return throttle > .zero ? .none : .use(facts)
            }
            _ = self.elsewhere()
            return .useAndLookElsewhere(facts)
        }
    }

    /// A file thread has an answer.
    ///
    /// A touch counts at once; `always_restart.txt` is for the next request.
    mutating func looked(_ look: Look) -> RestartPolicy.Decision {
        self.isLookUnderWay = false
        self.place = look.isRemote ? .remote(look.facts) : .local
        return self.decide(look.facts, isRestarting: true)
    }

    /// The file thread could not be started; a later request tries again.
    mutating func lookFailed() {
        self.isLookUnderWay = false
    }

    mutating func decide(_ facts: RestartFacts, isRestarting: Bool) -> RestartPolicy.Decision {
        self.policy.looked(facts, isRestarting: isRestarting)
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
