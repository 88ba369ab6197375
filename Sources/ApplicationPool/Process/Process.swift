// SPDX-License-Identifier: MIT

/// One running process of a group.
package struct Process: Sendable {
    /// Unique across the cores of a daemon.
    package struct ID: Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// What the spawner says of a new process.
    package struct Description: Sendable {
        package let id: Process.ID
        /// Sessions that it takes at a time; 0 = any number.
        package let concurrency: Int
        /// Whether it can be told to do out-of-band work.
        package let worksOutOfBand: Bool

        /// Of the preloader that has forked it (`Refork`); nil: none has, or it cannot become one.
        package let forkGeneration: UInt32?

        package init(
            id: Process.ID,
            concurrency: Int,
            worksOutOfBand: Bool = true,
            forkGeneration: UInt32? = nil
        ) {
            self.id = id
            self.concurrency = concurrency
            self.worksOutOfBand = worksOutOfBand
            self.forkGeneration = forkGeneration
        }
    }

    /// Where a process is between its start and its end; an exit leaves every state.
    package enum State: Equatable, Sendable {
        /// Takes sessions. Left by `detach` (→ draining or stopping), by a struck request limit (→ killed), and for
        /// out-of-band work (→ disabling or disabled).
        case enabled
        /// Takes none but those of visitors that know it, and does out-of-band work after the last one. Left by that
        /// (→ disabled), as `enabled` is, and when it is needed or the time is over (→ enabled).
        case disabling(until: Instant)
        /// Takes none and does out-of-band work, or is to begin. Left when that is done (→ enabled), and as `enabled` is.
        case disabled
        /// Takes none and waits for the last one to end. Left by that (→ stopping), or when the time is over
        /// (→ stopping, or → killed where a session hangs).
        case draining(until: Instant, thenKill: Bool)
        /// Was told to stop. Left when the time is over (→ killed).
        case stopping(killAt: Instant)
        /// Was sent SIGKILL.
        case killed
    }

    package let id: Process.ID
    /// Sessions that it takes at a time; 0 = any number.
    package let concurrency: Int
    /// The restart generation of its group when its spawn began.
    package let generation: UInt32
    package let spawnedAt: Instant
    let worksOutOfBand: Bool
    /// Of the preloader that has forked it; nil: none has, or it cannot become one.
    package let forkGeneration: UInt32?
    package internal(set) var state = State.enabled
    package internal(set) var outOfBandWork = OutOfBandWork.none
    /// What the work is, while there is some.
    var task = OutOfBandTask.ofApp
    package internal(set) var sessions = 0
    /// Requests that its sessions may carry beyond their first one, where `max_requests` bounds them.
    var promised = 0
    /// Sessions that have ended, but for those that were never used.
    package internal(set) var processed = 0
    package internal(set) var lastUsed: Instant

    init(_ description: Description, concurrencyOverride: Int?, generation: UInt32, at now: Instant) {
        self.id = description.id
        self.concurrency = concurrencyOverride ?? description.concurrency
        self.generation = generation
        self.spawnedAt = now
        self.worksOutOfBand = description.worksOutOfBand
        self.forkGeneration = description.forkGeneration
        self.lastUsed = now
    }

    /// Whether it does nothing at all.
    var isIdle: Bool { self.sessions == 0 && self.state != .disabled }

    /// Takes no further session at the moment, whoever asks.
    var isTotallyBusy: Bool {
        self.state == .disabled || (self.concurrency > 0 && self.sessions >= self.concurrency)
    }

    /// Sessions as a share of those that it could have; their number where there is no limit.
    var busyness: Double { Double(self.sessions) / Double(max(1, self.concurrency)) }
}

extension Process.ID {
    /// Names the process in a cookie; never 0, which means none.
    package var stickyID: UInt32 {
        let folded = UInt32(truncatingIfNeeded: self.rawValue ^ (self.rawValue >> 32))
        return folded == 0 ? 1 : folded
    }
}
