// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan

/// One process as its watcher sees it; confined to the watcher's thread.
final class WatchedApp {
    enum Life: Equatable {
        case starting
        case serving
        /// The failure was told; only the end of the process is awaited.
        case failed
        /// Collected; descendants that left its process group may still write.
        case collected
    }

    let facts: LaunchFacts
    let handle: ProcessHandle
    let report: @Sendable (AppEvent) -> Void
    var life = Life.starting
    /// Nil once the program runs, or the launch has failed.
    var launchReport: SharedDescriptor?
    var launchRecords = LaunchRecords()
    /// What the launch told; empty until then.
    var environment: [EnvironmentVariable] = []
    var limits: [SpawnFailure.ReportedLimit] = []
    var control: SharedDescriptor?
    var output: SharedDescriptor?
    var probe: ListenProbe?
    var handshake: Handshake
    var lines = OutputLines()
    /// When the start has failed; nil once it has not.
    var deadline: Duration?
    var nextProbe: Duration?
    var probePause = Duration.milliseconds(5)
    var wasAskedToEnd = false

    init(_ app: LaunchedApp, report: @escaping @Sendable (AppEvent) -> Void) {
        self.facts = app.facts
        self.handle = app.handle
        self.report = report
        self.launchReport = app.launchReport
        self.control = app.control
        self.output = app.output
        self.handshake = Handshake(journey: app.journey, timeout: app.facts.timeout)
        self.deadline = app.facts.timeout.limit
        if let listener = app.listener, let port = app.facts.port {
            self.probe = ListenProbe(
                port: port,
                uid: app.facts.identity.uid,
                socketPath: app.facts.socketPath,
                listener: listener
            )
        }
    }

    var now: Duration { self.facts.clock.now }

    /// Time until this process needs a look; nil if only events matter.
    var pause: Duration? {
        guard let next = [self.deadline, self.nextProbe].compactMap({ $0 }).min() else { return nil }
        return max(.zero, next - self.now)
    }

    /// What was really executed, as far as the launch has told.
    var description: SpawnFailure.Program {
        var description = self.facts.description
        if !self.environment.isEmpty { description.environment = SecretMask.masked(self.environment) }
        return description
    }

    /// Frequent at first, because small servers listen at once, then every tenth of a second.
    func schedulesNextProbe() {
        self.nextProbe = self.now + self.probePause
        self.probePause = min(self.probePause * 3 / 2, .milliseconds(100))
    }

    func stopsStarting() {
        self.deadline = nil
        self.nextProbe = nil
        self.probe = nil
    }

    /// Nothing listens before the program runs.
    func startsProbing() {
        if self.probe != nil, self.nextProbe == nil { self.nextProbe = self.now }
    }
}
