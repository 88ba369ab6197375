// SPDX-License-Identifier: MIT

/// The workers of a master: which one serves, which one replaces it, which ones drain, and when a new one starts.
///
///     launch ──ready──▶ serving ──a newer one is ready, stop──▶ draining ──ended──▶ (gone)
///        │ ended             │ ended (crash)
///        ▼                   ▼
///     first ever: give up    launch again, with backoff
///     for a reload: the serving one stays
struct WorkerRoster {
    struct ID: Hashable, Sendable {
        let rawValue: Int
    }

    enum Phase: Equatable {
        /// Leaves by `ready` or `ended`.
        case starting
        /// Leaves by `ended`, by `ready` of a newer one, or by `stopRequested`.
        case serving(since: Int64)
        /// Leaves by `ended`.
        case draining
    }

    enum Stop: Int, Comparable {
        case running
        case graceful
        case quick
        case forced

        static func < (a: Stop, b: Stop) -> Bool { a.rawValue < b.rawValue }
    }

    private(set) var workers: [ID: Phase] = [:]
    private(set) var stop = Stop.running
    private(set) var newest: ID?
    private var wasReady = false
    private var lastID = 0
    private var failures = 0
    private var isLaunchScheduled = false

    /// A worker that served this long did not crash by its start.
    private static let stableMilliseconds: Int64 = 10_000
    private static let maxDelayMilliseconds: Int64 = 5_000

    var isStopping: Bool { stop != .running }

    var serving: ID? {
        workers.first { if case .serving = $0.value { true } else { false } }?.key
    }

    // MARK: Start and reload

    /// A worker is to be launched, for the first time or with a new configuration.
    ///
    /// Returns the new one's id, and an older one that is still starting and is not wanted any more.
    mutating func launchRequested() -> (launch: ID, quit: ID?)? {
        guard !isStopping else { return nil }
        let superseded = newest.flatMap { workers[$0] == .starting ? $0 : nil }
        if let superseded { workers[superseded] = .draining }
        lastID += 1
        let id = ID(rawValue: lastID)
        workers[id] = .starting
        newest = id
        isLaunchScheduled = false
        return (id, superseded)
    }

    enum ReadyAction: Equatable {
        /// It serves from now on; the others finish what they have.
        case serves(drain: [ID], isFirst: Bool)
        case ignored(reason: String)
    }

    mutating func ready(_ id: ID, at now: Int64) -> ReadyAction {
        guard workers[id] == .starting, !isStopping else { return .ignored(reason: "it was told to end before") }
        let older = workers.keys.filter { $0 != id && workers[$0] != .draining }.sorted { $0.rawValue < $1.rawValue }
        for other in older { workers[other] = .draining }
        workers[id] = .serving(since: now)
        defer { wasReady = true }
        return .serves(drain: older, isFirst: !wasReady)
    }

    // MARK: Ends

    enum EndAction: Equatable {
        /// The first start failed: there is nothing to serve with.
        case giveUp
        /// The last worker of a stopping master.
        case finished
        /// A new one is needed after this time.
        case launch(afterMilliseconds: Int64)
        /// The worker of a reload did not start; the one that serves stays, with its configuration.
        case keepServing(ID)
        case nothing
    }

    mutating func ended(_ id: ID, at now: Int64) -> EndAction {
        guard let phase = workers.removeValue(forKey: id) else { return .nothing }
        guard !isStopping else { return workers.isEmpty ? .finished : .nothing }
        switch phase {
        case .draining: return .nothing
        case .starting:
            guard wasReady else { return .giveUp }
            if let serving {
                newest = serving
                return .keepServing(serving)
            }
            failures += 1
        case .serving(let since):
            failures = now - since >= Self.stableMilliseconds ? 0 : failures + 1
            // A successor is on its way.
            if let newest, workers[newest] == .starting { return .nothing }
        }
        isLaunchScheduled = true
        return .launch(afterMilliseconds: delay)
    }

    /// Whether a launch that was announced is still wanted.
    mutating func launchDue() -> (launch: ID, quit: ID?)? {
        guard isLaunchScheduled else { return nil }
        return launchRequested()
    }

    /// 0 after a stable time, then 100, 200, 400 … 5000 ms.
    private var delay: Int64 {
        guard failures > 0 else { return 0 }
        return min(100 << Int64(min(failures - 1, 10)), Self.maxDelayMilliseconds)
    }

    // MARK: Stop

    enum StopAction: Equatable {
        /// These finish what they have.
        case drain([ID])
        /// All close their connections now.
        case quit([ID])
        /// All are killed, and the master ends.
        case force([ID])
        /// There is no worker to wait for.
        case finished
        case ignored(reason: String)
    }

    /// One more step towards the end: graceful, quick, forced.
    mutating func stopRequested() -> StopAction {
        stop = Stop(rawValue: stop.rawValue + 1) ?? .forced
        isLaunchScheduled = false
        guard !workers.isEmpty else { return .finished }
        let all = workers.keys.sorted { $0.rawValue < $1.rawValue }
        switch stop {
        case .running: return .ignored(reason: "not stopping")
        case .graceful:
            let active = all.filter { workers[$0] != .draining }
            for id in active { workers[id] = .draining }
            return .drain(active)
        case .quick: return .quit(all)
        case .forced: return .force(all)
        }
    }
}
