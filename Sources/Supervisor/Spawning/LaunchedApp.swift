// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import WireProtocol

/// A process on its way to its program and to readiness, with the daemon's ends of its channels.
struct LaunchedApp: Sendable {
    let facts: LaunchFacts
    let handle: ProcessHandle
    /// Brings the records of the launch.
    let launchReport: SharedDescriptor
    /// The daemon's end of the control channel; nil for programs without a loader.
    let control: SharedDescriptor?
    /// The reading end of the output pipe.
    let output: SharedDescriptor
    /// Of programs without a loader: the app's listening socket, kept to see whether the app accepts from it.
    let listener: SharedDescriptor?
    /// Up to here.
    let journey: Journey
}

/// What stays true of a launched process, without any descriptor.
struct LaunchFacts: Sendable {
    let id: ProcessID
    let pid: Int32
    /// As log lines name it.
    let app: String
    let appType: AppType
    let identity: RunningIdentity
    let program: LoaderProgram
    /// As it was planned.
    let description: SpawnFailure.Program
    let diagnosis: LaunchDiagnosis
    let socketPath: String
    /// Of programs without a loader.
    let port: PortChoice?
    let timeout: StartTimeout
    let clock: JourneyClock
    let records: ProcessRecords?
}

/// A port that was free a moment ago.
struct PortChoice: Hashable, Sendable {
    let host: String
    let port: UInt16

    /// Lets the kernel choose, and gives the port back at once for the app to take.
    static func free(on host: String) throws(SystemError) -> PortChoice {
        let listener = try TCPListener.bind(host: host, port: 0, backlog: 1)
        return PortChoice(host: host, port: listener.port)
    }
}

/// Time since a spawn began.
struct JourneyClock: Sendable {
    private let began = MonotonicClock.now

    var now: Duration { .nanoseconds(Int64(clamping: MonotonicClock.now - self.began)) }

    /// A moment of the monotonic clock as somebody else noted it, who may be wrong: never before the spawn, nor to come.
    func moment(_ nanoseconds: UInt64) -> Duration {
        let latest = MonotonicClock.now
        return .nanoseconds(Int64(clamping: min(max(nanoseconds, self.began), latest) - self.began))
    }
}
