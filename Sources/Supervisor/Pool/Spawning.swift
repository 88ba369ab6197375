// SPDX-License-Identifier: MIT

package import AppSettings
package import LinuxSystem
package import SpawnPlan
package import WireProtocol

/// One process to start.
package struct SpawnRequest: Sendable {
    package let key: GroupKey
    package let settings: AppSettings
    package let authority: SettingsAuthority
    /// The random identity that the process will have.
    package let processID: ProcessID
    /// The restart generation of the group.
    package let generation: UInt32
    /// What threads note that work on it.
    package let work: WorkBoard.Subject
    /// By what a failure of this start will be known.
    package let errorID: ErrorID

    package init(
        key: GroupKey,
        settings: AppSettings,
        authority: SettingsAuthority,
        processID: ProcessID,
        generation: UInt32 = 0,
        work: WorkBoard.Subject = .none,
        errorID: ErrorID = .random()
    ) {
        self.key = key
        self.settings = settings
        self.authority = authority
        self.processID = processID
        self.generation = generation
        self.work = work
        self.errorID = errorID
    }
}

extension ProcessID {
    package static func random() -> ProcessID { ProcessID(rawValue: RandomBytes.nonZeroUInt64()) }
}

extension ErrorID {
    package static func random() -> ErrorID { ErrorID(UInt32(truncatingIfNeeded: RandomBytes.uint64())) }
}

/// A spawn under way.
package protocol SpawnHandle: AnyObject {
    /// Gives the spawn up. Its completion is still called once, with whatever came of it; a process that
    /// started nevertheless is ended by the pool.
    func cancel()
}

/// Starts app processes.
///
/// Called on the core loop, and never blocks it.
package protocol Spawning: AnyObject {
    /// Starts a process and calls `completion` exactly once, on the core loop, after this method has returned.
    func spawn(
        _ request: SpawnRequest,
        completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle

    /// A process in service, which has no request, forks what new processes of its app will be forked from.
    ///
    /// `forked` is called when it may have requests again, `completion` exactly once at the end, with nil if there is a new
    /// preloader. Both on the core loop.
    func refork(
        _ request: SpawnRequest,
        from worker: ProcessID,
        forked: @escaping () -> Void,
        completion: @escaping (SpawnFailure?) -> Void
    )

    /// All processes of an app are to be replaced: what new ones could be made of is out of date.
    func appRestarts(_ key: GroupKey)

    /// Nobody has the app any more.
    func appRetired(_ key: GroupKey)

    /// What the next process of the app will be forked from.
    func preloader(of key: GroupKey) -> PreloaderInspection?

    /// Settings changed that need no new processes.
    func settingsChanged(_ settings: AppSettings, of key: GroupKey)

    /// No process is wanted any more.
    ///
    /// What exists beside those that `spawn` has made ends, at once or within seconds.
    func end(atOnce: Bool)

    /// Calls `completion` once none of what ``end(atOnce:)`` ends is left, which may be now.
    func whenEnded(_ completion: @escaping () -> Void)
}

/// Of a spawner that has nothing but the processes that it was asked for.
extension Spawning {
    package func refork(
        _ request: SpawnRequest,
        from _: ProcessID,
        forked _: @escaping () -> Void,
        completion: @escaping (SpawnFailure?) -> Void
    ) {
        let context = StartContext(id: request.errorID, journey: Journey(.reforked))
        completion(context.failure(.noFork, at: .zero))
    }
    package func appRestarts(_: GroupKey) {}
    package func appRetired(_: GroupKey) {}
    package func preloader(of _: GroupKey) -> PreloaderInspection? { nil }
    package func settingsChanged(_: AppSettings, of _: GroupKey) {}
    package func end(atOnce _: Bool) {}
    package func whenEnded(_ completion: @escaping () -> Void) { completion() }
}

extension SpawnFailure.Cause {
    static let noFork = Self(.internal, .internalError, "the process was not forked by a preloader")
}
