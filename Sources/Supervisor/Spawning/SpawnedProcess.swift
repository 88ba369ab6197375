// SPDX-License-Identifier: MIT

package import AppSettings
package import LinuxSystem
package import SpawnPlan
package import WireProtocol

/// A process that is ready to serve.
///
/// Its end is told once through `DirectSpawner.onExit`.
package struct SpawnedProcess: Sendable {
    package let facts: AppProcessFacts
    package let service: AppProcessFacts.Service
    /// Ends the process.
    package let process: any ProcessOwner
    package let identity: RunningIdentity
    /// How it came to be ready, for the report about its crash.
    package let start: StartContext
    /// Of the preloader that has forked it, 0 is one that has loaded the app; nil: it is no fork.
    package var forkGeneration: UInt32?

    package var id: ProcessID { facts.id }
    package var pid: Int32 { facts.pid }
    package var appType: AppType { facts.appType }
    package var transport: AppTransportKind { service.transport }
    package var address: AppAddress { service.address }
    /// Requests at a time; 0 = no limit.
    package var concurrency: Int { service.concurrency }
    package var userName: String { facts.userName }
    package var uid: UInt32 { facts.uid }
    package var gid: UInt32 { facts.gid }
    /// Such as "runs as joe because joe owns config.ru".
    package var userReason: String { identity.reason }

    package init(
        facts: AppProcessFacts,
        service: AppProcessFacts.Service,
        process: any ProcessOwner,
        identity: RunningIdentity,
        start: StartContext
    ) {
        self.facts = facts
        self.service = service
        self.process = process
        self.identity = identity
        self.start = start
    }
}

/// Holds the daemon's ends of one process.
///
/// May be called from any thread; never blocks.
package protocol ProcessOwner: AnyObject, Sendable {
    /// Asks the process to end: end of file on its control channel, SIGTERM for a generic app. The caller keeps the
    /// time and calls ``kill()`` when it is up.
    func terminate()
    /// Ends the whole process group at once.
    func kill()
    /// Tells it to do its out-of-band work; what it says after it is told through `DirectSpawner.onOutOfBandWorkDone`.
    func beginOutOfBandWork()
}

/// What the owner of the spawner learns about processes that had been ready.
package struct ProcessExit: Sendable {
    package let id: ProcessID
    package let pid: Int32
    /// Nil when the kernel did not tell.
    package let status: ExitStatus?
    /// The limit that the kernel killed it for, or the latest that it reached, where that is known.
    package let limit: ReachedLimit?
    /// Whether the daemon had asked for it.
    package let wasExpected: Bool
    /// The last lines that it wrote, for a crash report; empty if it wrote none.
    package let lastOutput: String

    package init(
        id: ProcessID,
        pid: Int32,
        status: ExitStatus?,
        limit: ReachedLimit? = nil,
        wasExpected: Bool,
        lastOutput: String
    ) {
        self.id = id
        self.pid = pid
        self.status = status
        self.limit = limit
        self.wasExpected = wasExpected
        self.lastOutput = lastOutput
    }
}
