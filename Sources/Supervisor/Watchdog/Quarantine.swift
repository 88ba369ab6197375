// SPDX-License-Identifier: MIT

/// Which groups are kept away from the core, because looking at them or starting them ended one.
///
///     state          core ended by it        time passed                        lifted
///     (not known)    → suspect               –                                  –
///     suspect        → quarantined, 1 min    after 10 min → (not known)         → (not known)
///     quarantined    ignored                 at its end → released              → released
///     released       → quarantined, twice    after 10 min → (not known)         ignored
///                      as long, 1 h at most
///
/// A core that was killed says nothing about anybody and is not told here.
struct Quarantine {
    /// Nanoseconds of the monotonic clock.
    typealias Instant = UInt64

    /// Two ends within this time are no accident.
    static let window = Duration.seconds(600)
    static let shortest = Duration.seconds(60)
    static let longest = Duration.seconds(3600)
    /// More groups than this are not known at a time; the one that was heard of longest ago is forgotten.
    static let maxCount = 64

    enum State: Equatable {
        /// It ended a core; left by the next one, by time, or when lifted.
        case suspect(since: Instant)
        /// Left by time, or when lifted.
        case quarantined(until: Instant, length: Duration)
        /// It may be touched again, but is not forgotten; left by a core that it ends, or by time.
        case released(since: Instant, length: Duration)
    }

    struct Entry: Equatable {
        var state: State
        /// Cores that it ended since it became known.
        var crashes: UInt32
    }

    enum CrashAction: Equatable {
        /// The next time it is put into quarantine.
        case watch
        case quarantine(for: Duration)
        case ignored(reason: String)
    }

    private(set) var entries: [GroupMark: Entry] = [:]

    /// A core ended by a fault of its own while one of its threads worked on the group.
    mutating func coreEnded(by group: GroupMark, at now: Instant) -> CrashAction {
        self.timePassed(to: now)
        guard var entry = self.entries[group] else {
            self.makeRoom()
            self.entries[group] = Entry(state: .suspect(since: now), crashes: 1)
            return .watch
        }
        let length: Duration
        switch entry.state {
        case .suspect: length = Self.shortest
        case .released(_, let last): length = min(Self.longest, last * 2)
        case .quarantined: return .ignored(reason: "nobody touches a group in quarantine")
        }
        entry.state = .quarantined(until: now + UInt64(length.components.seconds) * 1_000_000_000, length: length)
        entry.crashes += 1
        self.entries[group] = entry
        return .quarantine(for: length)
    }

    /// Somebody with authority wants it served.
    mutating func lifted(_ group: GroupMark, at now: Instant) {
        self.timePassed(to: now)
        switch self.entries[group]?.state {
        case .suspect: self.entries[group] = nil
        case .quarantined(_, let length): self.entries[group]?.state = .released(since: now, length: length)
        case .released, nil: return
        }
    }

    /// Those that are in quarantine, for a core that is about to start.
    mutating func inForce(at now: Instant) -> [(group: GroupMark, until: Instant, crashes: UInt32)] {
        self.timePassed(to: now)
        return self.entries.compactMap { group, entry in
            guard case .quarantined(let until, _) = entry.state else { return nil }
            return (group, until, entry.crashes)
        }
    }

    private mutating func timePassed(to now: Instant) {
        for (group, entry) in self.entries {
            var entry = entry
            if case .quarantined(let until, let length) = entry.state, until <= now {
                entry.state = .released(since: until, length: length)
                self.entries[group] = entry
            }
            switch entry.state {
            case .suspect(let since), .released(let since, _):
                if Self.isOver(since, at: now) { self.entries[group] = nil }
            case .quarantined: continue
            }
        }
    }

    private static func isOver(_ since: Instant, at now: Instant) -> Bool {
        now > since && now - since >= UInt64(self.window.components.seconds) * 1_000_000_000
    }

    private mutating func makeRoom() {
        guard self.entries.count >= Self.maxCount else { return }
        let oldest = self.entries.min { $0.value.moment < $1.value.moment }
        if let oldest { self.entries[oldest.key] = nil }
    }
}

extension Quarantine.Entry {
    /// Since when, or until when, it is what it is.
    fileprivate var moment: Quarantine.Instant {
        switch self.state {
        case .suspect(let since), .released(let since, _): since
        case .quarantined(let until, _): until
        }
    }
}
